/* outq: order and framing through full sockets, what is dropped and what not.
 */
#include "fake_alloc.h"
#include "fake_server.h"

#include <assert.h>

struct fixture {
	struct fake_peer *to; /* who gets the frames */
	struct worker *worker;
};

enum { DEPTH = 32 }; /* as fake_server_config */
static size_t
queued(const struct fixture *f)
{
	return f->worker->budget.used[MEMORY_OUTPUT_QUEUED];
}

static void
open_with(struct fixture *f, const struct fake_config *config)
{
	fake_server_open(config);
	f->worker = fake_server.workers[0];
	f->to = fake_peer_new(0);
}

static int
setup(void **state)
{
	struct fake_config config = fake_server_config();
	struct fixture *f = calloc(1, sizeof *f);

	open_with(f, &config);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	fake_peer_free(f->to);
	fake_server_close();
	free(f);
	return 0;
}

/* Makes the connection's buffers as small as the kernel allows. */
static void
make_tiny(struct fixture *f)
{
	const int size = 1;

	check_int(setsockopt(f->to->conn->stream.watch.fd, SOL_SOCKET,
		      SO_SNDBUF, &size, sizeof size),
	    0);
	check_int(
	    setsockopt(f->to->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size),
	    0);
}

enum kind { CONTROL, DISCO, OTHER };

static_assert((int)CONTROL == OUTQ_CONTROL && (int)DISCO == OUTQ_DISCO &&
	(int)OTHER == OUTQ_DATA,
    "the classes of the queue");

/* The frame with that number: a packet of n bytes, or a Ping for CONTROL,
 * whose eight bytes hold it. */
static struct slice
frame_of(uint8_t *p, size_t cap, enum kind kind, uint32_t number, size_t n)
{
	static const uint8_t magic[6] = { 'T', 'S', 0xf0, 0x9f, 0x92, 0xac };
	const struct derp_key from = { { 9 } };
	struct writer w = writer_of(p, cap);
	uint8_t data[DERP_PING_DATA] = { 0 };

	if (kind == CONTROL) {
		bytes_put_u32(data, number);
		derp_pong_put(&w, data);
		return writer_slice(&w);
	}
	derp_header_write(&w, DERP_RECV_PACKET, DERP_KEY + n);
	writer_bytes(&w, from.b, DERP_KEY);
	if (kind == DISCO)
		writer_bytes(&w, magic, sizeof magic);
	else
		writer_bytes(&w, "other.", sizeof magic);
	writer_u32(&w, number);
	for (size_t i = sizeof magic + 4; i < n; i++)
		writer_u8(&w, (uint8_t)(number + i));
	check(!w.failed);
	return writer_slice(&w);
}

/* What came, checked to the last byte. */
struct seen {
	enum kind kind;
	uint32_t number;
	size_t n; /* packet bytes */
};

static bool
next_seen(struct fixture *f, struct seen *s)
{
	static uint8_t want[DERP_MAX_FRAME];
	struct derp_frame got;

	if (!fake_peer_frame(f->to, &got))
		return false;
	*s = (struct seen){ .kind = CONTROL };
	if (got.type == DERP_PONG) {
		s->number = bytes_get_u32(got.body.p);
	} else {
		check_int(got.type, DERP_RECV_PACKET);
		s->n = got.body.n - DERP_KEY;
		s->kind =
		    derp_packet_is_disco(slice_of(got.body.p + DERP_KEY, s->n))
		    ? DISCO
		    : OTHER;
		s->number = bytes_get_u32(got.body.p + DERP_KEY + 6);
	}
	check_slice(slice_of(got.head, DERP_HEADER + got.body.n),
	    frame_of(want, sizeof want, s->kind, s->number, s->n));
	return true;
}

/* Turn memory that the frames of one turn are laid out in. */
struct turn_bytes {
	uint8_t *p;
	size_t n, cap;
};

static struct turn_bytes
begin(struct fixture *f)
{
	return (struct turn_bytes){ .p = turn_memory_tail(f->worker->memory),
		.cap = STREAM_READ_ROOM };
}

static void
add(struct fixture *f, struct turn_bytes *t, enum kind kind, uint32_t number,
    size_t n)
{
	struct slice s = frame_of(t->p + t->n, t->cap - t->n, kind, number, n);

	if (kind == CONTROL) {
		conn_send_control(f->to->conn, s, true);
		return;
	}
	conn_send(f->to->conn, (enum outq_class)kind, t->p + t->n, s.n, 1);
	t->n += s.n;
}

/* One frame in a turn of its own. */
static void
add_one(struct fixture *f, enum kind kind, uint32_t number, size_t n)
{
	struct turn_bytes t = begin(f);

	add(f, &t, kind, number, n);
	fake_server_turn(0);
}

/* Fills the socket until bytes wait; frames are numbered from *number on. */
static void
block(struct fixture *f, uint32_t *number, size_t n)
{
	while (!stream_blocked(&f->to->conn->stream))
		add_one(f, OTHER, (*number)++, n);
}

/* The next frame, with turns in between while anything is queued. */
static bool
drain_next(struct fixture *f, struct seen *s)
{
	while (!next_seen(f, s)) {
		if (fake_server_count(0) == 0 ||
		    (f->to->conn->out.bytes == 0 &&
			!stream_blocked(&f->to->conn->stream)))
			return false;
		fake_server_turn(0);
	}
	return true;
}

static void
outq_sends_a_turn_in_order(void **state)
{
	struct fixture *f = *state;
	struct turn_bytes t = begin(f);
	struct seen s;

	for (uint32_t i = 0; i < 60; i++)
		add(f, &t,
		    i % 7 == 3       ? CONTROL
			: i % 5 == 2 ? DISCO
				     : OTHER,
		    i, 62 + i * 13);
	check(f->to->conn->dirty);
	check(!fake_peer_frame(f->to, &(struct derp_frame){ 0 }));
	fake_server_turn(0);
	check(!f->to->conn->dirty);
	for (uint32_t i = 0; i < 60; i++) {
		check(next_seen(f, &s));
		check_int(s.number, i);
	}
	check(!next_seen(f, &s));
}

/* Runs of every size around those at which the way out changes, and packets
 * that are larger than a chunk. */
static void
outq_sends_frames_of_every_size(void **state)
{
	static const size_t sizes[] = { 10, 11, 62, 1400, 8192, 16384 - 37,
		32768 - 38, 32768 - 37, 32768 - 36, 65536 - 38, 65536 - 37,
		65536 - 36, 65535, 65536 };
	const size_t count = sizeof sizes / sizeof sizes[0];
	struct fixture *f = *state;
	struct seen s;
	uint32_t number = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			struct turn_bytes t = begin(f);

			t.cap = WORKER_ARENA;
			add(f, &t, OTHER, number, sizes[i]);
			t.n += 3; /* a run of its own */
			add(f, &t, OTHER, number + 1, sizes[j]);
			t.n += 3;
			add(f, &t, OTHER, number + 2, sizes[i]);
			fake_server_turn(0);
			for (int k = 0; k < 3; k++) {
				check(drain_next(f, &s));
				check_int(s.number, number++);
			}
		}
}

/* What lies behind the last turn's run is not mistaken for its end. */
static void
outq_begins_each_turn_anew(void **state)
{
	struct fixture *f = *state;
	struct turn_bytes t = begin(f);
	struct seen s;

	for (uint32_t i = 0; i < 5; i++) {
		size_t behind = t.n;

		t = begin(f);
		t.n = behind;
		add(f, &t, OTHER, i, 100);
		fake_server_turn(0);
		check(next_seen(f, &s));
		check_int(s.number, i);
	}
}

/* Beyond what was given to the socket, packets can still be dropped. */
static void
outq_commits_one_chunk_at_most(void **state)
{
	struct fixture *f = *state;
	struct turn_bytes t = begin(f);
	struct seen s;
	uint32_t n = 0;

	make_tiny(f);
	while (t.n < 90000)
		add(f, &t, OTHER, n++, 3000);
	fake_server_turn(0);
	check(stream_unsent(&f->to->conn->stream) > 0);
	check(stream_unsent(&f->to->conn->stream) <= STREAM_CHUNK);
	for (uint32_t i = 0; i < n; i++) {
		check(drain_next(f, &s));
		check_int(s.number, i);
	}
}

/* A burst that the socket has room for arrives whole, however many packets it
 * has; upstream's prober counts on 30, we do not stop at 32. */
static void
outq_drops_nothing_that_the_socket_takes(void **state)
{
	struct fixture *f = *state;
	struct turn_bytes t = begin(f);
	struct seen s;

	for (uint32_t i = 0; i < 300; i++)
		add(f, &t, OTHER, i, 100);
	fake_server_turn(0);
	for (uint32_t i = 0; i < 300; i++) {
		check(next_seen(f, &s));
		check_int(s.number, i);
	}
	check_size(f->worker->counters->dropped_queue_head, 0);
}

/* Blocks a connection by frames of `size` bytes, piles up a backlog of all
 * kinds, then lets the peer read in steps of `step` bytes: framing is intact,
 * each kind is in order, control is whole, and what is missing was counted. */
static void
block_and_drain(struct fixture *f, size_t size, size_t step)
{
	const uint64_t before = f->worker->counters->dropped_queue_head;
	uint32_t number = 0, last[3] = { 0 }, seen_of[3] = { 0 };
	uint32_t control = 0, sent;
	struct fake_peer *to = f->to;
	struct seen s;
	ssize_t got = 1;

	block(f, &number, size);
	for (uint32_t i = 0; i < 200; i++, number++) {
		enum kind kind = i % 10 == 7 ? CONTROL
		    : i % 3 == 1             ? DISCO
					     : OTHER;

		control += kind == CONTROL;
		add_one(
		    f, kind, number, i % 40 == 39 ? size : 62 + (i * 37) % 300);
		check(to->conn->out.packets[DISCO] <= DEPTH);
		check(to->conn->out.packets[OTHER] <= DEPTH);
	}
	sent = number;
	while (got > 0 || to->conn->out.bytes > 0 ||
	    stream_blocked(&to->conn->stream)) {
		got = read(to->fd, to->in + to->n, step);
		if (got > 0)
			to->n += (size_t)got;
		fake_server_turn(0);
		check(fake_peer_runs(to));
	}
	for (number = 0; next_seen(f, &s); number++) {
		check(seen_of[s.kind] == 0 || s.number > last[s.kind]);
		last[s.kind] = s.number;
		seen_of[s.kind]++;
	}
	check_size(to->n, 0);
	check_int(seen_of[CONTROL], control);
	check_int(
	    number, sent - (f->worker->counters->dropped_queue_head - before));
	check_int(f->worker->counters->dropped_queue_tail, 0);
	/* the newest survive */
	check_int(
	    last[OTHER] > last[DISCO] ? last[OTHER] : last[DISCO], sent - 1);
	check_int(seen_of[DISCO], DEPTH);
	check_size(queued(f), 0);
}

static void
outq_keeps_framing_wherever_it_was_blocked(void **state)
{
	struct fixture *f = *state;

	make_tiny(f);
	for (size_t size = 62; size < 700; size += 7)
		block_and_drain(f, size, 1 + size * 13 % 4000);
	block_and_drain(f, 65536, 5000);
	block_and_drain(f, 40000, 65536);
}

/* The oldest of the same kind goes; the others' places do not change. */
static void
outq_drops_the_oldest_of_the_kind(void **state)
{
	struct fixture *f = *state;
	const uint32_t depth = DEPTH;
	uint32_t number = 0, first;
	struct seen s;

	make_tiny(f);
	block(f, &number, 4000);
	while (f->to->conn->out.packets[OTHER] < depth)
		add_one(f, OTHER, number++, 100);
	first = number;
	add_one(f, DISCO, 1000, 100);
	check_size(f->worker->counters->dropped_queue_head, 0);
	for (uint32_t i = 0; i < 5; i++)
		add_one(f, OTHER, number++, 100);
	check_size(f->worker->counters->dropped_queue_head, 5);
	check_int(f->to->conn->out.packets[OTHER], depth);
	check_int(f->to->conn->out.packets[DISCO], 1);
	/* what was on its way to the socket comes whole, then disco, then the
	 * rest without the oldest five */
	do
		check(drain_next(f, &s));
	while (s.kind == OTHER);
	check_int(s.number, 1000);
	for (uint32_t want = first + 5 - depth; want < number; want++) {
		check(drain_next(f, &s));
		check_int(s.kind, OTHER);
		check_int(s.number, want);
	}
}

/* Frames that are not packets stand in a full queue and are not what is
 * dropped, be they first, last or between. */
static void
outq_never_drops_control(void **state)
{
	struct fake_config config = fake_server_config();
	struct fixture *f = *state;
	uint32_t number = 0, got = 0, last = 0;
	struct seen s;

	fake_peer_free(f->to);
	fake_server_close();
	config.queue_depth = 1;
	open_with(f, &config);
	f->to->conn->out.sequence = UINT32_MAX - 40; /* it will wrap */
	make_tiny(f);
	block(f, &number, 4000);
	for (uint32_t i = 0; i < 88; i++)
		add_one(f, i % 4 == 1 || i % 4 == 2 ? OTHER : CONTROL, 5000 + i,
		    62);
	check_int(f->to->conn->out.packets[OTHER], 1);
	while (drain_next(f, &s))
		if (s.number >= 5000) {
			check(s.kind == CONTROL || s.number == 5000 + 86);
			check(s.number > last);
			last = s.number;
			got++;
		}
	check_int(got, 44 + 1);
	check_size(f->worker->counters->dropped_queue_head, 43);
	check_size(f->worker->counters->dropped_queue_tail, 0);
}

static void
outq_keeps_to_the_bytes_of_a_client(void **state)
{
	struct fake_config config = fake_server_config();
	struct fixture *f = *state;
	uint32_t number = 0;

	fake_peer_free(f->to);
	fake_server_close();
	config.queue_bytes = 20000;
	open_with(f, &config);
	make_tiny(f);
	block(f, &number, 4000);
	for (uint32_t i = 0; i < 100; i++) {
		add_one(f, i % 2 == 0 ? OTHER : DISCO, number++, 3000);
		check(f->to->conn->out.bytes <= 20000);
		check_size(queued(f), f->to->conn->out.bytes);
	}
	check(f->to->conn->out.bytes > 20000 - 3100);
	check(f->worker->counters->dropped_queue_tail > 50);
	check(fake_peer_runs(f->to));
	/* a frame that must not be dropped ends the connection instead */
	for (uint32_t i = 0; i < 2000; i++)
		if (f->to->conn != NULL) {
			add_one(f, CONTROL, i, 0);
			if (fake_server_count(0) == 0)
				f->to->conn = NULL;
		}
	check_size(fake_server_count(0), 0);
	check_size(queued(f), 0);
}

/* A Pong that the stream has taken makes room for the next one, though bytes
 * still wait for the socket: a client that pings before it has read everything
 * was never answered again. */
static void
outq_unmarks_what_the_stream_has_taken(void **state)
{
	struct fixture *f = *state;
	struct conn *c = f->to->conn;
	uint32_t number = 0;
	struct seen s;

	make_tiny(f);
	block(f, &number, 4000);
	add_one(f, CONTROL, number++, 0);
	for (int i = 0; i < 20; i++)
		add_one(f, OTHER, number++, 4000);
	check_int(c->out.marked, 1);
	while (c->out.marked > 0)
		check(drain_next(f, &s));
	check(stream_blocked(&c->stream));
}

/* Bytes of all clients of a worker: when they are used up, whoever holds most
 * of them goes, and not whoever happens to be there. */
static void
outq_keeps_to_the_bytes_of_all(void **state)
{
	struct fake_config config = fake_server_config();
	struct fixture *f = *state, greedy;
	uint32_t number = 0, i = 0;

	fake_peer_free(f->to);
	fake_server_close();
	config.queue_bytes_total = 60000;
	open_with(f, &config);
	greedy =
	    (struct fixture){ .worker = f->worker, .to = fake_peer_new(0) };
	make_tiny(f);
	make_tiny(&greedy);
	block(f, &number, 4000);
	block(&greedy, &number, 4000);
	for (; f->worker->counters->refused_memory == 0; i++) {
		check(i < 60);
		add_one(f, OTHER, number++, 500);
		add_one(&greedy, OTHER, number++, 4000);
		check(
		    queued(f) + f->worker->budget.used[MEMORY_OUTPUT_UNSENT] <=
		    60000);
	}
	/* its share is free, and the other one is as it was */
	check_size(fake_server_count(0), 1);
	check_size(queued(f), f->to->conn->out.bytes);
	check_int(f->to->conn->out.packets[OTHER], i);
	check_size(f->worker->counters->refused_memory, 1);
	check(f->worker->counters->dropped_gone_disconnected > 5);
	fake_peer_free(greedy.to);
}

/* What is queued when the peer goes away is counted and freed. */
static void
outq_counts_what_was_left(void **state)
{
	struct fixture *f = *state;
	uint32_t number = 0;

	make_tiny(f);
	block(f, &number, 4000);
	for (uint32_t i = 0; i < 10; i++)
		add_one(f, i % 2 == 0 ? OTHER : DISCO, number++, 100);
	add_one(f, CONTROL, 1, 0);
	check_int(f->to->conn->out.packets[DISCO], 5);
	number = f->to->conn->out.packets[OTHER];
	fake_peer_leave(f->to);
	fake_server_turn(0);
	check_size(fake_server_count(0), 0);
	check_size(f->worker->counters->dropped_gone_disconnected, number + 5);
	check_size(queued(f), 0);
}

/* Whatever allocation fails while a backlog is made: packets may be lost and
 * the connection may be closed, but what comes is framed and memory is kept
 * straight. */
static void
outq_survives_lack_of_memory(void **state)
{
	struct fixture *f = *state;
	bool failed = true;

	fake_peer_leave(f->to);
	fake_server_turn(0);
	for (size_t n = 1; failed; n++) {
		uint32_t number = 0;
		struct seen s;

		fake_peer_login(f->to, 0);
		make_tiny(f);
		fake_alloc_fail_at(n);
		for (uint32_t i = 0; i < 60 && fake_server_count(0) > 0; i++)
			add_one(f, i % 9 == 8 ? CONTROL : OTHER, number++, 900);
		failed = fake_alloc_failed();
		while (drain_next(f, &s))
			continue;
		if (fake_server_count(0) > 0)
			check_size(f->to->n, 0);
		fake_peer_leave(f->to);
		fake_server_turn(0);
		check_size(fake_server_count(0), 0);
		check_size(queued(f), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(outq_sends_a_turn_in_order),
		TEST(outq_sends_frames_of_every_size),
		TEST(outq_begins_each_turn_anew),
		TEST(outq_commits_one_chunk_at_most),
		TEST(outq_drops_nothing_that_the_socket_takes),
		TEST(outq_keeps_framing_wherever_it_was_blocked),
		TEST(outq_drops_the_oldest_of_the_kind),
		TEST(outq_never_drops_control),
		TEST(outq_keeps_to_the_bytes_of_a_client),
		TEST(outq_unmarks_what_the_stream_has_taken),
		TEST(outq_counts_what_was_left),
		TEST(outq_keeps_to_the_bytes_of_all),
		TEST(outq_counts_what_was_left),
		TEST(outq_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
