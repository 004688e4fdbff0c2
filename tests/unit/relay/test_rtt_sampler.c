/* rtt_sampler: all clients in a round, and not all in one turn. */
#include "fake_server.h"

#include "rtt_sampler.h"

#define MANY (RTT_SAMPLER_STEP + 20)

static struct counters *
counters(void)
{
	return fake_server.workers[0]->counters;
}

static void
fire(struct rtt_sampler *s)
{
	s->timer.fire(s->timer.ctx);
}

/* These are no TCP connections, which counts as an error. */
static void
rtt_sampler_samples_clients_alone(void **state)
{
	struct fake_peer *p = fake_peer_new(0);
	struct rtt_sampler s;
	int fd;

	(void)state;
	check(fake_server_conn(0, &fd) != NULL); /* not logged in */
	check_int(rtt_sampler_start(&s, fake_server.workers[0]), 0);
	check_size(counters()->rtt_error, 0);
	fire(&s);
	check_size(counters()->rtt_error, 1);
	check_size(s.timer.due_ms, s.round_ms + RTT_SAMPLER_ROUND_MS);
	fire(&s);
	check_size(counters()->rtt_error, 2);
	conn_finish(p->conn); /* it is on its way out */
	fire(&s);
	check_size(counters()->rtt_error, 2);
	loop_timer_clear(fake_server.workers[0]->loop, &s.timer);
	close(fd);
	fake_peer_free(p);
}

static void
rtt_sampler_takes_turns_for_many(void **state)
{
	struct fake_peer *p[MANY];
	struct rtt_sampler s;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		p[i] = fake_peer_new(0);
	check_int(rtt_sampler_start(&s, fake_server.workers[0]), 0);
	fire(&s);
	check_size(counters()->rtt_error, RTT_SAMPLER_STEP);
	check(s.timer.due_ms < s.round_ms + RTT_SAMPLER_ROUND_MS);
	fire(&s);
	check_size(counters()->rtt_error, MANY);
	check_size(s.timer.due_ms, s.round_ms + RTT_SAMPLER_ROUND_MS);
	loop_timer_clear(fake_server.workers[0]->loop, &s.timer);
	for (size_t i = 0; i < MANY; i++)
		fake_peer_free(p[i]);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, fake_server_setup, fake_server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rtt_sampler_samples_clients_alone),
		TEST(rtt_sampler_takes_turns_for_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
