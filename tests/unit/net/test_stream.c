/* stream: bytes over a socket: splits, full sockets, ends. */
#include "stream_peer.h"

#include "fake_alloc.h"

#include <netinet/in.h>
#include <sys/mman.h>

static void
stream_reads_what_comes(void **state)
{
	struct stream_peer *f = *state;

	check_int(stream_peer_read_some(f), STREAM_EMPTY);
	stream_peer_turn(f);
	check_int(f->events, 0);
	check_int(write(f->fd, "abc", 3), 3);
	stream_peer_turn(f);
	check_int(f->events, LOOP_READ);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check_int(write(f->fd, "de", 2), 2);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check_slice_text(writer_slice(&f->got), "abcde");
	check_int(stream_peer_read_some(f), STREAM_EMPTY);
	check(stream_established(&f->s));
}

static void
stream_pauses(void **state)
{
	struct stream_peer *f = *state;

	stream_pause(&f->s, true);
	check_int(write(f->fd, "abc", 3), 3);
	stream_peer_turn(f);
	check_int(f->events, 0);
	stream_pause(&f->s, false);
	stream_peer_turn(f);
	check_int(f->events, LOOP_READ);
}

static void
stream_tells_how_it_ended(void **state)
{
	struct stream_peer *f = *state;

	check_int(write(f->fd, "abc", 3), 3);
	check_int(shutdown(f->fd, SHUT_WR), 0);
	check_int(stream_peer_read_some(f), STREAM_OK);
	check_int(stream_peer_read_some(f), STREAM_EOF);
	check_text(f->why.text, "");
	check_int(send(f->s.watch.fd, "x", 1, 0), 1);
	close(f->fd); /* with something unread: a reset */
	f->fd = -1;
	stream_peer_turn(f);
	check((f->events & LOOP_HANGUP) != 0);
	check_int(stream_peer_read_some(f), STREAM_FAILED);
	check_text(f->why.text, ""); /* an ordinary one */
}

static void
stream_keeps_order_through_a_full_socket(void **state)
{
	struct stream_peer *f = *state;

	stream_peer_make_tiny(f);
	stream_peer_transfer(f, 1000, 3000);
	stream_peer_transfer(f, 70000, 1111);
	stream_peer_transfer(f, STREAM_CHUNK, 100000);
}

/* More is kept while part of what was kept before has gone. */
static void
stream_keeps_after_what_is_half_sent(void **state)
{
	struct stream_peer *f = *state;
	uint8_t out[30000], in[60000];
	size_t n = 0;

	stream_peer_make_tiny(f);
	for (size_t i = 0; i < sizeof out; i++)
		out[i] = stream_peer_byte_at(i);
	check_int(stream_keep(&f->s, slice_of(out, 20000)), 0);
	check_int(stream_writable(&f->s), 0);
	check(stream_unsent(&f->s) > 0 && stream_unsent(&f->s) < 20000);
	check_int(stream_keep(&f->s, slice_of(out + 20000, 10000)), 0);
	while (stream_blocked(&f->s)) {
		n += stream_peer_read(f, in + n, sizeof in - n);
		check_int(stream_writable(&f->s), 0);
	}
	n += stream_peer_read(f, in + n, sizeof in - n);
	check_slice(slice_of(in, n), slice_of(out, sizeof out));
}

static void
stream_keeps_nothing_without_memory(void **state)
{
	struct stream_peer *f = *state;

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
	struct stream_peer *f = *state;
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
	check_int(stream_peer_read_some(f), STREAM_OK);
	stream_close(&f->s);
	stream_shutdown(&f->s);
}

static void
stream_send_fails_when_the_peer_is_gone(void **state)
{
	struct stream_peer *f = *state;
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
	struct stream_peer *f = *state;
	struct stream s;

	/* regular files cannot be watched */
	int fd = memfd_create("stream", 0);

	check_int(stream_open(&s, f->loop, f->scratch, fd, NULL), -1);
	check_int(s.watch.fd, -1);
	check_int(close(fd), -1);
}

#define PLAIN(name)                      \
	cmocka_unit_test_setup_teardown( \
	    name, stream_peer_setup, stream_peer_teardown)

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
	};

	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
