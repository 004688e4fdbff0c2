/* stream: TLS over a socket: splits, full sockets, ends, what is held. */
#include "stream_peer.h"

#include "fake_alloc.h"

static void
stream_tls_transfers(void **state)
{
	struct stream_peer *f = *state;

	stream_peer_make_tiny(f);
	check(!stream_established(&f->s));
	stream_peer_handshake(f);
	stream_peer_transfer(f, 1000, 3000);
	stream_peer_transfer(f, 70000, 1111);
	stream_peer_transfer(f, STREAM_CHUNK, 100000);
}

/* The peer asks for a new key while much waits for the socket: the answer goes
 * after all of it, and what follows is sealed with the new one. */
static void
stream_tls_answers_after_what_waits(void **state)
{
	static uint8_t out[STREAM_CHUNK], in[3 * STREAM_CHUNK];
	struct stream_peer *f = *state;
	size_t taken, n = 0;

	stream_peer_make_tiny(f);
	stream_peer_handshake(f);
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = stream_peer_byte_at(i);
	check_int(stream_send(&f->s, slice_of(out, sizeof out), &taken), 0);
	check_size(taken, sizeof out);
	check(stream_unsent(&f->s) > 0);
	check_int(SSL_key_update(f->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	check_int(SSL_write(f->ssl, "x", 1), 1);
	/* room for one more record, but not for what waits */
	n += stream_peer_read(f, in, 1);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check_slice_text(writer_slice(&f->got), "x");
	check_int(stream_keep(&f->s, slice_of(out, 1000)), 0);
	while (stream_blocked(&f->s)) {
		n += stream_peer_read(f, in + n, sizeof in - n);
		check_int(stream_writable(&f->s), 0);
	}
	for (size_t got;
	     (got = stream_peer_read(f, in + n, sizeof in - n)) > 0;)
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
	struct stream_peer *f = *state;
	size_t taken, unsent;

	stream_peer_make_tiny(f);
	stream_peer_handshake(f);
	check_int(stream_send(&f->s, slice_of(out, sizeof out), &taken), 0);
	/* packets of a peer who is slow to read are read all the same */
	check_int(SSL_write(f->ssl, "x", 1), 1);
	(void)stream_peer_read(f, in, 1);
	stream_peer_turn(f);
	check((f->events & LOOP_READ) != 0);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check_int(SSL_key_update(f->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	check_int(SSL_write(f->ssl, "y", 1), 1);
	unsent = stream_unsent(&f->s);
	check(unsent > 0);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check(stream_unsent(&f->s) > unsent);
	unsent = stream_unsent(&f->s);
	check_int(SSL_key_update(f->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	check_int(SSL_write(f->ssl, "z", 1), 1);
	stream_peer_turn(f);
	check_int(f->events & LOOP_READ, 0);
	check_int(stream_peer_read_some(f), STREAM_EMPTY);
	check_size(stream_unsent(&f->s), unsent);
	check_slice_text(writer_slice(&f->got), "xy");
	/* also not when somebody resumes reading */
	stream_pause(&f->s, true);
	stream_pause(&f->s, false);
	stream_peer_turn(f);
	check_int(f->events & LOOP_READ, 0);
	while (stream_blocked(&f->s)) {
		(void)stream_peer_read(f, in, sizeof in);
		check_int(stream_writable(&f->s), 0);
	}
	stream_peer_turn(f);
	check((f->events & LOOP_READ) != 0);
	check_int(stream_peer_read_some(f), STREAM_OK);
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
	struct stream_peer *f = *state;

	check_int(write(f->fd, hello, part), part);
	check_size(stream_held(&f->s), 0);
	for (size_t have = 0; have < part;) {
		check_int(stream_peer_read_some(f), STREAM_OK);
		have = have + STREAM_HANDSHAKE_CHUNK < part
		    ? have + STREAM_HANDSHAKE_CHUNK
		    : part;
		check_size(stream_held(&f->s), have);
		check(!stream_in_handshake(&f->s));
	}
	check_int(stream_peer_read_some(f), STREAM_EMPTY);
	/* a record of zeros is not a ClientHello */
	check_int(write(f->fd, hello + part, 1), 1);
	check_int(stream_peer_read_some(f), STREAM_FAILED);
}

static void
stream_tls_counts_what_a_handshake_holds(void **state)
{
	struct stream_peer *f = *state;

	check_int(SSL_do_handshake(f->ssl), -1);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check(stream_in_handshake(&f->s));
	check_size(stream_held(&f->s), TLS_HELD_HANDSHAKE);
	stream_peer_handshake(f);
	check(!stream_in_handshake(&f->s));
	check_size(stream_held(&f->s), 0);
}

/* One record that does not go on, as against records that come. */
static void
stream_tls_notices_a_stalled_record(void **state)
{
	struct stream_peer *f = *state;
	BIO *to_server = BIO_new(BIO_s_mem());
	uint8_t bytes[256];
	int n;

	stream_peer_handshake(f);
	check(!stream_stalled(&f->s));
	check(!stream_stalled(&f->s));
	SSL_set0_wbio(f->ssl, to_server);
	for (int i = 0; i < 3; i++)
		check_int(SSL_write(f->ssl, "some bytes", 10), 10);
	n = BIO_read(to_server, bytes, sizeof bytes);
	check_int(n, 3 * (10 + TLS_RECORD_OVERHEAD));
	check_int(write(f->fd, bytes, 20), 20);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check_size(stream_held(&f->s), 20);
	check(!stream_stalled(&f->s));
	/* another record has begun meanwhile */
	check_int(write(f->fd, bytes + 20, 30), 30);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check(!stream_stalled(&f->s));
	/* more of the same one does not help */
	check_int(write(f->fd, bytes + 50, 5), 5);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check(stream_stalled(&f->s));
	check(stream_stalled(&f->s));
	check_int(write(f->fd, bytes + 55, (size_t)n - 55), n - 55);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check(!stream_stalled(&f->s));
	check(!stream_stalled(&f->s));
}

/* Whatever the sizes the client writes in, and however much is read at once:
 * the bytes come in order and all of them. */
static void
stream_tls_reads_every_size(void **state)
{
	static uint8_t out[20000];
	struct stream_peer *f = *state;
	size_t sent = 0;

	stream_peer_handshake(f);
	for (int size = 1; sent < STREAM_PEER_ALL - 40000; size += 97) {
		int n = size % (int)sizeof out + 1;

		for (int i = 0; i < n; i++)
			out[i] = stream_peer_byte_at(sent + (size_t)i);
		check_int(SSL_write(f->ssl, out, n), n);
		sent += (size_t)n;
		if (size % 3 == 0)
			while (stream_peer_read_some(f) == STREAM_OK)
				continue;
	}
	while (stream_peer_read_some(f) == STREAM_OK)
		continue;
	check_size(f->got.n, sent);
	for (size_t i = 0; i < sent; i++)
		if (f->in[i] != stream_peer_byte_at(i))
			fail_msg("byte %zu differs", i);
}

/* Moves what the client has to say in steps of n bytes. */
static void
drip(struct stream_peer *f, BIO *to_server, size_t n)
{
	uint8_t bytes[64];
	int got;

	while ((got = BIO_read(to_server, bytes, (int)n)) > 0) {
		check_int(write(f->fd, bytes, (size_t)got), got);
		check_int(stream_peer_read_some(f), STREAM_OK);
	}
}

/* Handshake and records in pieces of a byte, two, three. */
static void
stream_tls_takes_any_split(void **state)
{
	struct stream_peer *f = *state;

	for (size_t step = 1; step < 50; step += step < 6 ? 1 : 20) {
		BIO *to_server = BIO_new(BIO_s_mem());
		BIO *from_server = BIO_new(BIO_s_mem());
		SSL *ssl = SSL_new(f->ctx);
		uint8_t bytes[4096];
		ssize_t n;

		stream_close(&f->s);
		close(f->fd);
		stream_peer_start(f, tls_accept(f->server_ctx));
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
	struct stream_peer *f = *state;
	char bytes[8];

	stream_peer_handshake(f);
	check_int(SSL_shutdown(f->ssl), 0);
	check_int(stream_peer_read_some(f), STREAM_EOF);
	stream_shutdown(&f->s);
	check_int(SSL_read(f->ssl, bytes, 8), 0);
	check_int(SSL_get_error(f->ssl, 0), SSL_ERROR_ZERO_RETURN);
	check_int(read(f->fd, bytes, 8), 0);
}

/* A full socket takes close_notify later: no FIN goes before it. */
static void
stream_tls_ends_in_order(void **state)
{
	static uint8_t bytes[65536];
	struct stream_peer *f = *state;
	size_t filled = 0, drained = 0;
	ssize_t n;

	stream_peer_handshake(f);
	while ((n = write(f->s.watch.fd, bytes, sizeof bytes)) > 0)
		filled += (size_t)n;
	while ((n = write(f->s.watch.fd, bytes, 1)) > 0)
		filled++;
	stream_shutdown(&f->s);
	check(stream_blocked(&f->s));
	for (; drained < filled; drained += (size_t)n)
		check(
		    (n = read(f->fd, bytes,
			 filled - drained < sizeof bytes ? filled - drained
							 : sizeof bytes)) > 0);
	check_int(stream_writable(&f->s), 0);
	check(!stream_blocked(&f->s));
	stream_shutdown(&f->s);
	check_int(read(f->fd, bytes, sizeof bytes), 5 + 2 + 1 + 16);
	check_int(bytes[0], 23); /* a sealed alert */
	check_int(read(f->fd, bytes, sizeof bytes), 0);
	SSL_set_quiet_shutdown(f->ssl, 1);
}

static void
stream_tls_fails_on_garbage(void **state)
{
	struct stream_peer *f = *state;

	check_int(write(f->fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	check_int(stream_peer_read_some(f), STREAM_FAILED);
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
	struct stream_peer *f = *state;

	check_int(write(f->fd, too_long, 5), 5);
	check_int(stream_peer_read_some(f), STREAM_FAILED);
	check_contains(f->why.text, "tls: ");
	stream_close(&f->s);
	close(f->fd);
	stream_peer_start(f, tls_accept(f->server_ctx));
	f->why = (struct fail){ 0 };
	check_int(write(f->fd, too_long, 3), 3);
	fake_alloc_fail_at(1);
	check_int(stream_peer_read_some(f), STREAM_FAILED);
	check(fake_alloc_failed());
	check_text(f->why.text, "out of memory");
	SSL_set_quiet_shutdown(f->ssl, 1);
}

/* The n-th allocation of handshake and transfer fails: the stream fails, and
 * nothing leaks. */
static void
stream_tls_survives_lack_of_memory(void **state)
{
	struct stream_peer *f = *state;
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
		stream_peer_start(f, tls);
		SSL_set_fd(ssl, f->fd);
		SSL_set_connect_state(ssl);
		for (int i = 0; i < 6 && SSL_do_handshake(ssl) != 1; i++)
			if (stream_peer_read_some(f) == STREAM_FAILED)
				break;
		(void)stream_peer_read_some(f);
		if (stream_established(&f->s) && !stream_blocked(&f->s))
			(void)stream_send(&f->s, slice_str("x"), &taken);
		failed = fake_alloc_failed();
		if (!failed)
			check(stream_established(&f->s));
		SSL_free(ssl);
	}
}

#define TLS(name)                        \
	cmocka_unit_test_setup_teardown( \
	    name, stream_peer_setup_tls, stream_peer_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
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
		TLS(stream_tls_ends_in_order),
		TLS(stream_tls_fails_on_garbage),
		TLS(stream_tls_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
