/* input: what is kept until it is whole, and how much of it there may be. */
#include "fake_server.h"

#include "clock.h"

static struct worker *
worker(void)
{
	return fake_server.workers[0];
}

static size_t held(enum memory_class class)
{
	return worker()->budget.used[class];
}

static struct fake_peer *
unauthenticated(void)
{
	struct fake_peer *p = calloc(1, sizeof *p);

	check(p != NULL);
	p->conn = fake_server_conn(0, &p->fd);
	check(p->conn != NULL);
	return p;
}

/* Bytes of a request's head that is as long as it may be. */
#define LARGE_HEAD 16000

/* Sends the front of a long head. */
static void
send_large(struct fake_peer *p)
{
	static uint8_t head[LARGE_HEAD];

	memset(head, 'x', sizeof head);
	memcpy(head, "GET /", 5);
	fake_peer_send(p, slice_of(head, sizeof head));
	fake_server_turn(0);
}

/* Sends the front of something that is never whole. */
static void
send_part(struct fake_peer *p, const char *part)
{
	fake_peer_send(p, slice_str(part));
	fake_server_turn(0);
}

/* Sends a packet to itself in two pieces. */
static void
send_in_two(struct fake_peer *p)
{
	uint8_t bytes[512];
	struct writer w = writer_of(bytes, sizeof bytes);
	struct derp_frame f;

	derp_send_packet_put(&w, &p->key, slice_str("whole again"));
	fake_peer_send(p, slice_of(bytes, 20));
	fake_server_turn(0);
	check_size(held(MEMORY_INPUT), 20);
	fake_peer_send(p, slice_of(bytes + 20, w.n - 20));
	fake_server_turn(0);
	check_size(held(MEMORY_INPUT), 0);
	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_RECV_PACKET);
}

/* Unauthenticated clients who leave their logins half done use up their own
 * share only, and when it is used up it is not the newcomer who goes. */
static void
input_keeps_others_from_the_share_of_clients(void **state)
{
	struct fake_peer *member = fake_peer_new(0), *last;
	struct fake_peer *large[FAKE_LOGIN_BYTES / LARGE_HEAD + 1];
	size_t count = 0;

	(void)state;
	while (worker()->counters->refused_memory == 0) {
		check(held(MEMORY_NO_LOGIN) <= FAKE_LOGIN_BYTES);
		check(count < sizeof large / sizeof large[0]);
		large[count] = unauthenticated();
		send_large(large[count++]);
	}
	/* an eighth of the limit is free again */
	check(held(MEMORY_NO_LOGIN) <= FAKE_LOGIN_BYTES - FAKE_LOGIN_BYTES / 8);
	check(!fake_peer_read(large[0]));
	check(fake_peer_read(large[count - 1]));
	last = unauthenticated();
	send_part(last, "GET / HTTP");
	send_part(last, "/");
	check(fake_peer_read(last));
	send_in_two(member);
	for (size_t i = 0; i < count; i++)
		fake_peer_free(large[i]);
	fake_peer_free(last);
	while (fake_server_count(0) > 1) /* some a turn */
		fake_server_turn(0);
	check_size(held(MEMORY_NO_LOGIN), 0);
	fake_peer_free(member);
}

/* The same for clients: of what they leave, most goes first. */
static void
input_limits_what_clients_leave(void **state)
{
	struct fake_peer *modest = fake_peer_new(0), *greedy = fake_peer_new(0);
	static uint8_t part[20000];

	(void)state;
	worker()->budget.limits[MEMORY_GROUP_INPUT] = sizeof part;
	derp_header_put(
	    part, (struct derp_header){ DERP_SEND_PACKET, 2 * sizeof part });
	fake_peer_send(greedy, slice_of(part, sizeof part - 100));
	fake_server_turn(0);
	check_size(held(MEMORY_INPUT), sizeof part - 100);
	fake_peer_send(modest, slice_of(part, 101));
	fake_server_turn(0);
	check(!fake_peer_read(greedy));
	check(fake_peer_read(modest));
	check_size(worker()->counters->refused_memory, 1);
	check_size(held(MEMORY_INPUT), 101);
	fake_peer_free(modest);
	fake_peer_free(greedy);
}

/* What was saved is given back by whoever leaves, wherever it counted. */
static void
input_gives_back_what_it_counted(void **state)
{
	struct fake_peer *p = unauthenticated();

	(void)state;
	fake_peer_key(p);
	check_size(held(MEMORY_NO_LOGIN), CONN_LOGIN_BYTES);
	send_part(p, "GET /derp HTTP/1.1\r\n");
	check(held(MEMORY_NO_LOGIN) > CONN_LOGIN_BYTES);
	fake_peer_leave(p);
	fake_server_turn(0);
	check_size(held(MEMORY_NO_LOGIN), 0);
	fake_peer_login(p, 0);
	check_size(held(MEMORY_NO_LOGIN), 0);
	fake_peer_send(p, slice_of("\x04", 1));
	fake_server_turn(0);
	check_size(held(MEMORY_INPUT), 1);
	fake_peer_free(p);
	fake_server_turn(0);
	check_size(held(MEMORY_INPUT), 0);
}

/* What an unauthenticated client does not read counts like the rest of what is
 * held for it, and not with what clients leave unread. */
static void
input_counts_answers_that_are_not_read(void **state)
{
	static const char request[] =
	    "GET /derp/probe HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fake_peer *p = unauthenticated();

	(void)state;
	for (int i = 0; i < 100000 && !stream_blocked(&p->conn->stream); i++)
		send_part(p, request);
	check(stream_blocked(&p->conn->stream));
	check(held(MEMORY_NO_LOGIN) > CONN_LOGIN_BYTES);
	check_size(held(MEMORY_OUTPUT_UNSENT), 0);
	fake_peer_free(p);
	fake_server_turn(0);
	check_size(held(MEMORY_NO_LOGIN), 0);
}

/* So many packets to itself within a window, and one more after it. `busy`:
 * meanwhile the worker seems to have had millions of others to handle. */
static void
send_for_a_window(struct fake_peer *p, unsigned packets, bool busy)
{
	static uint64_t began_ms; /* the window, by now */

	for (;;) {
		for (unsigned i = 0; i < packets; i++) {
			fake_peer_packet(p, &p->key, slice_str("x"));
			fake_server_turn(0);
		}
		if (packets <= 2 ||
		    clock_now_ms() - began_ms < PACING_CLIENT_WINDOW_MS)
			break;
		/* not all are in one: once more, from the next one's begin */
		usleep((PACING_CLIENT_WINDOW_MS + 10) * 1000);
		fake_server_turn(0);
		began_ms = clock_now_ms();
		fake_peer_packet(p, &p->key, slice_str("x"));
		fake_server_turn(0);
	}
	usleep((PACING_CLIENT_WINDOW_MS + 10) * 1000);
	worker()->counters->packets_received += busy ? 100000000 : 0;
	fake_server_turn(0);
	check_int(worker()->pacing.high_rate, busy);
	began_ms = clock_now_ms();
	fake_peer_packet(p, &p->key, slice_str("x"));
	fake_server_turn(0);
	(void)fake_peer_read(p);
	p->n = 0;
}

/* Only a busy worker, and only those who send much, and only while they do. */
static void
input_sets_apart_who_sends_much(void **state)
{
	struct fake_peer *p = fake_peer_new(0);
	const struct loop_watch *watch = &p->conn->stream.watch;
	const unsigned much = 2 * PACING_CLIENT_RATE_PER_S;

	(void)state;
	send_for_a_window(p, 1, false); /* the first window has begun */
	send_for_a_window(p, much, false);
	check(!watch->high_rate);
	send_for_a_window(p, 2, true);
	check(!watch->high_rate);
	send_for_a_window(p, much, true);
	check(watch->high_rate);
	send_for_a_window(p, 2, true);
	check(!watch->high_rate);
	send_for_a_window(p, much, true);
	check(watch->high_rate);
	send_for_a_window(p, much, false);
	check(!watch->high_rate);
	fake_peer_free(p);
}

/* One that has fallen silent is judged by time, as nothing is read from it. */
static void
input_forgets_the_rate_of_the_silent(void **state)
{
	struct fake_peer *p = fake_peer_new(0);
	const struct loop_watch *watch = &p->conn->stream.watch;

	(void)state;
	send_for_a_window(p, 1, false); /* the first window has begun */
	send_for_a_window(p, 2 * PACING_CLIENT_RATE_PER_S, true);
	check(watch->high_rate);
	check_size(worker()->high_rate.count, 1);
	usleep((PACING_CLIENT_WINDOW_MS + 10) * 1000);
	fake_server_turn(0);
	usleep((PACING_CLIENT_WINDOW_MS + 10) * 1000);
	fake_server_turn(0);
	check(!watch->high_rate);
	check_size(worker()->high_rate.count, 0);
	fake_peer_free(p);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, fake_server_setup, fake_server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(input_keeps_others_from_the_share_of_clients),
		TEST(input_limits_what_clients_leave),
		TEST(input_gives_back_what_it_counted),
		TEST(input_counts_answers_that_are_not_read),
		TEST(input_sets_apart_who_sends_much),
		TEST(input_forgets_the_rate_of_the_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
