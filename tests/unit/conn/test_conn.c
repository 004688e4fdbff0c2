/* conn: phases, pauses, deadlines and the end, with a protocol of the test's.
 */
#include "check.h"

#include "conn.h"
#include "conn_input.h"
#include "ip_limit.h"
#include "service.h"
#include "turn_memory.h"
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct conn_protocol first_phase, second_phase;

struct fixture {
	struct worker_config config;
	struct counters_array *counters;
	struct worker *worker;
	struct service *service;
	struct conn *conn;
	int fd; /* the other end */
	/* what the protocol was told */
	char first[64], second[64];
	size_t first_n, second_n;
	unsigned timed_out, ended, freed, writable;
	char why[64]; /* of its end */
};

static size_t
frame_len(const uint8_t *p)
{
	return p[0];
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct service_config service = { 0 };
	struct netaddr remote;
	struct fail why = { 0 };
	int fds[2];

	f->counters = counters_new(1);
	f->config = (struct worker_config){ .ip_limit = ip_limit_new(8, 8),
		.counters = f->counters,
		.queue_depth = 4,
		.queue_bytes = 1 << 20,
		.unread_bytes = 1 << 20,
		.login_bytes = 1 << 20,
		.frame_len = frame_len };
	f->worker =
	    worker_new(&f->config, 0, counters_at(f->counters, 0), &why);
	check(f->worker != NULL);
	service.worker = f->worker;
	f->service = service_new(&service, &why);
	check(f->service != NULL);
	check_int(netaddr_parse_ip(&remote, slice_str("192.0.2.1")), 0);
	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	check_int(
	    ip_limit_enter(f->config.ip_limit, &remote), IP_LIMIT_ENTERED);
	f->conn = conn_new(f->worker, fds[0], NULL, &remote);
	f->fd = fds[1];
	conn_become(f->conn, &first_phase, f);
	conn_input_start(f->conn);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	service_free(f->service);
	check_int(f->ended, 1);
	check_int(f->freed, 1);
	worker_free(f->worker);
	counters_free(f->counters);
	ip_limit_free(f->config.ip_limit);
	if (f->fd != -1)
		close(f->fd);
	free(f);
	return 0;
}

static void
turn(struct fixture *f)
{
	loop_again(f->worker->loop);
	loop_turn(f->worker->loop);
}

static void
say(struct fixture *f, const char *text)
{
	check_int(write(f->fd, text, strlen(text)), (ssize_t)strlen(text));
	turn(f);
}

/* Takes whole lines; "next" begins the second phase. */
static size_t
first_input(struct conn *c, uint8_t *p, size_t n)
{
	struct fixture *f = c->session;
	size_t used = 0;
	const uint8_t *end;

	check_int(f->ended, 0);
	while (c->protocol == &first_phase &&
	    (end = memchr(p + used, '\n', n - used)) != NULL) {
		size_t len = (size_t)(end - p) + 1 - used;

		memcpy(f->first + f->first_n, p + used, len);
		f->first_n += len;
		if (slice_is(slice_of(p + used, len), "next\n"))
			conn_become(c, &second_phase, f);
		used += len;
	}
	return used;
}

static size_t
second_input(struct conn *c, uint8_t *p, size_t n)
{
	struct fixture *f = c->session;

	check_int(f->ended, 0);
	memcpy(f->second + f->second_n, p, n);
	f->second_n += n;
	return n;
}

static void
note_timed_out(struct conn *c)
{
	struct fixture *f = c->session;

	f->timed_out++;
}

static void
note_writable(struct conn *c)
{
	struct fixture *f = c->session;

	f->writable++;
}

static void
note_failed(struct conn *c, const char *why)
{
	(void)c;
	(void)why;
}

static void
note_ended(struct conn *c, const char *why)
{
	struct fixture *f = c->session;

	snprintf(f->why, sizeof f->why, "%s", why != NULL ? why : "");
	f->ended++;
	check_int(f->freed, 0);
}

static void
note_freed(void *session)
{
	struct fixture *f = session;

	f->freed++;
}

static const struct conn_protocol first_phase = { .input = first_input,
	.max_reads = 3,
	.awaits = "a line",
	.timed_out = note_timed_out,
	.failed = note_failed,
	.ended = note_ended,
	.free_session = note_freed };
static const struct conn_protocol second_phase = { .logged_in = true,
	.input = second_input,
	.timed_out = note_timed_out,
	.writable = note_writable,
	.failed = note_failed,
	.ended = note_ended,
	.free_session = note_freed };

static void
conn_keeps_what_is_not_whole(void **state)
{
	struct fixture *f = *state;

	say(f, "on");
	check_slice_text(conn_saved(f->conn), "on");
	check_size(
	    f->worker->budget.used[MEMORY_NO_LOGIN], CONN_LOGIN_BYTES + 2);
	say(f, "e\ntw");
	check_slice_text(slice_of(f->first, f->first_n), "one\n");
	check_slice_text(conn_saved(f->conn), "tw");
	conn_end(f->conn, NULL);
	turn(f);
	check_size(f->worker->budget.used[MEMORY_NO_LOGIN], 0);
}

/* What comes after the last byte of a phase goes to the next one. */
static void
conn_hands_the_rest_to_the_next_phase(void **state)
{
	struct fixture *f = *state;

	say(f, "one\nnext\nrest");
	check_slice_text(slice_of(f->first, f->first_n), "one\nnext\n");
	check_slice_text(slice_of(f->second, f->second_n), "rest");
	check_int(f->freed, 0); /* the session was handed on */
}

static void
conn_bounds_the_reads_of_a_phase(void **state)
{
	struct fixture *f = *state;

	say(f, "a");
	say(f, "b");
	say(f, "c");
	check_int(f->ended, 0);
	say(f, "d");
	check_int(f->ended, 1);
}

static void
conn_counts_the_reads_of_each_phase(void **state)
{
	struct fixture *f = *state;

	say(f, "a");
	say(f, "b");
	conn_become(f->conn, &first_phase, f);
	for (int i = 0; i < 3; i++)
		say(f, "c");
	check_int(f->ended, 0);
	say(f, "d");
	check_int(f->ended, 1);
}

/* One that waits in the login queue and hangs up goes at once: each turn would
 * be told of it. */
static void
conn_ends_when_it_hangs_up_in_the_login_queue(void **state)
{
	struct fixture *f = *state;
	struct login_queue *queue = f->worker->logins;

	login_queue_wait(queue, &f->conn->login->queue, &f->conn->remote);
	conn_pause(f->conn, CONN_PAUSE_LOGIN_QUEUE);
	for (int i = 0; i < 1000; i++)
		login_queue_spend(queue); /* not its turn */
	close(f->fd);
	f->fd = -1;
	turn(f);
	check_int(f->ended, 1);
}

/* It is read from again when the last reason not to has gone. */
static void
conn_pauses_for_each_reason(void **state)
{
	struct fixture *f = *state;

	say(f, "next\n");
	conn_pause(f->conn, CONN_PAUSE_RATE);
	conn_pause(f->conn, CONN_PAUSE_ANSWER);
	conn_pause(f->conn, CONN_PAUSE_RATE);
	say(f, "x");
	check_size(f->second_n, 0);
	conn_resume(f->conn, CONN_PAUSE_RATE);
	turn(f);
	check_size(f->second_n, 0);
	conn_resume(f->conn, CONN_PAUSE_ADMISSION); /* it was not */
	turn(f);
	check_size(f->second_n, 0);
	conn_resume(f->conn, CONN_PAUSE_ANSWER);
	turn(f);
	check_slice_text(slice_of(f->second, f->second_n), "x");
}

static void
conn_tells_of_its_deadline(void **state)
{
	struct fixture *f = *state;

	conn_deadline(f->conn, 3600000);
	turn(f);
	check_int(f->timed_out, 0);
	conn_deadline(f->conn, 10);
	usleep(12000);
	turn(f);
	check_int(f->timed_out, 1);
	turn(f);
	check_int(f->timed_out, 1);
}

/* After conn_finish nothing is handed on, and the peer's end is the end. */
static void
conn_hears_nothing_after_it_finished(void **state)
{
	struct fixture *f = *state;
	char byte;

	say(f, "next\n");
	conn_finish(f->conn);
	say(f, "more");
	check_size(f->second_n, 0);
	check_size(conn_saved(f->conn).n, 0);
	check_int(read(f->fd, &byte, 1), 0);
	check_int(f->ended, 0);
	(void)shutdown(f->fd, SHUT_WR);
	turn(f);
	check_int(f->ended, 1);
}

static void
conn_tells_when_it_can_write_again(void **state)
{
	static const uint8_t page[20000];
	struct fixture *f = *state;
	static uint8_t in[1 << 20];

	say(f, "next\n");
	while (!stream_blocked(&f->conn->stream))
		conn_write(f->conn, slice_of(page, sizeof page));
	check(f->worker->budget.used[MEMORY_OUTPUT_UNSENT] > 0);
	check_int(f->writable, 0);
	while (f->writable == 0) {
		(void)!read(f->fd, in, sizeof in);
		turn(f);
	}
	check(!stream_blocked(&f->conn->stream));
	check_size(f->worker->budget.used[MEMORY_OUTPUT_UNSENT], 0);
}

/* The deadline of its phase passes. */
static void
pass_deadline(struct fixture *f)
{
	check_int(loop_timer_set(f->worker->loop, &f->conn->timer,
		      loop_now_ms(f->worker->loop)),
	    0);
	turn(f);
}

/* Finishes with so many times 64 KiB for a peer who has read nothing. */
static void
finish_with_much_unsent(struct fixture *f, size_t chunks)
{
	static const uint8_t chunk[65536];

	f->config.write_timeout_ms = 1000;
	say(f, "next\n");
	for (size_t i = 0; i < chunks; i++)
		conn_write(f->conn, slice_of(chunk, sizeof chunk));
	check(f->conn->write_timer != NULL);
	conn_finish(f->conn);
	check(stream_blocked(&f->conn->stream));
	check_null(f->conn->write_timer);
}

/* Reads at most n bytes; how many there were. */
static size_t
read_some(struct fixture *f, size_t n)
{
	static uint8_t in[65536];
	const ssize_t got = read(f->fd, in, n < sizeof in ? n : sizeof in);

	turn(f);
	return got > 0 ? (size_t)got : 0;
}

/* A peer that pauses gets all of it, and its time to close afterwards. */
static void
conn_sends_what_is_left_after_it_finished(void **state)
{
	struct fixture *f = *state;
	size_t got = 0, n;

	finish_with_much_unsent(f, 16);
	for (int i = 1; i < CONN_STALLED_MAX; i++)
		pass_deadline(f);
	check_int(f->ended, 0);
	while ((n = read_some(f, SIZE_MAX)) > 0)
		got += n;
	check_size(got, (size_t)16 << 16);
	check_int(f->ended, 0);
	check(f->conn->timer.due_ms >= loop_now_ms(f->worker->loop));
	pass_deadline(f);
	check_int(f->ended, 1);
	check_text(f->why, "");
}

static void
conn_gives_up_who_takes_nothing(void **state)
{
	struct fixture *f = *state;
	int passed = 0;

	finish_with_much_unsent(f, 16);
	/* what the socket took at first is progress */
	for (; f->ended == 0; passed++)
		pass_deadline(f);
	check(passed >= CONN_STALLED_MAX && passed <= CONN_STALLED_MAX + 1);
	check_text(f->why, "it did not take the rest in time");
}

/* Nobody makes it last for ever, a bit at a time. */
static void
conn_gives_up_who_takes_too_long(void **state)
{
	struct fixture *f = *state;
	int passed = 0;

	f->worker->budget.limits[MEMORY_GROUP_OUTPUT] = SIZE_MAX / 2;
	finish_with_much_unsent(f, 3 * CONN_CLOSING_MAX);
	for (; f->ended == 0; passed++) {
		(void)read_some(f, SIZE_MAX);
		pass_deadline(f);
	}
	/* fewer where its own time came as well */
	check(passed <= CONN_CLOSING_MAX);
	check(passed > 2 * CONN_STALLED_MAX);
	check_text(f->why, "it did not take the rest in time");
}

static const struct conn_protocol bounded_phase = { .logged_in = true,
	.is_bounded = true,
	.input = second_input,
	.timed_out = note_timed_out,
	.failed = note_failed,
	.ended = note_ended,
	.free_session = note_freed };

/* What waits is the protocol's to bound: neither charged nor timed. */
static void
conn_leaves_bounds_to_the_protocol(void **state)
{
	static const uint8_t page[20000];
	struct fixture *f = *state;

	f->config.write_timeout_ms = 1000;
	while (!stream_blocked(&f->conn->stream))
		conn_write(f->conn, slice_of(page, sizeof page));
	check(f->conn->write_timer != NULL);
	conn_become(f->conn, &bounded_phase, f);
	check_null(f->conn->write_timer);
	conn_write(f->conn, slice_of(page, sizeof page));
	check_null(f->conn->write_timer);
	check_size(f->worker->budget.used[MEMORY_NO_LOGIN], 0);
	check_size(f->worker->budget.used[MEMORY_OUTPUT_UNSENT], 0);
}

/* Queues a frame that can only fail to be sent, and leaves no room to read in,
 * so that what is queued is flushed first. */
static void
prepare_to_end_in_flush(struct fixture *f)
{
	static const uint8_t frame[] = { 2, 0 };
	struct turn_memory *memory = f->worker->memory;

	close(f->fd);
	f->fd = -1;
	conn_send_control(f->conn, slice_of(frame, sizeof frame), false);
	turn_memory_use(memory, turn_memory_tail(memory) + 1);
	while (turn_memory_fits(memory, STREAM_READ_ROOM))
		turn_memory_use(memory, turn_memory_tail(memory) + 65536);
}

/* The flush that makes room for a read ends the very connection that is to be
 * read: nothing of it is touched any more, least of all what it had saved. */
static void
conn_may_end_while_room_is_made_to_read(void **state)
{
	struct fixture *f = *state;

	say(f, "not whole");
	check_int(write(f->fd, "\n", 1), 1);
	prepare_to_end_in_flush(f);
	turn(f);
	check_int(f->ended, 1);
	check_size(f->first_n, 0);
}

/* The same for what is handed on once it may be, as after a late answer of
 * admission. */
static void
conn_may_end_while_room_is_made_for_what_is_saved(void **state)
{
	struct fixture *f = *state;

	say(f, "not whole");
	conn_become(f->conn, &second_phase, f);
	prepare_to_end_in_flush(f);
	conn_input_saved(f->conn);
	check_int(f->ended, 1);
	check_size(f->second_n, 0);
	turn(f);
}

/* The session is told at once and freed when the turn is over. */
static void
conn_ends_once(void **state)
{
	struct fixture *f = *state;
	const struct conn_addr addr = f->conn->addr;
	size_t most;

	conn_fail(f->conn, "test %d", 1);
	conn_end(f->conn, "test 2");
	conn_fail(f->conn, "test 3");
	check_int(f->ended, 1);
	check_text(f->why, "test 1");
	check_int(f->freed, 0);
	check_null(conn_table_get(f->worker->conns, addr));
	check_size(ip_limit_open(f->config.ip_limit, &most), 0);
	turn(f);
	check_int(f->freed, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(conn_keeps_what_is_not_whole),
		TEST(conn_hands_the_rest_to_the_next_phase),
		TEST(conn_bounds_the_reads_of_a_phase),
		TEST(conn_counts_the_reads_of_each_phase),
		TEST(conn_ends_when_it_hangs_up_in_the_login_queue),
		TEST(conn_pauses_for_each_reason),
		TEST(conn_tells_of_its_deadline),
		TEST(conn_hears_nothing_after_it_finished),
		TEST(conn_tells_when_it_can_write_again),
		TEST(conn_sends_what_is_left_after_it_finished),
		TEST(conn_gives_up_who_takes_nothing),
		TEST(conn_gives_up_who_takes_too_long),
		TEST(conn_leaves_bounds_to_the_protocol),
		TEST(conn_may_end_while_room_is_made_to_read),
		TEST(conn_may_end_while_room_is_made_for_what_is_saved),
		TEST(conn_ends_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
