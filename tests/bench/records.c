/* records: see records.h. */
#include "records.h"

#include "encode.h"
#include "xalloc.h"

#include <sodium.h>
#include <stdlib.h>

#define KEY_UPDATE 24 /* RFC 8446 §4, HandshakeType */

struct records {
	enum aead_kind kind;
	struct tls_record_key in, out;
	/* during the handshake: the traffic secrets, in hex */
	char client[2 * TLS_RECORD_SECRET_MAX + 1];
	char server[2 * TLS_RECORD_SECRET_MAX + 1];
};

static void take_secret(const char *line, const char *label,
    char out[static 2 * TLS_RECORD_SECRET_MAX + 1]);
static bool find_kind(const SSL *ssl, enum aead_kind *kind);
static int set_key(
    struct tls_record_key *k, enum aead_kind kind, const char *hex);
static int update_keys(
    struct records *r, struct slice message, struct writer *wire);

struct records *
records_new(void)
{
	return xcalloc(1, sizeof(struct records));
}

void
records_free(struct records *r)
{
	if (r == NULL)
		return;
	sodium_memzero(r, sizeof *r);
	free(r);
}

void
records_secret(struct records *r, const char *line)
{
	take_secret(line, "CLIENT_TRAFFIC_SECRET_0 ", r->client);
	take_secret(line, "SERVER_TRAFFIC_SECRET_0 ", r->server);
}

/* LABEL, client random, secret. */
static void
take_secret(const char *line, const char *label,
    char out[static 2 * TLS_RECORD_SECRET_MAX + 1])
{
	struct slice all = slice_str(line), name, random, secret;
	struct writer w = writer_of(out, 2 * TLS_RECORD_SECRET_MAX);

	if (!slice_starts(all, label) || !slice_cut(all, ' ', &name, &all) ||
	    !slice_cut(all, ' ', &random, &secret))
		return;
	writer_bytes(&w, secret.p, secret.n);
	out[w.n] = '\0';
}

bool
records_start(struct records *r, const SSL *ssl)
{
	bool started;

	started = SSL_version(ssl) == TLS1_3_VERSION &&
	    find_kind(ssl, &r->kind) &&
	    set_key(&r->out, r->kind, r->client) == 0 &&
	    set_key(&r->in, r->kind, r->server) == 0;
	sodium_memzero(r->client, sizeof r->client);
	sodium_memzero(r->server, sizeof r->server);
	return started;
}

static bool
find_kind(const SSL *ssl, enum aead_kind *kind)
{
	switch (SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl))) {
	case TLS1_3_CK_AES_128_GCM_SHA256 & 0xffff:
		*kind = AEAD_AES_128_GCM;
		return true;
	case TLS1_3_CK_AES_256_GCM_SHA384 & 0xffff:
		*kind = AEAD_AES_256_GCM;
		return true;
	case TLS1_3_CK_CHACHA20_POLY1305_SHA256 & 0xffff:
		*kind = AEAD_CHACHA20_POLY1305;
		return true;
	default:
		return false;
	}
}

static int
set_key(struct tls_record_key *k, enum aead_kind kind, const char *hex)
{
	uint8_t secret[TLS_RECORD_SECRET_MAX];
	int result = -1;

	if (decode_hex(secret, tls_record_secret_len(kind), slice_str(hex)) ==
	    0)
		result = tls_record_key_set(k, kind, secret);
	sodium_memzero(secret, sizeof secret);
	return result;
}

enum records_status
records_open(struct records *r, struct slice *in, struct writer *plain,
    struct writer *wire, struct fail *why)
{
	struct tls_record record = { 0 };

	for (;;) {
		struct aead *a = aead_load(AEAD_OPEN, r->kind, r->in.key);

		if (a == NULL)
			break;
		switch (tls_record_open(&r->in, a, in, plain, &record)) {
		case TLS_RECORD_OK:
			break;
		case TLS_RECORD_PART:
			return RECORDS_OK;
		case TLS_RECORD_FULL:
		case TLS_RECORD_BAD:
			fail_set(why, "%s", tls_record_why(record.alert));
			return RECORDS_BAD;
		}
		if (record.type == TLS_RECORD_DATA)
			plain->n += record.content.n;
		else if (record.type == TLS_RECORD_ALERT)
			return RECORDS_EOF;
		else if (update_keys(r, record.content, wire) == -1)
			break;
	}
	fail_set(why, "TLS: out of memory");
	return RECORDS_BAD;
}

/* Tickets, which Go sends, are of no use; a KeyUpdate is to be followed. */
static int
update_keys(struct records *r, struct slice message, struct writer *wire)
{
	static const uint8_t answer[] = { KEY_UPDATE, 0, 0, 1, 0 };
	struct aead *a;

	if (message.n != sizeof answer || message.p[0] != KEY_UPDATE)
		return 0;
	if (tls_record_key_next(&r->in, r->kind) == -1)
		return -1;
	if (message.p[4] == 0)
		return 0;
	a = aead_load(AEAD_SEAL, r->kind, r->out.key);
	if (a == NULL ||
	    tls_record_seal(&r->out, a, TLS_RECORD_HANDSHAKE,
		slice_of(answer, sizeof answer), wire) == -1)
		return -1;
	return tls_record_key_next(&r->out, r->kind);
}

int
records_seal(struct records *r, struct slice bytes, struct writer *wire)
{
	struct aead *a = aead_load(AEAD_SEAL, r->kind, r->out.key);

	if (a == NULL)
		return -1;
	return tls_record_seal(&r->out, a, TLS_RECORD_DATA, bytes, wire);
}
