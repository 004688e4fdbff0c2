/*
 * tls_peer: an OpenSSL client and our server joined by memory, for tests.
 *
 * Life: tls_peer_files once -> tls_peer_start -> tls_peer_handshake, ... ->
 * tls_peer_stop. Threads: the test's own.
 */
#ifndef DERPKIT_TLS_PEER_H
#define DERPKIT_TLS_PEER_H

#include "check.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cert.h"
#include "tls.h"

#define TLS_PEER_ROOM (1 << 20)

struct tls_peer {
	/* the client */
	SSL_CTX *client_ctx;
	SSL *client;
	BIO *from_server, *to_server; /* owned by client */
	/* the server */
	struct tls_context *ctx;
	struct tls *tls;
	enum tls_status status; /* of the last tls_input */
	struct fail why;
	uint8_t *in;    /* bytes not consumed yet */
	size_t in_n;    /* how many */
	size_t in_max;  /* most that stayed after tls_input */
	uint8_t *plain; /* what the server received */
	size_t plain_n;
	size_t chunk; /* bytes handed to tls_input at once; 0: all */
};

/* Both ways to carry records. */
static const struct tls_server_config tls_peer_native = {
	.records = TLS_RECORDS_NATIVE
};
static const struct tls_server_config tls_peer_openssl = {
	.records = TLS_RECORDS_OPENSSL
};

static const char *const tls_peer_suites[] = { "TLS_AES_128_GCM_SHA256",
	"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256" };

static char tls_peer_dir[] = "/tmp/derpkit-tls-XXXXXX";
static char tls_peer_cert[64], tls_peer_key[64];

/* Makes the files in a folder of their own; cmocka group set-up. */
static inline int
tls_peer_files(void **state)
{
	struct netaddr ip;

	(void)state;
	if (mkdtemp(tls_peer_dir) == NULL ||
	    netaddr_parse_ip(&ip, slice_str("192.0.2.1")) == -1)
		return -1;
	snprintf(tls_peer_cert, sizeof tls_peer_cert, "%s/c", tls_peer_dir);
	snprintf(tls_peer_key, sizeof tls_peer_key, "%s/k", tls_peer_dir);
	return cert_make_self_signed(&ip, tls_peer_cert, tls_peer_key, NULL);
}

static inline int
tls_peer_files_gone(void **state)
{
	(void)state;
	unlink(tls_peer_cert);
	unlink(tls_peer_key);
	return rmdir(tls_peer_dir);
}

/* A client and a server that have not spoken yet. The files of config are
 * filled in. */
static inline void
tls_peer_start(struct tls_peer *p, struct tls_server_config config)
{
	struct fail why = { 0 };

	*p = (struct tls_peer){ 0 };
	config.cert_file = tls_peer_cert;
	config.key_file = tls_peer_key;
	p->ctx = tls_context_new(&config, &why);
	check_text(why.text, "");
	check(p->ctx != NULL);
	p->tls = tls_accept(p->ctx);
	check(p->tls != NULL);
	p->in = malloc(TLS_PEER_ROOM);
	p->plain = malloc(TLS_PEER_ROOM);
	p->client_ctx = SSL_CTX_new(TLS_client_method());
	p->client = SSL_new(p->client_ctx);
	p->from_server = BIO_new(BIO_s_mem());
	p->to_server = BIO_new(BIO_s_mem());
	check(p->in != NULL && p->plain != NULL && p->client != NULL &&
	    p->from_server != NULL && p->to_server != NULL);
	BIO_set_mem_eof_return(p->from_server, -1);
	SSL_set_bio(p->client, p->from_server, p->to_server);
	SSL_set_connect_state(p->client);
}

static inline void
tls_peer_stop(struct tls_peer *p)
{
	SSL_free(p->client);
	SSL_CTX_free(p->client_ctx);
	tls_free(p->tls);
	tls_context_release(p->ctx);
	free(p->in);
	free(p->plain);
	ERR_clear_error();
}

/* Gives the server n more bytes of the wire. What it consumes is handed over
 * in a buffer of exactly that size, so that reading beyond is noticed. */
static inline void
tls_peer_give(struct tls_peer *p, const uint8_t *bytes, size_t n)
{
	uint8_t *wire_bytes = malloc(2 * TLS_WIRE_ROOM), *copy;
	struct writer wire = writer_of(wire_bytes, 2 * TLS_WIRE_ROOM);
	struct writer plain =
	    writer_of(p->plain + p->plain_n, TLS_PEER_ROOM - p->plain_n);
	struct slice rest;
	size_t before;

	check(p->in_n + n <= TLS_PEER_ROOM);
	if (n > 0)
		memcpy(p->in + p->in_n, bytes, n);
	p->in_n += n;
	copy = malloc(p->in_n + 1);
	memcpy(copy, p->in, p->in_n);
	rest = slice_of(copy, p->in_n);
	do {
		before = rest.n;
		p->status = tls_input(p->tls, &rest, &plain, &wire, &p->why);
	} while (p->status == TLS_OPEN && rest.n > 0 && rest.n < before);
	memmove(p->in, copy + p->in_n - rest.n, rest.n);
	p->in_n = rest.n;
	if (p->in_n > p->in_max && p->status == TLS_OPEN)
		p->in_max = p->in_n;
	p->plain_n += plain.n;
	check(!wire.failed);
	if (wire.n > 0)
		check_int(
		    BIO_write(p->from_server, wire.p, (int)wire.n), wire.n);
	free(copy);
	free(wire_bytes);
}

/* Moves what the client has written to the server. */
static inline void
tls_peer_move(struct tls_peer *p)
{
	const size_t chunk = p->chunk > 0 ? p->chunk : 65536;
	static uint8_t bytes[65536];
	int n;

	while ((n = BIO_read(p->to_server, bytes, (int)chunk)) > 0 &&
	    (p->status == TLS_OPEN || p->status == TLS_EOF))
		tls_peer_give(p, bytes, (size_t)n);
}

/* Does the handshake; whether both sides are through. */
static inline bool
tls_peer_handshake(struct tls_peer *p)
{
	for (int i = 0; i < 10 && p->status == TLS_OPEN; i++) {
		const int done = SSL_do_handshake(p->client);

		tls_peer_move(p);
		if (done == 1 && tls_established(p->tls))
			return true;
	}
	return false;
}

/* Seals n bytes on the server and hands them to the client's wire. */
static inline int
tls_peer_send(struct tls_peer *p, const uint8_t *bytes, size_t n)
{
	const size_t cap = n + TLS_OUTPUT_COST(n);
	uint8_t *wire_bytes = malloc(cap);
	struct writer wire = writer_of(wire_bytes, cap);
	const int result = tls_output(p->tls, slice_of(bytes, n), &wire);

	if (wire.n > 0)
		check_int(
		    BIO_write(p->from_server, wire.p, (int)wire.n), wire.n);
	free(wire_bytes);
	return result;
}

/* Reads exactly n bytes on the client. */
static inline void
tls_peer_expect(struct tls_peer *p, const uint8_t *want, size_t n)
{
	uint8_t *got = malloc(n + 1);
	size_t have = 0, some;

	while (have < n &&
	    SSL_read_ex(p->client, got + have, n - have, &some) == 1)
		have += some;
	check_size(have, n);
	check(memcmp(got, want, n) == 0);
	free(got);
}

/* n bytes that differ from place to place. */
static inline uint8_t *
tls_peer_bytes(size_t n, unsigned seed)
{
	uint8_t *p = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((i * 31 + i / 251 + seed) & 0xff);
	return p;
}

/* The client sends n bytes, the server gets them; then the other way. */
static inline void
tls_peer_exchange(struct tls_peer *p, size_t n, unsigned seed)
{
	uint8_t *bytes = tls_peer_bytes(n, seed);

	p->plain_n = 0;
	check_int(SSL_write(p->client, bytes, (int)n), n);
	tls_peer_move(p);
	check_text(p->why.text, "");
	check_int(p->status, TLS_OPEN);
	check_size(p->in_n, 0);
	check_slice(slice_of(p->plain, p->plain_n), slice_of(bytes, n));
	check_int(tls_peer_send(p, bytes, n), 0);
	tls_peer_expect(p, bytes, n);
	free(bytes);
}

/* Which alert the client was sent, or -1. */
static inline int
tls_peer_alert(struct tls_peer *p)
{
	int reason;

	ERR_clear_error();
	if (SSL_is_init_finished(p->client))
		(void)SSL_read(p->client, &(char){ 0 }, 1);
	else
		(void)SSL_do_handshake(p->client);
	reason = ERR_GET_REASON(ERR_peek_error());
	return reason >= SSL_AD_REASON_OFFSET ? reason - SSL_AD_REASON_OFFSET
					      : -1;
}

#endif
