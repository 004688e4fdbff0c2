/*
 * stream_peer: a stream, and the other end of its socket, for tests.
 *
 * Life: a cmocka test's set-up -> teardown. Threads: the test's own.
 */
#ifndef DERPKIT_STREAM_PEER_H
#define DERPKIT_STREAM_PEER_H

#include "unit/tls/tls_peer.h"

#include "stream.h"

#include <sys/socket.h>

#define STREAM_PEER_ALL 400000 /* bytes of a long transfer */

struct stream_peer {
	struct loop *loop;
	struct stream_scratch *scratch;
	struct stream s;
	int fd;          /* the other end */
	unsigned events; /* reported, or-ed */
	uint8_t *in; /* what stream_read appends to, STREAM_PEER_ALL + room */
	struct writer got; /* over in */
	struct fail why;
	/* the TLS client on the other end; NULL: plain */
	SSL_CTX *ctx;
	SSL *ssl;
	struct tls_context *server_ctx;
};

static inline void
stream_peer_ready(void *ctx, unsigned events)
{
	struct stream_peer *f = ctx;

	f->events |= events;
}

static inline void
stream_peer_start(struct stream_peer *f, struct tls *tls)
{
	int fds[2];

	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	f->fd = fds[1];
	check_int(stream_open(&f->s, f->loop, f->scratch, fds[0], tls), 0);
	stream_on_ready(&f->s, stream_peer_ready, f);
}

static inline int
stream_peer_setup_common(struct stream_peer *f)
{
	f->loop = loop_new(NULL);
	f->scratch = stream_scratch_new();
	f->in = malloc(STREAM_PEER_ALL + STREAM_READ_ROOM);
	f->got = writer_of(f->in, STREAM_PEER_ALL + STREAM_READ_ROOM);
	return f->loop != NULL && f->scratch != NULL && f->in != NULL ? 0 : -1;
}

static inline int
stream_peer_setup(void **state)
{
	struct stream_peer *f = calloc(1, sizeof *f);

	*state = f;
	check_int(stream_peer_setup_common(f), 0);
	stream_peer_start(f, NULL);
	return 0;
}

static inline int
stream_peer_setup_tls(void **state)
{
	struct tls_server_config config = { .cert_file = tls_peer_cert,
		.key_file = tls_peer_key };
	struct stream_peer *f = calloc(1, sizeof *f);

	*state = f;
	check_int(stream_peer_setup_common(f), 0);
	f->server_ctx = tls_context_new(&config, &f->why);
	check_text(f->why.text, "");
	stream_peer_start(f, tls_accept(f->server_ctx));
	f->ctx = SSL_CTX_new(TLS_client_method());
	f->ssl = SSL_new(f->ctx);
	SSL_set_fd(f->ssl, f->fd);
	SSL_set_connect_state(f->ssl);
	return 0;
}

static inline int
stream_peer_teardown(void **state)
{
	struct stream_peer *f = *state;

	stream_close(&f->s);
	stream_close(&f->s);
	SSL_free(f->ssl);
	SSL_CTX_free(f->ctx);
	tls_context_release(f->server_ctx);
	if (f->fd != -1)
		close(f->fd);
	stream_scratch_free(f->scratch);
	loop_free(f->loop);
	free(f->in);
	free(f);
	return 0;
}

static inline enum stream_status
stream_peer_read_some(struct stream_peer *f)
{
	return stream_read(&f->s, STREAM_CHUNK, &f->got, &f->why);
}

static inline void
stream_peer_turn(struct stream_peer *f)
{
	f->events = 0;
	loop_again(f->loop);
	loop_turn(f->loop);
}

static inline void
stream_peer_make_tiny(struct stream_peer *f)
{
	const int size = 1;

	check_int(setsockopt(
		      f->s.watch.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size),
	    0);
}

static inline uint8_t
stream_peer_byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251 + i / 65521);
}

/* Reads once at the other end; 0 when there is nothing. A record that does not
 * open fails the test: it is not waited for. */
static inline size_t
stream_peer_read(struct stream_peer *f, uint8_t *p, size_t n)
{
	ssize_t got;

	if (f->ssl != NULL) {
		int rc = SSL_read(f->ssl, p, (int)n);

		if (rc <= 0)
			check_int(
			    SSL_get_error(f->ssl, rc), SSL_ERROR_WANT_READ);
		return rc > 0 ? (size_t)rc : 0;
	}
	got = read(f->fd, p, n);
	return got > 0 ? (size_t)got : 0;
}

static inline void
stream_peer_handshake(struct stream_peer *f)
{
	for (int i = 0; i < 20 && SSL_do_handshake(f->ssl) != 1; i++)
		(void)stream_peer_read_some(f);
	while (!stream_established(&f->s))
		check_int(stream_peer_read_some(f), STREAM_OK);
	check_size(f->got.n, 0);
}

/* Sends STREAM_PEER_ALL bytes as a queue does: what the socket does not take of
 * a piece is kept, then nothing until it is writable; the reader is slow. */
static inline void
stream_peer_transfer(struct stream_peer *f, size_t piece, size_t step)
{
	uint8_t *out = malloc(STREAM_PEER_ALL), *in = malloc(STREAM_PEER_ALL);
	size_t sent = 0, n = 0, taken, blocked = 0, got, idle = 0;

	for (size_t i = 0; i < STREAM_PEER_ALL; i++)
		out[i] = stream_peer_byte_at(i);
	while (n < STREAM_PEER_ALL) {
		while (sent < STREAM_PEER_ALL && !stream_blocked(&f->s)) {
			size_t want = STREAM_PEER_ALL - sent < piece
			    ? STREAM_PEER_ALL - sent
			    : piece;

			taken = 0;
			check_int(stream_send(&f->s, slice_of(out + sent, want),
				      &taken),
			    0);
			check(taken <= want && taken <= STREAM_CHUNK);
			if (taken < want)
				check_int(stream_keep(&f->s,
					      slice_of(out + sent + taken,
						  want - taken)),
				    0);
			sent += want;
			blocked += stream_blocked(&f->s);
		}
		got = stream_peer_read(f, in + n,
		    step < STREAM_PEER_ALL - n ? step : STREAM_PEER_ALL - n);
		n += got;
		idle = got > 0 ? 0 : idle + 1;
		check(idle < 1000); /* turns: what is missing will not come */
		stream_peer_turn(f);
		if ((f->events & LOOP_WRITE) != 0) {
			size_t before = stream_unsent(&f->s);

			check(before > 0);
			check_int(stream_writable(&f->s), 0);
			check(stream_unsent(&f->s) <= before);
		}
	}
	check(blocked > 0);
	check_size(stream_unsent(&f->s), 0);
	check_bytes(in, out, STREAM_PEER_ALL);
	check_size(stream_peer_read(f, in, 1), 0);
	stream_peer_turn(f);
	check_int(f->events & LOOP_WRITE, 0);
	free(out);
	free(in);
}

#endif
