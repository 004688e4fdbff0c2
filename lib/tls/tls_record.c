/* tls_record: see tls_record.h. */
#include "tls_record.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <string.h>

#include "hkdf.h"

static enum hkdf_hash
hash_of(enum aead_kind kind)
{
	/* TLS_AES_256_GCM_SHA384 is the only one with SHA-384 */
	return kind == AEAD_AES_256_GCM ? HKDF_SHA384 : HKDF_SHA256;
}

size_t
tls_record_secret_len(enum aead_kind kind)
{
	return hkdf_hash_len(hash_of(kind));
}

/* HKDF-Expand-Label with an empty context. */
static int
expand_label(enum aead_kind kind, const uint8_t *secret, const char *text,
    uint8_t *out, size_t n)
{
	const struct hkdf_label label = { .label = slice_str(text) };

	return hkdf_expand_label(hash_of(kind), secret, &label, out, n);
}

int
tls_record_key_set(
    struct tls_record_key *k, enum aead_kind kind, const uint8_t *secret)
{
	*k = (struct tls_record_key){ 0 };
	memcpy(k->secret, secret, tls_record_secret_len(kind));
	if (expand_label(kind, k->secret, "key", k->key, aead_key_len(kind)) ==
		0 &&
	    expand_label(kind, k->secret, "iv", k->iv, sizeof k->iv) == 0)
		return 0;
	tls_record_key_wipe(k);
	return -1;
}

int
tls_record_key_next(struct tls_record_key *k, enum aead_kind kind)
{
	uint8_t next[TLS_RECORD_SECRET_MAX];
	int result = -1;

	if (expand_label(kind, k->secret, "traffic upd", next,
		tls_record_secret_len(kind)) == 0)
		result = tls_record_key_set(k, kind, next);
	OPENSSL_cleanse(next, sizeof next);
	return result;
}

void
tls_record_key_wipe(struct tls_record_key *k)
{
	OPENSSL_cleanse(k, sizeof *k);
}

/* The IV with the record's number xored into its end (RFC 8446 §5.3). */
static void
make_nonce(const struct tls_record_key *k, uint8_t nonce[static AEAD_NONCE])
{
	memcpy(nonce, k->iv, AEAD_NONCE);
	for (int i = 0; i < 8; i++)
		nonce[AEAD_NONCE - 1 - i] ^= (uint8_t)(k->seq >> (8 * i));
}

int
tls_record_seal(struct tls_record_key *k, struct aead *a,
    enum tls_record_type type, struct slice content, struct writer *wire)
{
	const size_t body = content.n + 1 + AEAD_TAG;
	const uint8_t *header = wire->p + wire->n;
	uint8_t nonce[AEAD_NONCE];
	struct aead_record record = { nonce, { header, TLS_RECORD_HEADER } };

	assert(content.n <= TLS_RECORD_CONTENT_MAX);
	if (wire->failed || wire->cap - wire->n < TLS_RECORD_HEADER + body)
		return -1;
	make_nonce(k, nonce);
	writer_u8(wire, TLS_RECORD_DATA);
	writer_u16(wire, 0x0303);
	writer_u16(wire, (uint16_t)body);
	if (aead_seal(a, &record, content, (uint8_t)type, wire->p + wire->n) ==
	    -1)
		return -1;
	wire->n += body;
	k->seq++;
	return 0;
}

size_t
tls_record_peek(struct slice in)
{
	struct reader r = { .rest = in };

	if (in.n < TLS_RECORD_HEADER)
		return 0;
	(void)reader_take(&r, TLS_RECORD_HEADER - 2);
	return (size_t)TLS_RECORD_HEADER + reader_u16(&r);
}

static enum tls_record_status
bad(struct tls_record *record, enum tls_record_alert alert)
{
	record->alert = alert;
	return TLS_RECORD_BAD;
}

/* Finds the content type after the content, before the padding. All of it
 * together is limited, padding included (RFC 8446 §5.4). */
static enum tls_record_status
unwrap(const uint8_t *inner, size_t n, struct tls_record *record)
{
	if (n > TLS_RECORD_CONTENT_MAX + 1)
		return bad(record, TLS_ALERT_RECORD_OVERFLOW);
	while (n > 0 && inner[n - 1] == 0)
		n--;
	if (n == 0)
		return bad(record, TLS_ALERT_UNEXPECTED_MESSAGE);
	record->type = inner[n - 1];
	record->content = slice_of(inner, n - 1);
	return TLS_RECORD_OK;
}

enum tls_record_status
tls_record_open(struct tls_record_key *k, struct aead *a, struct slice *in,
    const struct writer *plain, struct tls_record *record)
{
	const size_t n = tls_record_peek(*in);
	struct reader r = { .rest = *in };
	uint8_t nonce[AEAD_NONCE];
	struct aead_record aead = { .nonce = nonce };
	struct slice body;
	uint8_t *out;

	if (n == 0)
		return TLS_RECORD_PART;
	/* the version is to be ignored; everything is protected by now, a
	 * ChangeCipherSpec has no business here any more (§5) */
	aead.aad = reader_take(&r, TLS_RECORD_HEADER);
	if (aead.aad.p[0] != TLS_RECORD_DATA)
		return bad(record, TLS_ALERT_UNEXPECTED_MESSAGE);
	if (n - TLS_RECORD_HEADER > TLS_RECORD_BODY_MAX)
		return bad(record, TLS_ALERT_RECORD_OVERFLOW);
	if (n - TLS_RECORD_HEADER < AEAD_TAG)
		return bad(record, TLS_ALERT_BAD_RECORD_MAC);
	if (in->n < n)
		return TLS_RECORD_PART;
	if (plain->cap - plain->n < n)
		return TLS_RECORD_FULL;
	body = reader_take(&r, n - TLS_RECORD_HEADER);
	make_nonce(k, nonce);
	out = plain->p + plain->n;
	if (aead_open(a, &aead, body, out) == -1)
		return bad(record, TLS_ALERT_BAD_RECORD_MAC);
	k->seq++;
	*in = r.rest;
	return unwrap(out, body.n - AEAD_TAG, record);
}

const char *
tls_record_why(enum tls_record_alert alert)
{
	switch (alert) {
	case TLS_ALERT_UNEXPECTED_MESSAGE:
		return "local error: tls: unexpected message";
	case TLS_ALERT_BAD_RECORD_MAC:
		return "local error: tls: bad record MAC";
	case TLS_ALERT_RECORD_OVERFLOW:
		return "local error: tls: record overflow";
	case TLS_ALERT_DECODE_ERROR:
		return "local error: tls: error decoding message";
	case TLS_ALERT_ILLEGAL_PARAMETER:
		return "local error: tls: illegal parameter";
	case TLS_ALERT_CLOSE_NOTIFY:
	case TLS_ALERT_INTERNAL_ERROR:
	case TLS_ALERT_USER_CANCELED:
		break;
	}
	return "local error: tls: internal error";
}
