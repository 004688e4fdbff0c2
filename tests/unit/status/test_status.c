/* status: the thread that answers, while memory is short and while too many
 * ask. */
#include "fake_server.h"

#include "fake_alloc.h"
#include "status.h"

#include <jansson.h>
#include <pthread.h>

static struct {
	pthread_mutex_t lock;
	unsigned answered, served, refused;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

enum { PATIENCE = 120000 }; /* half milliseconds */

static struct status *status;

static void
done(struct status_ask *ask)
{
	pthread_mutex_lock(&seen.lock);
	seen.answered++;
	if (ask->code == 200)
		seen.served++;
	else
		seen.refused++;
	pthread_mutex_unlock(&seen.lock);
	status_ask_free(ask);
}

static unsigned
answered(void)
{
	unsigned n;

	pthread_mutex_lock(&seen.lock);
	n = seen.answered;
	pthread_mutex_unlock(&seen.lock);
	return n;
}

static int
setup(void **state)
{
	static struct status_relay relay;
	struct fail why = { 0 };

	(void)fake_server_setup(state);
	relay = (struct status_relay){ .hostname = "x",
		.workers = 1,
		.shared = &fake_server.shared,
		.counters = fake_server.counters };
	status = status_new(&relay, NULL, -1, &why);
	check(status != NULL);
	check_int(status_start(status, &why), 0);
	seen.answered = seen.served = seen.refused = 0;
	return 0;
}

static int
teardown(void **state)
{
	status_stop(status);
	status_free(status);
	return fake_server_teardown(state);
}

/* Made before memory is short. */
static struct status_ask *
question_new(enum status_query_form form)
{
	struct status_ask *q = calloc(1, sizeof *q);

	check(q != NULL);
	q->query = (struct status_query){ .form = form, .limit = 5 };
	q->done = done;
	return q;
}

/* Turns the worker, which has to tell of its clients, until all is answered. */
static void
turn_until_answered(unsigned n)
{
	for (int i = 0; i < PATIENCE && answered() < n; i++) {
		fake_server_turn(0);
		usleep(500);
	}
	check_int(answered(), n);
}

/* Whatever is short, whoever asks gets an answer, and the next one a page. */
static void
status_answers_while_memory_is_short(void **state)
{
	static const enum status_query_form forms[] = { STATUS_QUERY_HTML,
		STATUS_QUERY_JSON, STATUS_QUERY_TRAFFIC };
	struct fake_peer *peer = fake_peer_new(0);
	unsigned asked = 0, served;
	bool failed;

	(void)state;
	json_set_alloc_funcs(fake_alloc_malloc, free);
	for (size_t k = 0; k < sizeof forms / sizeof forms[0]; k++) {
		size_t n = 1;

		do {
			struct status_ask *q = question_new(forms[k]);

			fake_alloc_fail_at(n++);
			status_post(status, q);
			turn_until_answered(++asked);
			failed = fake_alloc_failed();
		} while (failed);
		check(n > 2);
		served = seen.served;
		status_post(status, question_new(forms[k]));
		turn_until_answered(++asked);
		check_int(seen.served, served + 1);
	}
	check(seen.refused > 0);
	json_set_alloc_funcs(malloc, free);
	fake_peer_free(peer);
}

/* While the workers say nothing questions wait, but not any number. */
static void
status_bounds_those_that_wait(void **state)
{
	const unsigned n = STATUS_WAITING_MAX + 10;

	(void)state;
	for (unsigned i = 0; i < n; i++)
		status_post(status, question_new(STATUS_QUERY_JSON));
	/* the last ones are refused at once */
	for (int i = 0; i < PATIENCE && answered() < 10; i++)
		usleep(500);
	check_int(answered(), 10);
	check_int(seen.refused, 10);
	turn_until_answered(n);
	check_int(seen.served, STATUS_WAITING_MAX);
}

/* Who waits when it ends is freed with it, whichever way. */
static void
status_ends_while_some_wait(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++)
		status_post(status, question_new(STATUS_QUERY_JSON));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    status_answers_while_memory_is_short, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    status_bounds_those_that_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    status_ends_while_some_wait, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
