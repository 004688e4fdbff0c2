/* outq_framing: heads before stretches of frames, and a full socket, on a queue
 * of its own. */
#include "check.h"

#include "counters.h"
#include "outq.h"
#include "stream.h"
#include "turn_memory.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 4, FRAME_HEAD = 4, MESSAGE_MAX = 32768 };

struct fixture {
	struct loop *loop;
	struct stream_scratch *scratch;
	struct stream stream;
	struct memory_budget budget;
	struct counters_array *counters;
	struct outq_shared shared;
	struct outq q;
	int fd; /* the other end */
	uint8_t in[1 << 20];
	size_t n;
};

/* A head is a length with the top bit set, so that no frame looks like it. */
static size_t
put_head(uint8_t out[static OUTQ_HEAD_MAX], size_t n)
{
	bytes_put_u32(out, (uint32_t)n | UINT32_C(0x80000000));
	return HEAD;
}

static const struct outq_framing framing = { put_head, MESSAGE_MAX };

static size_t
frame_len(const uint8_t *p)
{
	return bytes_get_u32(p);
}

static int
setup(void **state)
{
	const size_t limits[MEMORY_GROUPS] = { 1 << 24, 1 << 24, 1 << 24 };
	struct fixture *f = calloc(1, sizeof *f);
	struct fail why = { 0 };
	int fds[2];

	f->loop = loop_new(&why);
	f->scratch = stream_scratch_new();
	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	f->fd = fds[1];
	check_int(
	    stream_open(&f->stream, f->loop, f->scratch, fds[0], NULL), 0);
	memory_budget_init(&f->budget, limits);
	f->counters = counters_new(1);
	f->shared = (struct outq_shared){
		.memory = turn_memory_new(1 << 20),
		.budget = &f->budget,
		.counters = counters_at(f->counters, 0),
		.coalesce = malloc(OUTQ_COALESCE),
		.depth = 1000,
		.max_bytes = 1 << 22,
		.frame_len = frame_len,
	};
	outq_init(&f->q, &f->shared);
	f->q.framing = &framing;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	outq_clear(&f->q);
	stream_close(&f->stream);
	turn_memory_free(f->shared.memory);
	free(f->shared.coalesce);
	counters_free(f->counters);
	stream_scratch_free(f->scratch);
	loop_free(f->loop);
	close(f->fd);
	free(f);
	return 0;
}

/* A frame of n bytes in all, in the turn's memory, one free byte after it. */
static void
add(struct fixture *f, enum outq_class class, size_t n)
{
	uint8_t *p = turn_memory_tail(f->shared.memory);

	check(turn_memory_fits(f->shared.memory, n + 1));
	memset(p, (int)class, n);
	bytes_put_u32(p, (uint32_t)n);
	turn_memory_use(f->shared.memory, p + n + 1);
	outq_add(&f->q, class, p, n, 1);
}

static void
flush(struct fixture *f)
{
	ssize_t n;

	check_int(stream_writable(&f->stream), 0);
	check_int(outq_flush(&f->q, &f->stream), 0);
	turn_memory_reset(f->shared.memory);
	while ((n = read(f->fd, f->in + f->n, sizeof f->in - f->n)) > 0)
		f->n += (size_t)n;
}

/* Takes all messages that came, each as large as may be, and the frames in
 * them, which may begin in one and end in another. How many frames. */
static size_t
take(struct fixture *f, size_t *messages)
{
	size_t at = 0, end = 0, len, frames = 0;

	for (*messages = 0; at < f->n; at += HEAD + len, ++*messages) {
		const uint32_t head = bytes_get_u32(f->in + at);

		check((head & UINT32_C(0x80000000)) != 0);
		len = head & UINT32_C(0x7fffffff);
		check(len <= MESSAGE_MAX);
		check(at + HEAD + len <= f->n);
		memmove(f->in + end, f->in + at + HEAD, len);
		end += len;
	}
	for (at = 0; at < end; at += frame_len(f->in + at))
		frames++;
	check_size(at, end);
	f->n = 0;
	return frames;
}

static void
outq_framing_puts_one_head_before_what_is_coalesced(void **state)
{
	struct fixture *f = *state;
	size_t messages;

	add(f, OUTQ_CONTROL, 20);
	add(f, OUTQ_DATA, 1400);
	add(f, OUTQ_DISCO, 100);
	flush(f);
	check_size(take(f, &messages), 3);
	check_size(messages, 1);
}

/* Sizes around those at which the way out changes. */
static void
outq_framing_frames_long_runs_too(void **state)
{
	static const size_t sizes[] = { 4, 32768, 32769, 65535, 65536, 65577 };
	struct fixture *f = *state;
	size_t messages, frames = 0;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		add(f, OUTQ_DATA, sizes[i]);
		add(f, OUTQ_DATA, 50);
		flush(f);
		while (stream_blocked(&f->stream) || outq_waiting(&f->q))
			flush(f);
		frames = take(f, &messages);
		check_size(frames, 2);
	}
}

/* The head of a message is where bytes of others were, which they get back. */
static void
outq_framing_leaves_what_is_before(void **state)
{
	struct fixture *f = *state;
	uint8_t before[64 + OUTQ_HEAD_MAX], *p;
	size_t messages;

	p = turn_memory_tail(f->shared.memory);
	memset(p, 0x5a, sizeof before);
	memcpy(before, p, sizeof before);
	turn_memory_use(f->shared.memory, p + sizeof before);
	add(f, OUTQ_DATA, 60000);
	check_int(outq_flush(&f->q, &f->stream), 0);
	check_bytes(p, before, sizeof before);
	flush(f);
	check_size(take(f, &messages), 1);
	check_size(messages, 2);
}

/* What is not of the queue is a message too, or is not framed at all. */
static void
outq_framing_frames_what_is_written(void **state)
{
	static const uint8_t frame[8] = { 0, 0, 0, 8 };
	struct fixture *f = *state;
	size_t messages;

	check_int(outq_write(&f->q, &f->stream, slice_of(frame, 8)), 0);
	flush(f);
	check_size(take(f, &messages), 1);
	check_size(messages, 1);
	check_int(outq_write_raw(&f->q, &f->stream, slice_of(frame, 8)), 0);
	flush(f);
	check_size(f->n, 8);
	check_bytes(f->in, frame, 8);
}

/* A full socket: what waited in the backlog is framed when it goes. */
static void
outq_framing_frames_the_backlog(void **state)
{
	struct fixture *f = *state;
	size_t messages, sent = 0;

	while (f->q.bytes < 200000) {
		add(f, sent % 3 == 0 ? OUTQ_DISCO : OUTQ_DATA, 900 + sent % 70);
		check_int(outq_flush(&f->q, &f->stream), 0);
		turn_memory_reset(f->shared.memory);
		sent++;
	}
	while (stream_blocked(&f->stream) || outq_waiting(&f->q))
		flush(f);
	flush(f);
	check_size(take(f, &messages), sent);
	check(messages < sent);
	check_size(f->budget.used[MEMORY_OUTPUT_QUEUED], 0);
}

/* Fills the socket, and leaves so many packets in the backlog. */
static void
block(struct fixture *f, size_t packets)
{
	while (
	    !stream_blocked(&f->stream) || f->q.packets[OUTQ_DATA] < packets) {
		add(f, OUTQ_DATA, 1000);
		check_int(outq_flush(&f->q, &f->stream), 0);
		turn_memory_reset(f->shared.memory);
	}
}

/* A full socket is not tried again before it says that it has room. */
static void
outq_framing_waits_for_a_full_socket(void **state)
{
	struct fixture *f = *state;
	uint32_t sent;

	block(f, 2);
	sent = f->stream.sent;
	while (read(f->fd, f->in, sizeof f->in) > 0)
		;
	add(f, OUTQ_DATA, 1000);
	check_int(outq_flush(&f->q, &f->stream), 0);
	check_size(f->stream.sent, sent);
	check(stream_blocked(&f->stream));
	check_int(stream_writable(&f->stream), 0);
	check_int(outq_flush(&f->q, &f->stream), 0);
	check(!outq_waiting(&f->q));
}

/* When others hold all the memory there is, packets go for a control frame, and
 * not the client; without any, the frame is charged beyond the limit. */
static void
outq_framing_drops_packets_for_control(void **state)
{
	struct fixture *f = *state;
	size_t *limit = &f->budget.limits[MEMORY_GROUP_OUTPUT];
	const struct counters *counters = counters_at(f->counters, 0);

	block(f, 2);
	*limit = memory_budget_used(&f->budget, MEMORY_GROUP_OUTPUT);
	for (int i = 0; i < 4; i++) {
		add(f, OUTQ_CONTROL, 800);
		check_int(outq_flush(&f->q, &f->stream), 0);
		turn_memory_reset(f->shared.memory);
	}
	check_int(f->q.packets[OUTQ_CONTROL], 4);
	check_int(f->q.packets[OUTQ_DATA], 0);
	check_size(counters->dropped_queue_head, 2);
	check_size(memory_budget_used(&f->budget, MEMORY_GROUP_OUTPUT),
	    *limit - 2 * 1000 + 4 * 800);
	check(memory_budget_take_pressure(&f->budget, MEMORY_GROUP_OUTPUT));
	/* but no more than one queue may hold */
	f->shared.max_bytes = f->q.bytes;
	add(f, OUTQ_CONTROL, 800);
	check_int(outq_flush(&f->q, &f->stream), -1);
}

/* Of each flush that had something to send, how many frames. */
static void
outq_counts_the_frames_of_a_flush(void **state)
{
	struct fixture *f = *state;
	const struct counters *counters = counters_at(f->counters, 0);

	flush(f);
	check_size(counters->write_frames.sum, 0);
	add(f, OUTQ_DATA, 100);
	flush(f);
	for (int i = 0; i < 12; i++)
		add(f, OUTQ_DATA, 100);
	flush(f);
	check_size(counters->write_frames.buckets[0], 0);
	check_size(counters->write_frames.buckets[1], 1);
	check_size(counters->write_frames.buckets[11], 1); /* 11 to 15 */
	check_size(counters->write_frames.sum, 13);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(outq_framing_puts_one_head_before_what_is_coalesced),
		TEST(outq_framing_frames_long_runs_too),
		TEST(outq_framing_leaves_what_is_before),
		TEST(outq_framing_frames_what_is_written),
		TEST(outq_framing_frames_the_backlog),
		TEST(outq_framing_waits_for_a_full_socket),
		TEST(outq_framing_drops_packets_for_control),
		TEST(outq_counts_the_frames_of_a_flush),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
