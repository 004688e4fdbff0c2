/* worker: see worker.h. */
#include "worker.h"

#include "clock.h"
#include <stdlib.h>

/* A turn is all that is wanted. */
static void
wake_up(void *ctx)
{
	(void)ctx;
}

static int
open_worker(struct worker *worker, struct fail *why)
{
	const struct worker_config *config = worker->config;

	worker->scratch = stream_scratch_new();
	worker->memory = turn_memory_new(WORKER_ARENA);
	worker->conns = conn_table_new((uint16_t)worker->index);
	worker->logins =
	    login_queue_new(WORKER_LOGINS_PER_TURN, WORKER_LOGIN_SOURCES);
	worker->handshakes_to_begin =
	    login_queue_new(WORKER_LOGINS_PER_TURN, WORKER_LOGIN_SOURCES);
	worker->slots = shed_list_new(config->login_slots, config->login_slots);
	worker->handshakes =
	    shed_list_new(config->handshakes, config->handshakes_per_address);
	worker->out.coalesce = malloc(OUTQ_COALESCE);
	if (worker->scratch == NULL || worker->memory == NULL ||
	    worker->conns == NULL || worker->logins == NULL ||
	    worker->handshakes_to_begin == NULL || worker->slots == NULL ||
	    worker->handshakes == NULL || worker->out.coalesce == NULL)
		return fail_set(why, "out of memory");
	worker->loop = loop_new(why);
	if (worker->loop == NULL)
		return -1;
	worker->mailbox = mailbox_new(worker->loop, worker, why);
	return worker->mailbox != NULL ? 0 : -1;
}

/* One patient connection alone does not use up what the worker has for output,
 * or it would be the one that is ended for it. */
static void
set_patient(struct worker *worker)
{
	struct outq_shared *out = &worker->out_patient;
	const size_t part = worker->config->unread_bytes / 4;
	const size_t bytes =
	    part < WORKER_PATIENT_BYTES ? part : WORKER_PATIENT_BYTES;

	*out = worker->out;
	if (out->depth < WORKER_PATIENT_PACKETS)
		out->depth = WORKER_PATIENT_PACKETS;
	if (out->max_bytes < bytes)
		out->max_bytes = bytes;
}

struct worker *
worker_new(const struct worker_config *config, unsigned index,
    struct counters *counters, struct fail *why)
{
	const size_t limits[MEMORY_GROUPS] = {
		[MEMORY_GROUP_OUTPUT] = config->unread_bytes,
		[MEMORY_GROUP_INPUT] = config->unread_bytes,
		[MEMORY_GROUP_NO_LOGIN] = config->login_bytes,
	};
	struct worker *worker = calloc(1, sizeof *worker);

	if (worker == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	worker->config = config;
	worker->index = index;
	worker->counters = counters;
	worker->handshake_timer =
	    (struct loop_timer){ .fire = wake_up, .ctx = worker };
	worker->log_login = (struct log_limit){ .burst = 20, .per_s = 5 };
	if (open_worker(worker, why) == -1) {
		worker_free(worker);
		return NULL;
	}
	memory_budget_init(&worker->budget, limits);
	pacing_init(&worker->pacing, config->batch_delay_us);
	worker->out.memory = worker->memory;
	worker->out.budget = &worker->budget;
	worker->out.counters = counters;
	worker->out.depth = config->queue_depth;
	worker->out.max_bytes = config->queue_bytes;
	worker->out.frame_len = config->frame_len;
	set_patient(worker);
	return worker;
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	if (worker->loop != NULL)
		loop_timer_clear(worker->loop, &worker->handshake_timer);
	mailbox_free(worker->mailbox);
	login_queue_free(worker->logins);
	login_queue_free(worker->handshakes_to_begin);
	shed_list_free(worker->slots);
	shed_list_free(worker->handshakes);
	conn_table_free(worker->conns);
	turn_memory_free(worker->memory);
	loop_free(worker->loop);
	stream_scratch_free(worker->scratch);
	free(worker->out.coalesce);
	free(worker->high_rate.addrs);
	free(worker);
}

/* What others cannot read while it changes. */
static void
publish(struct worker *worker)
{
	const struct memory_budget *b = &worker->budget;
	struct counters *c = worker->counters;

	counters_set(
	    &c->memory_output, memory_budget_used(b, MEMORY_GROUP_OUTPUT));
	counters_set(
	    &c->memory_input, memory_budget_used(b, MEMORY_GROUP_INPUT));
	counters_set(&c->memory_before_login,
	    memory_budget_used(b, MEMORY_GROUP_NO_LOGIN));
	counters_set(&c->handshakes_now, shed_list_count(worker->handshakes));
}

void
worker_flushed(struct worker *worker)
{
	if (worker->flushed != NULL)
		worker->flushed(worker->hook_ctx);
	turn_memory_reset(worker->memory);
	publish(worker);
}

/* As upstream's: a tenth of what is new. */
void
worker_note_wait(struct worker *worker, uint64_t ns)
{
	_Atomic uint64_t *mean = &worker->counters->queue_wait_ns;
	const uint64_t before =
	    atomic_load_explicit(mean, memory_order_relaxed);

	counters_set(mean, before - before / 10 + ns / 10);
}

void
worker_note_turn(struct worker *worker)
{
	if (++worker->turns_noted % WORKER_WAIT_SAMPLE != 0)
		return;
	worker_note_wait(
	    worker, (clock_now_us() - loop_now_us(worker->loop)) * 1000);
}
