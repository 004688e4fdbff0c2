/* tls_handshake: see tls_handshake.h. */
#include "tls_handshake.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tls_challenge.h"
#include "tls_kdf.h"
#include "update_limit.h"

struct tls_handshake {
	SSL *ssl; /* owned */
	/* held: callbacks of ssl look into it; NULL: adopted */
	struct tls_context *ctx;
	struct tls_context_report report;
	struct tls_kdf_secrets secrets; /* for native records */
	/* for the BIO, during a call only */
	struct slice in;
	struct writer *wire; /* borrowed */
	/* the handshake is over; OpenSSL says otherwise once it has met an
	 * error behind it */
	bool over;
	/* after the handshake */
	uint64_t records;     /* received with the peer's present key */
	uint8_t updates_left; /* see update_limit.h */
	bool flooded;         /* by KeyUpdates */
	bool broken;
	bool eof;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static BIO_METHOD *method; /* set up once, immutable then */

static void set_up(void);
static void watch_messages(struct tls_handshake *s);
static enum tls_status handshake(struct tls_handshake *s, struct fail *why);
static enum tls_status read_record(struct tls_handshake *s, uint8_t type,
    struct writer *plain, struct fail *why);
static void on_message(int sent, int version, int type, const void *p, size_t n,
    SSL *ssl, void *arg);

/* The SSL object reads and writes what the handshake is given. */
static int
use_memory(struct tls_handshake *s)
{
	BIO *bio;

	(void)pthread_once(&once, set_up);
	bio = method != NULL ? BIO_new(method) : NULL;
	if (bio == NULL)
		return -1;
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio); /* takes it */
	return 0;
}

struct tls_handshake *
tls_handshake_new(struct tls_context *ctx)
{
	struct tls_handshake *s = calloc(1, sizeof *s);

	if (s == NULL)
		goto free_handshake;
	s->ssl = SSL_new(tls_context_ssl(ctx));
	if (s->ssl == NULL)
		goto free_handshake;
	if (use_memory(s) == -1)
		goto free_ssl;
	if (SSL_set_app_data(s->ssl, &s->report) != 1)
		goto free_ssl;
	SSL_set_accept_state(s->ssl);
	s->updates_left = UPDATE_LIMIT_EARLY;
	s->ctx = tls_context_hold(ctx);
	return s;

free_ssl:
	SSL_free(s->ssl);
free_handshake:
	ERR_clear_error();
	free(s);
	return NULL;
}

struct tls_handshake *
tls_handshake_adopt(SSL *ssl)
{
	struct tls_handshake *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->ssl = ssl;
	if (use_memory(s) == -1) {
		ERR_clear_error();
		free(s);
		return NULL;
	}
	/* what is written is all taken */
	SSL_clear_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE);
	s->updates_left = UPDATE_LIMIT_EARLY;
	s->over = true;
	watch_messages(s);
	return s;
}

void
tls_handshake_free(struct tls_handshake *s)
{
	if (s == NULL)
		return;
	if (s->report.challenge)
		tls_challenge_end(tls_context_challenge(s->ctx), s->ssl);
	else
		SSL_free(s->ssl);
	tls_context_release(s->ctx);
	OPENSSL_cleanse(s, sizeof *s);
	free(s);
}

bool
tls_handshake_done(const struct tls_handshake *s)
{
	return s->over && !s->broken;
}

bool
tls_handshake_over(const struct tls_handshake *s)
{
	return s->over;
}

bool
tls_handshake_saw_no_name(const struct tls_handshake *s)
{
	return s->report.no_name;
}

const char *
tls_handshake_version(const struct tls_handshake *s)
{
	if (!s->over)
		return "";
	return SSL_version(s->ssl) == TLS1_3_VERSION ? "1.3" : "1.2";
}

static int
bio_read(BIO *bio, char *out, int n)
{
	struct tls_handshake *s = BIO_get_data(bio);
	struct reader r = { .rest = s->in };
	size_t some = n < 0 ? 0 : (size_t)n;

	BIO_clear_retry_flags(bio);
	if (some > r.rest.n)
		some = r.rest.n;
	if (some == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	reader_copy(&r, out, some);
	s->in = r.rest;
	return (int)some;
}

static int
bio_write(BIO *bio, const char *p, int n)
{
	struct tls_handshake *s = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (s->wire == NULL || n < 0)
		return -1;
	writer_bytes(s->wire, p, (size_t)n);
	return s->wire->failed ? -1 : n;
}

static long
bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio, (void)num, (void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static void
set_up(void)
{
	BIO_METHOD *m = BIO_meth_new(
	    BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "derpkit record");

	if (m != NULL && BIO_meth_set_read(m, bio_read) == 1 &&
	    BIO_meth_set_write(m, bio_write) == 1 &&
	    BIO_meth_set_ctrl(m, bio_ctrl) == 1)
		method = m;
}

/* Takes the next whole record off *in for OpenSSL; false when there is none
 * yet. A header that promises more than any record may hold goes alone: then
 * OpenSSL sends the alert that is right for its state. */
static bool
cut_record(struct tls_handshake *s, struct slice *in)
{
	static const uint8_t too_long[] = { TLS_RECORD_HANDSHAKE, 3, 3, 0xff,
		0xff };
	const size_t n = tls_record_peek(*in);
	struct reader r = { .rest = *in };

	if (n > TLS_RECORD_MAX) {
		s->in = slice_of(too_long, sizeof too_long);
		return true;
	}
	if (n == 0 || n > in->n)
		return false;
	s->in = reader_take(&r, n);
	*in = r.rest;
	return true;
}

enum tls_status
tls_handshake_input(struct tls_handshake *s, struct slice *in,
    struct writer *plain, struct writer *wire, struct fail *why)
{
	enum tls_status status = TLS_OPEN;

	if (s->broken)
		return TLS_BROKEN;
	ERR_clear_error();
	s->wire = wire;
	while (status == TLS_OPEN && !s->eof) {
		const bool done = tls_handshake_done(s);

		if (done && plain->cap - plain->n < tls_record_peek(*in))
			break;
		if (!cut_record(s, in))
			break;
		status = done ? read_record(s, s->in.p[0], plain, why)
			      : handshake(s, why);
		if (!done) {
			/* an authority that has seen its proof has nothing more
			 * to say (RFC 8737 3) */
			s->eof = s->report.challenge && tls_handshake_done(s);
			break;
		}
	}
	s->wire = NULL;
	s->in = slice_of(NULL, 0);
	s->broken = status == TLS_BROKEN || status == TLS_NO_MEMORY;
	if (!s->eof)
		return status;
	*in = slice_of(in->p + in->n, 0);
	return TLS_EOF;
}

/* What OpenSSL did not like, in the words of Go's log where there are any. */
static enum tls_status
broken(struct tls_handshake *s, struct fail *why)
{
	const unsigned long e = ERR_peek_error();
	const int reason = ERR_GET_REASON(e);

	if (s->report.why.text[0] != '\0')
		fail_set(why, "%s", s->report.why.text);
	else if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
	    reason >= SSL_AD_REASON_OFFSET &&
	    reason < SSL_AD_REASON_OFFSET + 256)
		fail_set(why, "remote error: tls: %s",
		    SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
	else if (reason == ERR_R_MALLOC_FAILURE)
		return TLS_NO_MEMORY;
	else
		fail_set(why, "tls: %s",
		    e != 0 ? ERR_reason_error_string(e) : "broken connection");
	ERR_clear_error();
	return TLS_BROKEN;
}

static void
watch_messages(struct tls_handshake *s)
{
	SSL_set_msg_callback(s->ssl, on_message);
	SSL_set_msg_callback_arg(s->ssl, s);
}

static enum tls_status
handshake(struct tls_handshake *s, struct fail *why)
{
	int n;

	if (tls_context_native(s->ctx))
		tls_kdf_watch(&s->secrets);
	n = SSL_do_handshake(s->ssl);
	tls_kdf_watch(NULL);
	if (n == 1) {
		s->over = true;
		watch_messages(s);
		return TLS_OPEN;
	}
	if (SSL_get_error(s->ssl, n) == SSL_ERROR_WANT_READ)
		return TLS_OPEN;
	return broken(s, why);
}

/* Messages of the handshake protocol that come after the handshake. */
static void
on_message(int sent, int version, int type, const void *p, size_t n, SSL *ssl,
    void *arg)
{
	struct tls_handshake *s = arg;
	struct reader r = { .rest = slice_of(p, n) };

	(void)version, (void)ssl;
	if (sent != 0 || type != SSL3_RT_HANDSHAKE ||
	    reader_u8(&r) != SSL3_MT_KEY_UPDATE)
		return;
	if (!update_limit_take(&s->updates_left, s->records))
		s->flooded = true;
	s->records = 0;
}

static enum tls_status
read_all(struct tls_handshake *s, struct writer *plain, struct fail *why)
{
	for (;;) {
		size_t n = 0;
		int error;

		if (SSL_read_ex(s->ssl, plain->p + plain->n,
			plain->cap - plain->n, &n) == 1) {
			plain->n += n;
			continue;
		}
		error = SSL_get_error(s->ssl, 0);
		if (error == SSL_ERROR_WANT_READ)
			return TLS_OPEN;
		if (error == SSL_ERROR_ZERO_RETURN) {
			s->eof = true;
			return TLS_EOF;
		}
		return broken(s, why);
	}
}

static enum tls_status
refuse(struct fail *why, const char *text)
{
	fail_set(why, "%s", text);
	ERR_clear_error();
	return TLS_BROKEN;
}

/* Reads one record after the handshake. In TLS 1.2 a client has no handshake
 * message to send any more but the ClientHello of a renegotiation: OpenSSL
 * answers that with a warning, and would answer the next one. */
static enum tls_status
read_record(struct tls_handshake *s, uint8_t type, struct writer *plain,
    struct fail *why)
{
	const bool tls13 = SSL_version(s->ssl) == TLS1_3_VERSION;
	enum tls_status status;

	s->records++;
	status = read_all(s, plain, why);
	if (status != TLS_OPEN)
		return status;
	if (!tls13 && type == TLS_RECORD_HANDSHAKE)
		return refuse(why, "tls: renegotiation is not allowed");
	if (s->flooded)
		return refuse(why, "tls: too many key updates");
	return TLS_OPEN;
}

/* Which AEAD of ours a cipher suite of TLS 1.3 is; false: none. */
static bool
kind_of(const SSL_CIPHER *cipher, enum aead_kind *kind)
{
	switch (cipher != NULL ? SSL_CIPHER_get_protocol_id(cipher) : 0) {
	case 0x1301: /* RFC 8446 §B.4 */
		*kind = AEAD_AES_128_GCM;
		return true;
	case 0x1302:
		*kind = AEAD_AES_256_GCM;
		return true;
	case 0x1303:
		*kind = AEAD_CHACHA20_POLY1305;
		return true;
	default:
		return false;
	}
}

/* Whether shorter records than usual were agreed on (max_fragment_length, RFC
 * 6066 §4): native records know one size only. OpenSSL 3 does not know
 * record_size_limit (RFC 8449); a unit test notices when it does. */
static bool
has_short_records(const SSL *ssl)
{
	return SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl)) !=
	    TLSEXT_max_fragment_length_DISABLED;
}

bool
tls_handshake_secrets(
    const struct tls_handshake *s, struct tls_native_secrets *secrets)
{
	const struct tls_kdf_secrets *made = &s->secrets;
	size_t n;

	if (SSL_version(s->ssl) != TLS1_3_VERSION ||
	    !kind_of(SSL_get_current_cipher(s->ssl), &secrets->kind) ||
	    SSL_has_pending(s->ssl) || has_short_records(s->ssl))
		return false;
	n = tls_record_secret_len(secrets->kind);
	if (made->client_n != n || made->server_n != n)
		return false;
	memcpy(secrets->client, made->client, n);
	memcpy(secrets->server, made->server, n);
	return true;
}

int
tls_handshake_output(
    struct tls_handshake *s, struct slice plain, struct writer *wire)
{
	size_t n;
	int ok;

	if (!tls_handshake_done(s) ||
	    (SSL_get_shutdown(s->ssl) & SSL_SENT_SHUTDOWN) != 0)
		return -1;
	if (plain.n == 0)
		return 0;
	ERR_clear_error();
	s->wire = wire;
	ok = SSL_write_ex(s->ssl, plain.p, plain.n, &n);
	s->wire = NULL;
	if (ok == 1 && n == plain.n)
		return 0;
	ERR_clear_error();
	s->broken = true;
	return -1;
}

void
tls_handshake_close(struct tls_handshake *s, struct writer *wire)
{
	if (!tls_handshake_done(s))
		return;
	s->wire = wire;
	(void)SSL_shutdown(s->ssl);
	s->wire = NULL;
	ERR_clear_error();
}
