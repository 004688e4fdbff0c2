/* worker: its limits are those of its configuration; lack of memory. */
#include "check.h"
#include "fake_alloc.h"

#include "worker.h"

#include <sodium.h>

static const struct worker_config config = {
	.queue_depth = 7,
	.queue_bytes = 11111,
	.unread_bytes = 22222,
	.login_bytes = 33333,
	.login_slots = 5,
	.handshakes = 4,
	.handshakes_per_address = 3,
	.batch_delay_us = 500,
};

static void
worker_has_the_limits_of_its_configuration(void **state)
{
	struct counters_array *counters = counters_new(1);
	struct fail why = { 0 };
	struct worker *w =
	    worker_new(&config, 0, counters_at(counters, 0), &why);

	(void)state;
	check(w != NULL);
	check_size(w->budget.limits[MEMORY_GROUP_OUTPUT], 22222);
	check_size(w->budget.limits[MEMORY_GROUP_INPUT], 22222);
	check_size(w->budget.limits[MEMORY_GROUP_NO_LOGIN], 33333);
	check_size(w->out.depth, 7);
	check_size(w->out.max_bytes, 11111);
	check_size(w->out_patient.max_bytes, 11111);
	check_size(w->pacing.batch_delay_us, 500);
	check_ptr(w->out.counters, counters_at(counters, 0));
	worker_free(w);
	counters_free(counters);
}

/* However many workers share what waits for all connections, one connection
 * that is slow leaves enough of it to others. */
static void
worker_is_patient_within_its_part(void **state)
{
	static const struct {
		size_t unread, patient;
	} rows[] = { { (size_t)256 << 20, WORKER_PATIENT_BYTES },
		{ (size_t)32 << 20, WORKER_PATIENT_BYTES },
		{ (size_t)8 << 20, (size_t)2 << 20 },
		{ (size_t)4 << 20, (size_t)1 << 20 }, { 1000, 11111 } };
	struct counters_array *counters = counters_new(1);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct worker_config c = config;
		struct fail why = { 0 };
		struct worker *w;

		c.unread_bytes = rows[i].unread;
		w = worker_new(&c, 0, counters_at(counters, 0), &why);
		check(w != NULL);
		check_size(w->out_patient.max_bytes, rows[i].patient);
		check_size(w->out_patient.depth, WORKER_PATIENT_PACKETS);
		worker_free(w);
	}
	counters_free(counters);
}

/* At each of the allocations that one needs. */
static void
worker_new_survives_lack_of_memory(void **state)
{
	struct counters_array *counters = counters_new(1);
	struct worker *w = NULL;

	(void)state;
	for (size_t n = 1; w == NULL; n++) {
		struct fail why = { 0 };

		fake_alloc_fail_at(n);
		w = worker_new(&config, 0, counters_at(counters, 0), &why);
		check(fake_alloc_failed() == (w == NULL));
		check((why.text[0] == '\0') == (w != NULL));
	}
	worker_free(w);
	worker_free(NULL);
	counters_free(counters);
}

/* A tenth of what is new; the clock is looked at now and then. */
static void
worker_averages_how_long_packets_wait(void **state)
{
	struct counters_array *counters = counters_new(1);
	const struct counters *set = counters_at(counters, 0);
	struct fail why = { 0 };
	struct worker *w =
	    worker_new(&config, 0, counters_at(counters, 0), &why);

	(void)state;
	worker_note_wait(w, 1000);
	check_size(set->queue_wait_ns, 100);
	worker_note_wait(w, 1000);
	check_size(set->queue_wait_ns, 190);
	for (int i = 0; i < 500; i++)
		worker_note_wait(w, 5000000);
	check(set->queue_wait_ns > 4900000 && set->queue_wait_ns <= 5000000);
	for (int i = 1; i < WORKER_WAIT_SAMPLE; i++)
		worker_note_turn(w);
	check(set->queue_wait_ns > 4900000);
	worker_free(w);
	counters_free(counters);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_has_the_limits_of_its_configuration),
		cmocka_unit_test(worker_is_patient_within_its_part),
		cmocka_unit_test(worker_averages_how_long_packets_wait),
		cmocka_unit_test(worker_new_survives_lack_of_memory),
	};

	return sodium_init() == -1 ? 1
				   : cmocka_run_group_tests(tests, NULL, NULL);
}
