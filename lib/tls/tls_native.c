/* tls_native: see tls_native.h. */
#include "tls_native.h"

#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <string.h>

#include "update_limit.h"

enum { KEY_UPDATE = 24 }; /* HandshakeType, RFC 8446 §4 */
enum { UPDATE_NOT_REQUESTED = 0, UPDATE_REQUESTED = 1 }; /* §4.6.3 */
enum { ALERT_WARNING = 1, ALERT_FATAL = 2 };             /* §6 */

static int read_records(struct tls_native *t, struct slice *in,
    struct writer *plain, enum tls_record_alert *alert, struct fail *why);
static int take(struct tls_native *t, const struct tls_record *record,
    enum tls_record_alert *alert, struct fail *why);
static int take_message(struct tls_native *t, struct slice content,
    enum tls_record_alert *alert, struct fail *why);
static int take_key_update(
    struct tls_native *t, enum tls_record_alert *alert, struct fail *why);
static int take_alert(struct tls_native *t, struct slice content,
    enum tls_record_alert *alert, struct fail *why);
static int send_due(struct tls_native *t, struct writer *wire);
static int send_key_update(
    struct tls_native *t, uint8_t request, struct writer *wire);
static int send_alert(
    struct tls_native *t, uint8_t level, uint8_t code, struct writer *wire);

int
tls_native_start(struct tls_native *t, const struct tls_native_secrets *secrets)
{
	*t = (struct tls_native){
		.kind = (uint8_t)secrets->kind,
		.key_records_max = secrets->key_records_max != 0
		    ? secrets->key_records_max
		    : TLS_NATIVE_KEY_RECORDS,
		.updates_left = UPDATE_LIMIT_EARLY,
	};
	if (tls_record_key_set(&t->in, secrets->kind, secrets->client) == 0 &&
	    tls_record_key_set(&t->out, secrets->kind, secrets->server) == 0)
		return 0;
	tls_native_wipe(t);
	return -1;
}

void
tls_native_wipe(struct tls_native *t)
{
	aead_forget();
	OPENSSL_cleanse(t, sizeof *t);
}

static struct aead *
load(enum aead_use use, const struct tls_native *t)
{
	return aead_load(use, (enum aead_kind)t->kind,
	    use == AEAD_SEAL ? t->out.key : t->in.key);
}

enum tls_status
tls_native_input(struct tls_native *t, struct slice *in, struct writer *plain,
    struct writer *wire, struct fail *why)
{
	enum tls_record_alert alert = TLS_ALERT_INTERNAL_ERROR;

	if (!t->broken && !t->eof &&
	    (read_records(t, in, plain, &alert, why) == -1 ||
		send_due(t, wire) == -1)) {
		fail_set(why, "%s", tls_record_why(alert));
		(void)send_alert(t, ALERT_FATAL, (uint8_t)alert, wire);
		t->broken = true;
	}
	if (t->broken)
		return TLS_BROKEN;
	if (!t->eof)
		return TLS_OPEN;
	/* what comes after close_notify is to be ignored (§6.1) */
	*in = slice_of(in->p + in->n, 0);
	return TLS_EOF;
}

/* Reads all whole records, or until the connection ends. -1 and the alert to
 * send when the peer breaks the rules. */
static int
read_records(struct tls_native *t, struct slice *in, struct writer *plain,
    enum tls_record_alert *alert, struct fail *why)
{
	struct aead *a = NULL; /* NULL: to be expanded */
	struct tls_record record;

	while (!t->broken && !t->eof && in->n > 0) {
		if (a == NULL)
			a = load(AEAD_OPEN, t);
		if (a == NULL)
			return -1;
		switch (tls_record_open(&t->in, a, in, plain, &record)) {
		case TLS_RECORD_OK:
			break;
		case TLS_RECORD_PART:
		case TLS_RECORD_FULL:
			return 0;
		case TLS_RECORD_BAD:
			*alert = record.alert;
			return -1;
		}
		if (take(t, &record, alert, why) == -1)
			return -1;
		if (record.type == TLS_RECORD_DATA)
			plain->n += record.content.n;
		else
			a = NULL; /* the key may be another one now */
	}
	return 0;
}

static int
refuse(enum tls_record_alert *alert, enum tls_record_alert code)
{
	*alert = code;
	return -1;
}

/* Counts records that bring nothing: they cost us and carry the peer no
 * further. */
static int
count_useless(
    struct tls_native *t, enum tls_record_alert *alert, struct fail *why)
{
	if (++t->useless <= TLS_NATIVE_USELESS_MAX)
		return 0;
	fail_set(why, "tls: too many non-advancing records");
	return refuse(alert, TLS_ALERT_UNEXPECTED_MESSAGE);
}

static int
take(struct tls_native *t, const struct tls_record *record,
    enum tls_record_alert *alert, struct fail *why)
{
	switch (record->type) {
	case TLS_RECORD_DATA:
		if (t->message_n > 0) /* within a message (§5.1) */
			break;
		if (record->content.n == 0)
			return count_useless(t, alert, why);
		t->useless = 0;
		return 0;
	case TLS_RECORD_HANDSHAKE:
		return take_message(t, record->content, alert, why);
	case TLS_RECORD_ALERT:
		return take_alert(t, record->content, alert, why);
	default:
		break;
	}
	return refuse(alert, TLS_ALERT_UNEXPECTED_MESSAGE);
}

/* Collects a message, which may come in pieces but not empty ones. A KeyUpdate
 * is the only one that a client may send us now, and nothing may follow it in
 * its record, as that would be after a change of keys (§5.1). */
static int
take_message(struct tls_native *t, struct slice content,
    enum tls_record_alert *alert, struct fail *why)
{
	static const uint8_t head[] = { KEY_UPDATE, 0, 0, 1 };
	struct reader r = { .rest = content };

	if (content.n == 0 ||
	    content.n > (size_t)TLS_NATIVE_MESSAGE - t->message_n)
		return refuse(alert, TLS_ALERT_UNEXPECTED_MESSAGE);
	while (r.rest.n > 0) {
		t->message[t->message_n] = reader_u8(&r);
		if (t->message[0] != KEY_UPDATE)
			return refuse(alert, TLS_ALERT_UNEXPECTED_MESSAGE);
		if (t->message_n < sizeof head &&
		    t->message[t->message_n] != head[t->message_n])
			return refuse(alert, TLS_ALERT_DECODE_ERROR);
		t->message_n++;
	}
	if (t->message_n < TLS_NATIVE_MESSAGE)
		return 0;
	t->message_n = 0;
	return take_key_update(t, alert, why);
}

static int
take_key_update(
    struct tls_native *t, enum tls_record_alert *alert, struct fail *why)
{
	const uint8_t request = t->message[TLS_NATIVE_MESSAGE - 1];

	if (request != UPDATE_NOT_REQUESTED && request != UPDATE_REQUESTED)
		return refuse(alert, TLS_ALERT_ILLEGAL_PARAMETER);
	/* what we asked for costs the peer nothing */
	if (!t->asked && !update_limit_take(&t->updates_left, t->in.seq)) {
		fail_set(why, "tls: too many key updates");
		return refuse(alert, TLS_ALERT_UNEXPECTED_MESSAGE);
	}
	t->asked = false;
	/* several requests may be answered by one KeyUpdate (§4.6.3) */
	if (request == UPDATE_REQUESTED)
		t->answer = true;
	if (tls_record_key_next(&t->in, (enum aead_kind)t->kind) == 0)
		return 0;
	return refuse(alert, TLS_ALERT_INTERNAL_ERROR);
}

/* Alerts come whole and alone (§5.1); all but two are fatal, whatever level
 * they claim (§6). */
static int
take_alert(struct tls_native *t, struct slice content,
    enum tls_record_alert *alert, struct fail *why)
{
	struct reader r = { .rest = content };
	uint8_t code;

	(void)reader_u8(&r); /* the level means nothing */
	code = reader_u8(&r);
	if (r.failed || r.rest.n > 0)
		return refuse(alert, TLS_ALERT_DECODE_ERROR);
	if (code == TLS_ALERT_USER_CANCELED) /* close_notify follows */
		return count_useless(t, alert, why);
	if (code == TLS_ALERT_CLOSE_NOTIFY) {
		t->eof = true;
		return 0;
	}
	fail_set(
	    why, "remote error: tls: %s", SSL_alert_desc_string_long(code));
	t->broken = true;
	return 0;
}

/* Answers a KeyUpdate, and asks for one when the peer's key grows old. */
static int
send_due(struct tls_native *t, struct writer *wire)
{
	if (t->closed || t->eof || t->broken)
		return 0;
	if (t->answer) {
		if (send_key_update(t, UPDATE_NOT_REQUESTED, wire) == -1)
			return -1;
		t->answer = false;
	}
	if (t->in.seq >= t->key_records_max && !t->asked) {
		if (send_key_update(t, UPDATE_REQUESTED, wire) == -1)
			return -1;
		t->asked = true;
	}
	return 0;
}

int
tls_native_output(struct tls_native *t, struct slice plain, struct writer *wire)
{
	struct reader r = { .rest = plain };
	struct aead *a = NULL; /* NULL: to be expanded */
	struct slice part;

	if (t->broken || t->closed)
		return -1;
	while (r.rest.n > 0) {
		if (t->out.seq >= t->key_records_max) {
			if (send_key_update(t, UPDATE_NOT_REQUESTED, wire) ==
			    -1)
				goto cannot;
			a = NULL;
		}
		if (a == NULL)
			a = load(AEAD_SEAL, t);
		part = reader_take(&r,
		    r.rest.n < TLS_RECORD_CONTENT_MAX ? r.rest.n
						      : TLS_RECORD_CONTENT_MAX);
		if (a == NULL ||
		    tls_record_seal(&t->out, a, TLS_RECORD_DATA, part, wire) ==
			-1)
			goto cannot;
	}
	return 0;

cannot:
	t->broken = true; /* part of it may be sealed */
	return -1;
}

static int
send_one(struct tls_native *t, enum tls_record_type type, struct slice content,
    struct writer *wire)
{
	struct aead *a = load(AEAD_SEAL, t);

	return a == NULL ? -1
			 : tls_record_seal(&t->out, a, type, content, wire);
}

static int
send_key_update(struct tls_native *t, uint8_t request, struct writer *wire)
{
	const uint8_t message[TLS_NATIVE_MESSAGE] = { KEY_UPDATE, 0, 0, 1,
		request };

	if (send_one(t, TLS_RECORD_HANDSHAKE, slice_of(message, sizeof message),
		wire) == -1)
		return -1;
	return tls_record_key_next(&t->out, (enum aead_kind)t->kind);
}

static int
send_alert(
    struct tls_native *t, uint8_t level, uint8_t code, struct writer *wire)
{
	const uint8_t alert[] = { level, code };

	if (t->closed || t->broken)
		return 0;
	t->closed = true;
	return send_one(
	    t, TLS_RECORD_ALERT, slice_of(alert, sizeof alert), wire);
}

void
tls_native_close(struct tls_native *t, struct writer *wire)
{
	(void)send_alert(t, ALERT_WARNING, TLS_ALERT_CLOSE_NOTIFY, wire);
}
