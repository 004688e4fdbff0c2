/* stream: bytes over a socket, plain and TLS: splits, full sockets, ends. */
#include "unit/tls/tls_peer.h"

#include "fake_alloc.h"
#include "stream.h"

#include <sys/mman.h>
#include <sys/socket.h>

#define ALL 400000 /* bytes of a long transfer */

struct fixture {
	struct loop *loop;
	struct stream_scratch *scratch;
	struct stream s;
	int fd;            /* the other end */
	unsigned events;   /* reported, or-ed */
	uint8_t *in;       /* what stream_read appends to, ALL + room */
	struct writer got; /* over in */
	struct fail why;
	/* the TLS client on the other end; NULL: plain */
	SSL_CTX *ctx;
	SSL *ssl;
	struct tls_context *server_ctx;
};

static void
ready(void *ctx, unsigned events)
{
	struct fixture *f = ctx;

	f->events |= events;
}

static void
start(struct fixture *f, struct tls *tls)
{
	int fds[2];

	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	f->fd = fds[1];
	check_int(stream_open(&f->s, f->loop, f->scratch, fds[0], tls), 0);
	stream_on_ready(&f->s, ready, f);
}

static int
setup_common(struct fixture *f)
{
	f->loop = loop_new(NULL);
	f->scratch = stream_scratch_new();
	f->in = malloc(ALL + STREAM_READ_ROOM);
	f->got = writer_of(f->in, ALL + STREAM_READ_ROOM);
	return f->loop != NULL && f->scratch != NULL && f->in != NULL ? 0 : -1;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	check_int(setup_common(f), 0);
	start(f, NULL);
	return 0;
}

static int
setup_tls(void **state)
{
	struct tls_server_config config = { .cert_file = tls_peer_cert,
		.key_file = tls_peer_key };
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	check_int(setup_common(f), 0);
	f->server_ctx = tls_context_new(&config, &f->why);
	check_text(f->why.text, "");
	start(f, tls_accept(f->server_ctx));
	f->ctx = SSL_CTX_new(TLS_client_method());
	f->ssl = SSL_new(f->ctx);
	SSL_set_fd(f->ssl, f->fd);
	SSL_set_connect_state(f->ssl);
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

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

static enum stream_status
read_some(struct fixture *f)
{
	return stream_read(&f->s, &f->got, &f->why);
}

static void
turn(struct fixture *f)
{
	f->events = 0;
	loop_again(f->loop);
	loop_turn(f->loop);
}

static void
make_tiny(struct fixture *f)
{
	const int size = 1;

	check_int(setsockopt(
		      f->s.watch.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size),
	    0);
}

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251 + i / 65521);
}

/* Reads once at the other end; 0 when there is nothing. A record that does not
 * open fails the test: it is not waited for. */
static size_t
peer_read(struct fixture *f, uint8_t *p, size_t n)
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

static void
handshake(struct fixture *f)
{
	for (int i = 0; i < 20 && SSL_do_handshake(f->ssl) != 1; i++)
		(void)read_some(f);
	while (!stream_established(&f->s))
		check_int(read_some(f), STREAM_OK);
	check_size(f->got.n, 0);
}

static void
stream_reads_what_comes(void **state)
{
	struct fixture *f = *state;

	check_int(read_some(f), STREAM_EMPTY);
	turn(f);
	check_int(f->events, 0);
	check_int(write(f->fd, "abc", 3), 3);
	turn(f);
	check_int(f->events, LOOP_READ);
	check_int(read_some(f), STREAM_OK);
	check_int(write(f->fd, "de", 2), 2);
	check_int(read_some(f), STREAM_OK);
	check_slice_text(writer_slice(&f->got), "abcde");
	check_int(read_some(f), STREAM_EMPTY);
	check(stream_established(&f->s));
}

static void
stream_pauses(void **state)
{
	struct fixture *f = *state;

	stream_pause(&f->s, true);
	check_int(write(f->fd, "abc", 3), 3);
	turn(f);
	check_int(f->events, 0);
	stream_pause(&f->s, false);
	turn(f);
	check_int(f->events, LOOP_READ);
}

static void
stream_tells_how_it_ended(void **state)
{
	struct fixture *f = *state;

	check_int(write(f->fd, "abc", 3), 3);
	check_int(shutdown(f->fd, SHUT_WR), 0);
	check_int(read_some(f), STREAM_OK);
	check_int(read_some(f), STREAM_EOF);
	check_text(f->why.text, "");
	check_int(send(f->s.watch.fd, "x", 1, 0), 1);
	close(f->fd); /* with something unread: a reset */
	f->fd = -1;
	turn(f);
	check((f->events & LOOP_HANGUP) != 0);
	check_int(read_some(f), STREAM_FAILED);
	check_text(f->why.text, ""); /* an ordinary one */
}

/* Sends ALL bytes as a queue does: what the socket does not take of a piece is
 * kept, then nothing until it is writable; the reader is slow. */
static void
transfer(struct fixture *f, size_t piece, size_t step)
{
	uint8_t *out = malloc(ALL), *in = malloc(ALL);
	size_t sent = 0, n = 0, taken, blocked = 0, got, idle = 0;

	for (size_t i = 0; i < ALL; i++)
		out[i] = byte_at(i);
	while (n < ALL) {
		while (sent < ALL && !stream_blocked(&f->s)) {
			size_t want = ALL - sent < piece ? ALL - sent : piece;

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
		got = peer_read(f, in + n, step < ALL - n ? step : ALL - n);
		n += got;
		idle = got > 0 ? 0 : idle + 1;
		check(idle < 1000); /* turns: what is missing will not come */
		turn(f);
		if ((f->events & LOOP_WRITE) != 0) {
			size_t before = stream_unsent(&f->s);

			check(before > 0);
			check_int(stream_writable(&f->s), 0);
			check(stream_unsent(&f->s) <= before);
		}
	}
	check(blocked > 0);
	check_size(stream_unsent(&f->s), 0);
	check_bytes(in, out, ALL);
	check_size(peer_read(f, in, 1), 0);
	turn(f);
	check_int(f->events & LOOP_WRITE, 0);
	free(out);
	free(in);
}

static void
stream_keeps_order_through_a_full_socket(void **state)
{
	struct fixture *f = *state;

	make_tiny(f);
	transfer(f, 1000, 3000);
	transfer(f, 70000, 1111);
	transfer(f, STREAM_CHUNK, 100000);
}

/* More is kept while part of what was kept before has gone. */
static void
stream_keeps_after_what_is_half_sent(void **state)
{
	struct fixture *f = *state;
	uint8_t out[30000], in[60000];
	size_t n = 0;

	make_tiny(f);
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = byte_at(i);
	check_int(stream_keep(&f->s, slice_of(out, 20000)), 0);
	check_int(stream_writable(&f->s), 0);
	check(stream_unsent(&f->s) > 0 && stream_unsent(&f->s) < 20000);
	check_int(stream_keep(&f->s, slice_of(out + 20000, 10000)), 0);
	while (stream_blocked(&f->s)) {
		n += peer_read(f, in + n, sizeof in - n);
		check_int(stream_writable(&f->s), 0);
	}
	n += peer_read(f, in + n, sizeof in - n);
	check_slice(slice_of(in, n), slice_of(out, sizeof out));
}

static void
stream_keeps_nothing_without_memory(void **state)
{
	struct fixture *f = *state;

	fake_alloc_fail_at(1);
	check_int(stream_keep(&f->s, slice_str("abc")), -1);
	check(fake_alloc_failed());
	check(!stream_blocked(&f->s));
	check_int(stream_keep(&f->s, slice_str("")), 0);
	check(!stream_blocked(&f->s));
	check_int(stream_keep(&f->s, slice_str("abc")), 0);
	fake_alloc_fail_at(1);
	check_int(stream_keep(&f->s, slice_str("def")), -1);
	check(fake_alloc_failed());
	check_size(stream_unsent(&f->s), 3);
}

static void
stream_sends_its_shutdown(void **state)
{
	struct fixture *f = *state;
	char bytes[8];

	/* not while something waits */
	check_int(stream_keep(&f->s, slice_str("abc")), 0);
	stream_shutdown(&f->s);
	check_int(read(f->fd, bytes, 8), -1);
	check_int(stream_writable(&f->s), 0);
	check_int(read(f->fd, bytes, 8), 3);
	stream_shutdown(&f->s);
	check_int(read(f->fd, bytes, 8), 0);
	/* its own direction only */
	check_int(write(f->fd, "x", 1), 1);
	check_int(read_some(f), STREAM_OK);
	stream_close(&f->s);
	stream_shutdown(&f->s);
}

static void
stream_send_fails_when_the_peer_is_gone(void **state)
{
	struct fixture *f = *state;
	size_t taken = 0;

	check_int(stream_keep(&f->s, slice_str("abc")), 0);
	close(f->fd);
	f->fd = -1;
	check_int(stream_writable(&f->s), -1);
	f->s.unsent_len = 0; /* as if it had gone before */
	check_int(stream_send(&f->s, slice_str("abc"), &taken), -1);
	check_size(taken, 0);
	check(!stream_acked_progress(&f->s));
}

static void
stream_open_takes_the_descriptor_also_on_failure(void **state)
{
	struct fixture *f = *state;
	struct stream s;

	/* regular files cannot be watched */
	int fd = memfd_create("stream", 0);

	check_int(stream_open(&s, f->loop, f->scratch, fd, NULL), -1);
	check_int(s.watch.fd, -1);
	check_int(close(fd), -1);
}

static void
stream_tls_transfers(void **state)
{
	struct fixture *f = *state;

	make_tiny(f);
	check(!stream_established(&f->s));
	handshake(f);
	transfer(f, 1000, 3000);
	transfer(f, 70000, 1111);
	transfer(f, STREAM_CHUNK, 100000);
}

/* The peer asks for a new key while much waits for the socket: the answer goes
 * after all of it, and what follows is sealed with the new one. */
static void
stream_tls_answers_after_what_waits(void **state)
{
	static uint8_t out[STREAM_CHUNK], in[3 * STREAM_CHUNK];
	struct fixture *f = *state;
	size_t taken, n = 0;

	make_tiny(f);
	handshake(f);
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = byte_at(i);
	check_int(stream_send(&f->s, slice_of(out, sizeof out), &taken), 0);
	check_size(taken, sizeof out);
	check(stream_unsent(&f->s) > 0);
	check_int(SSL_key_update(f->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	check_int(SSL_write(f->ssl, "x", 1), 1);
	/* room for one more record, but not for what waits */
	n += peer_read(f, in, 1);
	check_int(read_some(f), STREAM_OK);
	check_slice_text(writer_slice(&f->got), "x");
	check_int(stream_keep(&f->s, slice_of(out, 1000)), 0);
	while (stream_blocked(&f->s)) {
		n += peer_read(f, in + n, sizeof in - n);
		check_int(stream_writable(&f->s), 0);
	}
	for (size_t got; (got = peer_read(f, in + n, sizeof in - n)) > 0;)
		n += got;
	check_size(n, sizeof out + 1000);
	check_bytes(in, out, sizeof out);
	check_bytes(in + sizeof out, out, 1000);
}

/* While the answer waits, nothing more is read. */
static void
stream_tls_reads_nothing_while_its_answer_waits(void **state)
{
	static uint8_t out[STREAM_CHUNK], in[3 * STREAM_CHUNK];
	struct fixture *f = *state;
	size_t taken, unsent;

	make_tiny(f);
	handshake(f);
	check_int(stream_send(&f->s, slice_of(out, sizeof out), &taken), 0);
	/* packets of a peer who is slow to read are read all the same */
	check_int(SSL_write(f->ssl, "x", 1), 1);
	(void)peer_read(f, in, 1);
	turn(f);
	check((f->events & LOOP_READ) != 0);
	check_int(read_some(f), STREAM_OK);
	check_int(SSL_key_update(f->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	check_int(SSL_write(f->ssl, "y", 1), 1);
	unsent = stream_unsent(&f->s);
	check(unsent > 0);
	check_int(read_some(f), STREAM_OK);
	check(stream_unsent(&f->s) > unsent);
	unsent = stream_unsent(&f->s);
	check_int(SSL_key_update(f->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	check_int(SSL_write(f->ssl, "z", 1), 1);
	turn(f);
	check_int(f->events & LOOP_READ, 0);
	check_int(read_some(f), STREAM_EMPTY);
	check_size(stream_unsent(&f->s), unsent);
	check_slice_text(writer_slice(&f->got), "xy");
	/* also not when somebody resumes reading */
	stream_pause(&f->s, true);
	stream_pause(&f->s, false);
	turn(f);
	check_int(f->events & LOOP_READ, 0);
	while (stream_blocked(&f->s)) {
		(void)peer_read(f, in, sizeof in);
		check_int(stream_writable(&f->s), 0);
	}
	turn(f);
	check((f->events & LOOP_READ) != 0);
	check_int(read_some(f), STREAM_OK);
	check_slice_text(writer_slice(&f->got), "xyz");
}

/* Of a peer in its handshake little is read at a time, and what is not whole
 * is held and counted, without objects of OpenSSL's. */
static void
stream_tls_holds_part_of_a_hello(void **state)
{
	static const uint8_t hello[TLS_RECORD_HEADER + 16384] = { 22, 3, 1, 64,
		0 };
	const size_t part = sizeof hello - 1;
	struct fixture *f = *state;

	check_int(write(f->fd, hello, part), part);
	check_size(stream_held(&f->s), 0);
	for (size_t have = 0; have < part;) {
		check_int(read_some(f), STREAM_OK);
		have = have + STREAM_HANDSHAKE_CHUNK < part
		    ? have + STREAM_HANDSHAKE_CHUNK
		    : part;
		check_size(stream_held(&f->s), have);
		check(!stream_in_handshake(&f->s));
	}
	check_int(read_some(f), STREAM_EMPTY);
	/* a record of zeros is not a ClientHello */
	check_int(write(f->fd, hello + part, 1), 1);
	check_int(read_some(f), STREAM_FAILED);
}

static void
stream_tls_counts_what_a_handshake_holds(void **state)
{
	struct fixture *f = *state;

	check_int(SSL_do_handshake(f->ssl), -1);
	check_int(read_some(f), STREAM_OK);
	check(stream_in_handshake(&f->s));
	check_size(stream_held(&f->s), TLS_HELD_HANDSHAKE);
	handshake(f);
	check(!stream_in_handshake(&f->s));
	check_size(stream_held(&f->s), 0);
}

/* One record that does not go on, as against records that come. */
static void
stream_tls_notices_a_stalled_record(void **state)
{
	struct fixture *f = *state;
	BIO *to_server = BIO_new(BIO_s_mem());
	uint8_t bytes[256];
	int n;

	handshake(f);
	check(!stream_stalled(&f->s));
	check(!stream_stalled(&f->s));
	SSL_set0_wbio(f->ssl, to_server);
	for (int i = 0; i < 3; i++)
		check_int(SSL_write(f->ssl, "some bytes", 10), 10);
	n = BIO_read(to_server, bytes, sizeof bytes);
	check_int(n, 3 * (10 + TLS_RECORD_OVERHEAD));
	check_int(write(f->fd, bytes, 20), 20);
	check_int(read_some(f), STREAM_OK);
	check_size(stream_held(&f->s), 20);
	check(!stream_stalled(&f->s));
	/* another record has begun meanwhile */
	check_int(write(f->fd, bytes + 20, 30), 30);
	check_int(read_some(f), STREAM_OK);
	check(!stream_stalled(&f->s));
	/* more of the same one does not help */
	check_int(write(f->fd, bytes + 50, 5), 5);
	check_int(read_some(f), STREAM_OK);
	check(stream_stalled(&f->s));
	check(stream_stalled(&f->s));
	check_int(write(f->fd, bytes + 55, (size_t)n - 55), n - 55);
	check_int(read_some(f), STREAM_OK);
	check(!stream_stalled(&f->s));
	check(!stream_stalled(&f->s));
}

/* Whatever the sizes the client writes in, and however much is read at once:
 * the bytes come in order and all of them. */
static void
stream_tls_reads_every_size(void **state)
{
	static uint8_t out[20000];
	struct fixture *f = *state;
	size_t sent = 0;

	handshake(f);
	for (int size = 1; sent < ALL - 40000; size += 97) {
		int n = size % (int)sizeof out + 1;

		for (int i = 0; i < n; i++)
			out[i] = byte_at(sent + (size_t)i);
		check_int(SSL_write(f->ssl, out, n), n);
		sent += (size_t)n;
		if (size % 3 == 0)
			while (read_some(f) == STREAM_OK)
				continue;
	}
	while (read_some(f) == STREAM_OK)
		continue;
	check_size(f->got.n, sent);
	for (size_t i = 0; i < sent; i++)
		if (f->in[i] != byte_at(i))
			fail_msg("byte %zu differs", i);
}

/* Moves what the client has to say in steps of n bytes. */
static void
drip(struct fixture *f, BIO *to_server, size_t n)
{
	uint8_t bytes[64];
	int got;

	while ((got = BIO_read(to_server, bytes, (int)n)) > 0) {
		check_int(write(f->fd, bytes, (size_t)got), got);
		check_int(read_some(f), STREAM_OK);
	}
}

/* Handshake and records in pieces of a byte, two, three. */
static void
stream_tls_takes_any_split(void **state)
{
	struct fixture *f = *state;

	for (size_t step = 1; step < 50; step += step < 6 ? 1 : 20) {
		BIO *to_server = BIO_new(BIO_s_mem());
		BIO *from_server = BIO_new(BIO_s_mem());
		SSL *ssl = SSL_new(f->ctx);
		uint8_t bytes[4096];
		ssize_t n;

		stream_close(&f->s);
		close(f->fd);
		start(f, tls_accept(f->server_ctx));
		f->got.n = 0;
		SSL_set_bio(ssl, from_server, to_server);
		SSL_set_connect_state(ssl);
		for (int i = 0; SSL_do_handshake(ssl) != 1; i++) {
			check(i < 20);
			drip(f, to_server, step);
			while ((n = read(f->fd, bytes, sizeof bytes)) > 0)
				BIO_write(from_server, bytes, (int)n);
		}
		check_int(SSL_write(ssl, "in pieces", 9), 9);
		drip(f, to_server, step);
		check_slice_text(writer_slice(&f->got), "in pieces");
		check_size(f->s.rest_len, 0);
		check_null(f->s.rest); /* an idle stream owns no buffer */
		SSL_free(ssl);
	}
	SSL_set_quiet_shutdown(f->ssl, 1);
}

static void
stream_tls_ends(void **state)
{
	struct fixture *f = *state;
	char bytes[8];

	handshake(f);
	check_int(SSL_shutdown(f->ssl), 0);
	check_int(read_some(f), STREAM_EOF);
	stream_shutdown(&f->s);
	check_int(SSL_read(f->ssl, bytes, 8), 0);
	check_int(SSL_get_error(f->ssl, 0), SSL_ERROR_ZERO_RETURN);
	check_int(read(f->fd, bytes, 8), 0);
}

static void
stream_tls_fails_on_garbage(void **state)
{
	struct fixture *f = *state;

	check_int(write(f->fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	check_int(read_some(f), STREAM_FAILED);
	check_text(
	    f->why.text, "first record does not look like a TLS handshake");
	check(!stream_established(&f->s));
	check_size(f->got.n, 0);
}

/* Each reason by its name. */
static void
stream_tls_tells_memory_from_a_long_record(void **state)
{
	static const uint8_t too_long[] = { 22, 3, 1, 0xff, 0xff, 1 };
	struct fixture *f = *state;

	check_int(write(f->fd, too_long, 5), 5);
	check_int(read_some(f), STREAM_FAILED);
	check_contains(f->why.text, "tls: ");
	stream_close(&f->s);
	close(f->fd);
	start(f, tls_accept(f->server_ctx));
	f->why = (struct fail){ 0 };
	check_int(write(f->fd, too_long, 3), 3);
	fake_alloc_fail_at(1);
	check_int(read_some(f), STREAM_FAILED);
	check(fake_alloc_failed());
	check_text(f->why.text, "out of memory");
	SSL_set_quiet_shutdown(f->ssl, 1);
}

/* The n-th allocation of handshake and transfer fails: the stream fails, and
 * nothing leaks. */
static void
stream_tls_survives_lack_of_memory(void **state)
{
	struct fixture *f = *state;
	bool failed = true;

	for (size_t n = 1; failed; n++) {
		struct tls *tls;
		SSL *ssl = SSL_new(f->ctx);
		size_t taken;

		stream_close(&f->s);
		close(f->fd);
		f->got.n = 0;
		fake_alloc_fail_at(n);
		tls = tls_accept(f->server_ctx);
		if (tls == NULL) {
			f->fd = -1;
			check(fake_alloc_failed());
			SSL_free(ssl);
			continue;
		}
		start(f, tls);
		SSL_set_fd(ssl, f->fd);
		SSL_set_connect_state(ssl);
		for (int i = 0; i < 6 && SSL_do_handshake(ssl) != 1; i++)
			if (read_some(f) == STREAM_FAILED)
				break;
		(void)read_some(f);
		if (stream_established(&f->s) && !stream_blocked(&f->s))
			(void)stream_send(&f->s, slice_str("x"), &taken);
		failed = fake_alloc_failed();
		if (!failed)
			check(stream_established(&f->s));
		SSL_free(ssl);
	}
}

#define PLAIN(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TLS(name) cmocka_unit_test_setup_teardown(name, setup_tls, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN(stream_reads_what_comes),
		PLAIN(stream_pauses),
		PLAIN(stream_tells_how_it_ended),
		PLAIN(stream_keeps_order_through_a_full_socket),
		PLAIN(stream_keeps_after_what_is_half_sent),
		PLAIN(stream_keeps_nothing_without_memory),
		PLAIN(stream_sends_its_shutdown),
		PLAIN(stream_send_fails_when_the_peer_is_gone),
		PLAIN(stream_open_takes_the_descriptor_also_on_failure),
		TLS(stream_tls_transfers),
		TLS(stream_tls_answers_after_what_waits),
		TLS(stream_tls_reads_nothing_while_its_answer_waits),
		TLS(stream_tls_holds_part_of_a_hello),
		TLS(stream_tls_counts_what_a_handshake_holds),
		TLS(stream_tls_notices_a_stalled_record),
		TLS(stream_tls_tells_memory_from_a_long_record),
		TLS(stream_tls_reads_every_size),
		TLS(stream_tls_takes_any_split),
		TLS(stream_tls_ends),
		TLS(stream_tls_fails_on_garbage),
		TLS(stream_tls_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
