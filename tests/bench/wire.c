/* wire: see wire.h. */
#include "wire.h"

#include "xalloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A record, or a client's whole handshake flight. */
#define OUT_CAP 32768

#define RECORD_MAX (TLS_RECORD_HEADER + TLS_RECORD_BODY_MAX)

struct wire_scratch {
	/* cipher text; in_at..in_len not read yet */
	uint8_t in[RECORD_MAX + WIRE_CHUNK];
	size_t in_at, in_len;
	uint8_t out[OUT_CAP]; /* cipher text to be sent */
	size_t out_len;
	BIO_METHOD *bio; /* owned */
};

static int bio_read(BIO *bio, char *to, int cap);
static int bio_write(BIO *bio, const char *from, int n);
static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr);
static int bio_create(BIO *bio);
static int bind_source(int fd, const struct wire_config *c, uint32_t source);
static int start_tls(struct wire *w, const struct wire_config *config);
static enum wire_status handshake(struct wire *w, struct fail *why);
static void take_over(struct wire *w);
static enum wire_status open_records(
    struct wire *w, struct writer *plain, struct fail *why);
static enum wire_status decrypt(
    struct wire *w, struct writer *plain, struct fail *why);
static int send_bytes(struct wire *w, struct slice bytes, struct fail *why);
static int send_scratch(struct wire *w, struct fail *why);

static int
openssl_fail(struct fail *why, const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof text);
	ERR_clear_error();
	return fail_set(why, "%s: %s", what, text);
}

/* OpenSSL gives the secrets of a connection to its context's key log. */
static void
note_secret(const SSL *ssl, const char *line)
{
	struct wire *w = SSL_get_app_data(ssl);

	if (w->records != NULL)
		records_secret(w->records, line);
}

SSL_CTX *
wire_tls_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	/* Go's order where the processor has AES. OpenSSL would ask for
	 * AES-256 first and make some relays work harder than others. */
	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx,
		"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
		"TLS_CHACHA20_POLY1305_SHA256") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519") != 1) {
		fprintf(stderr, "derp-load: OpenSSL cannot make a client\n");
		exit(2);
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_keylog_callback(ctx, note_secret);
	return ctx;
}

struct wire_scratch *
wire_scratch_new(void)
{
	struct wire_scratch *s = xcalloc(1, sizeof *s);

	s->bio =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "wire");
	if (s->bio == NULL || BIO_meth_set_read(s->bio, bio_read) != 1 ||
	    BIO_meth_set_write(s->bio, bio_write) != 1 ||
	    BIO_meth_set_ctrl(s->bio, bio_ctrl) != 1 ||
	    BIO_meth_set_create(s->bio, bio_create) != 1) {
		fprintf(stderr, "derp-load: out of memory\n");
		exit(2);
	}
	return s;
}

void
wire_scratch_free(struct wire_scratch *scratch)
{
	if (scratch == NULL)
		return;
	BIO_meth_free(scratch->bio);
	free(scratch);
}

/* The BIO reads and writes the scratch, so that OpenSSL, which asks for five
 * bytes of header and then the record, costs no system call for either. */
static int
bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static int
bio_read(BIO *bio, char *to, int cap)
{
	struct wire_scratch *s = BIO_get_data(bio);
	size_t n = s->in_len - s->in_at;

	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (n > (size_t)cap)
		n = (size_t)cap;
	memcpy(to, s->in + s->in_at, n);
	s->in_at += n;
	return (int)n;
}

static int
bio_write(BIO *bio, const char *from, int n)
{
	struct wire_scratch *s = BIO_get_data(bio);

	if (n < 0 || (size_t)n > OUT_CAP - s->out_len)
		return -1;
	memcpy(s->out + s->out_len, from, (size_t)n);
	s->out_len += (size_t)n;
	return n;
}

static long
bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

int
wire_dial(struct wire *w, const struct wire_config *config,
    struct wire_scratch *scratch, uint32_t source, struct fail *why)
{
	const int on = 1;

	*w = (struct wire){
		.scratch = scratch, .tls = config->tls != NULL, .cipher = ""
	};
	w->fd = socket(config->addr.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd == -1)
		return fail_errno(why, "socket");
	setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (bind_source(w->fd, config, source) == -1) {
		fail_errno(why, "bind");
		goto close_wire;
	}
	if (connect(w->fd, (const struct sockaddr *)&config->addr,
		config->addr_len) == -1 &&
	    errno != EINPROGRESS) {
		fail_errno(why, "connect");
		goto close_wire;
	}
	if (config->tls != NULL && start_tls(w, config) == -1) {
		openssl_fail(why, "TLS");
		goto close_wire;
	}
	return 0;
close_wire:
	wire_close(w);
	return -1;
}

/* 127.1.0.0/16 holds a source for everybody. */
static int
bind_source(int fd, const struct wire_config *c, uint32_t source)
{
	const struct sockaddr_in *to = (const struct sockaddr_in *)&c->addr;
	struct sockaddr_in from = { .sin_family = AF_INET };
	const int on = 1;

	if (source == 0 || c->addr.ss_family != AF_INET ||
	    ntohl(to->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET)
		return 0;
	from.sin_addr.s_addr = htonl(0x7f010000U | (source & 0xffffU));
	/* picks the port at connect, where the pair must be unique only */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	return bind(fd, (const struct sockaddr *)&from, sizeof from);
}

static int
start_tls(struct wire *w, const struct wire_config *config)
{
	BIO *bio = BIO_new(w->scratch->bio);

	if (bio == NULL)
		return -1;
	BIO_set_data(bio, w->scratch);
	w->ssl = SSL_new(config->tls);
	if (w->ssl == NULL) {
		BIO_free(bio);
		return -1;
	}
	SSL_set_bio(w->ssl, bio, bio); /* takes one reference for both */
	SSL_set_connect_state(w->ssl);
	SSL_set_app_data(w->ssl, w);
	if (config->own_records)
		w->records = records_new();
	return 0;
}

enum wire_status
wire_start(struct wire *w, struct fail *why)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1 ||
	    error != 0) {
		errno = error;
		fail_errno(why, "connect");
		return WIRE_FAILED;
	}
	w->started = true;
	w->established = !w->tls;
	if (w->established)
		return WIRE_OK;
	w->scratch->in_at = w->scratch->in_len = 0;
	return handshake(w, why);
}

static enum wire_status
handshake(struct wire *w, struct fail *why)
{
	int result;

	w->scratch->out_len = 0;
	result = SSL_do_handshake(w->ssl);
	if (result != 1 &&
	    SSL_get_error(w->ssl, result) != SSL_ERROR_WANT_READ) {
		openssl_fail(why, "TLS handshake");
		return WIRE_FAILED;
	}
	if (result == 1)
		take_over(w);
	return send_scratch(w, why) == -1 ? WIRE_FAILED : WIRE_OK;
}

/* OpenSSL has read no byte behind the handshake, because it asks the BIO for
 * headers and bodies only: what there is more lies in the scratch. */
static void
take_over(struct wire *w)
{
	w->established = true;
	w->cipher = SSL_get_cipher_name(w->ssl);
	if (w->records != NULL && records_start(w->records, w->ssl)) {
		SSL_free(w->ssl);
		w->ssl = NULL;
		return;
	}
	records_free(w->records);
	w->records = NULL;
}

enum wire_status
wire_read(struct wire *w, struct writer *plain, struct fail *why)
{
	struct wire_scratch *s = w->scratch;
	uint8_t *to = w->tls ? s->in + w->rest_len : plain->p + plain->n;
	ssize_t n = recv(w->fd, to, WIRE_CHUNK, 0);

	if (n == 0)
		return WIRE_EOF;
	if (n == -1) {
		if (errno == EAGAIN || errno == EINTR)
			return WIRE_EMPTY;
		fail_errno(why, "recv");
		return WIRE_FAILED;
	}
	if (!w->tls) {
		plain->n += (size_t)n;
		return WIRE_OK;
	}
	if (w->rest_len > 0)
		memcpy(s->in, w->rest, w->rest_len);
	s->in_at = 0;
	s->in_len = w->rest_len + (size_t)n;
	if (!w->established && handshake(w, why) != WIRE_OK)
		return WIRE_FAILED;
	if (!w->established)
		return WIRE_OK;
	return w->ssl == NULL ? open_records(w, plain, why)
			      : decrypt(w, plain, why);
}

static enum wire_status
open_records(struct wire *w, struct writer *plain, struct fail *why)
{
	struct wire_scratch *s = w->scratch;
	struct slice in = slice_of(s->in + s->in_at, s->in_len - s->in_at);
	struct writer out = writer_of(s->out, OUT_CAP);

	switch (records_open(w->records, &in, plain, &out, why)) {
	case RECORDS_OK:
		break;
	case RECORDS_EOF:
		return WIRE_EOF;
	case RECORDS_BAD:
		return WIRE_FAILED;
	}
	if (in.n > 0 && w->rest == NULL)
		w->rest = xcalloc(1, RECORD_MAX);
	if (in.n > 0)
		memcpy(w->rest, in.p, in.n);
	w->rest_len = in.n;
	s->out_len = out.n;
	return send_scratch(w, why) == -1 ? WIRE_FAILED : WIRE_OK;
}

/* Reads until OpenSSL wants more: it then holds the front of a record itself
 * and the scratch is free for the next wire. */
static enum wire_status
decrypt(struct wire *w, struct writer *plain, struct fail *why)
{
	w->scratch->out_len = 0;
	for (;;) {
		int n = SSL_read(
		    w->ssl, plain->p + plain->n, (int)(plain->cap - plain->n));

		if (n > 0) {
			plain->n += (size_t)n;
			continue;
		}
		switch (SSL_get_error(w->ssl, n)) {
		case SSL_ERROR_WANT_READ:
			/* what a KeyUpdate wants answered */
			if (send_scratch(w, why) == -1)
				return WIRE_FAILED;
			return WIRE_OK;
		case SSL_ERROR_ZERO_RETURN:
			return WIRE_EOF;
		default:
			openssl_fail(why, "TLS read");
			return WIRE_FAILED;
		}
	}
}

int
wire_write(struct wire *w, struct slice bytes, struct fail *why)
{
	struct writer out = writer_of(w->scratch->out, OUT_CAP);

	if (!w->tls)
		return send_bytes(w, bytes, why);
	if (w->ssl == NULL) {
		if (records_seal(w->records, bytes, &out) == -1)
			return fail_set(why, "cannot seal a record");
		return send_bytes(w, writer_slice(&out), why);
	}
	w->scratch->out_len = 0;
	if (SSL_write(w->ssl, bytes.p, (int)bytes.n) != (int)bytes.n)
		return openssl_fail(why, "TLS write");
	return send_scratch(w, why);
}

static int
send_scratch(struct wire *w, struct fail *why)
{
	struct wire_scratch *s = w->scratch;
	struct slice bytes = slice_of(s->out, s->out_len);

	s->out_len = 0;
	return bytes.n == 0 ? 0 : send_bytes(w, bytes, why);
}

static int
send_bytes(struct wire *w, struct slice bytes, struct fail *why)
{
	ssize_t n = 0;
	uint8_t *more;

	if (!wire_blocked(w))
		n = send(w->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN && errno != EINTR)
		return fail_errno(why, "send");
	if (n == -1)
		n = 0;
	if ((size_t)n == bytes.n)
		return 0;
	bytes = slice_of(bytes.p + n, bytes.n - (size_t)n);
	more = realloc(w->unsent, w->unsent_len + bytes.n);
	if (more == NULL)
		return fail_set(why, "out of memory");
	w->unsent = more;
	memcpy(more + w->unsent_len, bytes.p, bytes.n);
	w->unsent_len += bytes.n;
	return 0;
}

int
wire_flush(struct wire *w, struct fail *why)
{
	ssize_t n;

	if (!wire_blocked(w))
		return 0;
	n = send(w->fd, w->unsent + w->unsent_at, w->unsent_len - w->unsent_at,
	    MSG_NOSIGNAL);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR
		    ? 0
		    : fail_errno(why, "send");
	w->unsent_at += (size_t)n;
	if (w->unsent_at == w->unsent_len)
		w->unsent_at = w->unsent_len = 0;
	return 0;
}

bool
wire_blocked(const struct wire *w)
{
	return w->unsent_len > 0;
}

const char *
wire_cipher(const struct wire *w)
{
	return w->cipher;
}

bool
wire_is_own(const struct wire *w)
{
	return w->established && w->tls && w->ssl == NULL;
}

bool
wire_is_new(const struct wire *w)
{
	return !w->started;
}

void
wire_close(struct wire *w)
{
	if (w->fd != -1)
		close(w->fd);
	w->fd = -1;
	SSL_free(w->ssl);
	records_free(w->records);
	free(w->rest);
	free(w->unsent);
	*w = (struct wire){ .fd = -1 };
}
