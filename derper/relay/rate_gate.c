/* rate_gate: see rate_gate.h. */
#include "rate_gate.h"

#include "conn.h"
#include "conn_input.h"
#include "worker.h"

#include <stdlib.h>

/* New limits are looked for so often while a frame waits. */
#define LOOK_MS 1000

/* What is waited for at least, ms: whoever waits has its input kept, and copied
 * each time that some of it may go on. */
#define WAIT_MIN_MS 10

/* Bytes that are read at once at least, however much has been spent. */
#define READ_MIN 4096

struct rate_gate {
	struct rate_limit *limit;   /* borrowed */
	struct conn *conn;          /* borrowed: its client owns this */
	struct rate_client *client; /* owned */
	struct loop_timer timer;    /* set while a frame waits */
	uint64_t due_ms;            /* when it may be handled */
	size_t len;                 /* bytes that were charged */
	unsigned generation; /* of the limits that they were charged to */
	bool charged;        /* the next frame is */
	bool told;           /* that the client has to wait */
};

static void go_on(void *ctx);

struct rate_gate *
rate_gate_new(
    struct rate_limit *limit, struct conn *conn, const struct derp_key *key)
{
	struct rate_gate *gate = calloc(1, sizeof *gate);

	if (gate == NULL)
		return NULL;
	gate->limit = limit;
	gate->conn = conn;
	gate->timer = (struct loop_timer){ .fire = go_on, .ctx = gate };
	gate->client = rate_client_new(
	    limit, key, &conn->remote, loop_now_us(conn->worker->loop));
	if (gate->client != NULL)
		return gate;
	free(gate);
	return NULL;
}

void
rate_gate_free(struct rate_gate *gate)
{
	struct worker *worker;
	bool forgot;

	if (gate == NULL)
		return;
	worker = gate->conn->worker;
	loop_timer_clear(worker->loop, &gate->timer);
	if (gate->charged)
		rate_client_refund(gate->client, gate->len, gate->generation);
	forgot = !rate_client_free(gate->client, loop_now_us(worker->loop));
	counters_add(&worker->counters->rate_limit_forgotten, forgot);
	free(gate);
}

static void
count(struct rate_gate *gate, enum rate_scope scope)
{
	struct counters *counters = gate->conn->worker->counters;

	switch (scope) {
	case RATE_CLIENT:
		counters_add(&counters->rate_limit_per_client_waited, 1);
		break;
	case RATE_KEY:
		counters_add(&counters->rate_limit_per_key_waited, 1);
		break;
	case RATE_ADDRESS:
		counters_add(&counters->rate_limit_per_address_waited, 1);
		break;
	case RATE_TOTAL:
		counters_add(&counters->rate_limit_total_waited, 1);
		break;
	}
	counters_add(&counters->rate_limited_clients, !gate->told);
}

/* Once per client: who it is, and which limit. */
static void
tell(struct rate_gate *gate, enum rate_scope scope)
{
	struct fail text = { 0 };

	if (gate->told)
		return;
	gate->told = true;
	fail_set(&text, "sends more than a %sRateLimit allows, and waits",
	    rate_scope_name(scope));
	conn_log(gate->conn, "rate config:", text.text);
}

/* Sets the timer for what is left of the wait; ends the connection when memory
 * is short. */
static void
wait(struct rate_gate *gate)
{
	struct loop *loop = gate->conn->worker->loop;
	const uint64_t look_ms = loop_now_ms(loop) + LOOK_MS;

	conn_pause(gate->conn, CONN_PAUSE_RATE);
	if (loop_timer_set(loop, &gate->timer,
		gate->due_ms < look_ms ? gate->due_ms : look_ms) == -1)
		conn_end(gate->conn, "out of memory");
}

static void
go_on(void *ctx)
{
	struct rate_gate *gate = ctx;
	struct conn *conn = gate->conn;

	if (loop_now_ms(conn->worker->loop) < gate->due_ms &&
	    rate_limit_generation(gate->limit) == gate->generation) {
		wait(gate);
		return;
	}
	conn_resume(conn, CONN_PAUSE_RATE);
	conn_input_saved(conn); /* may end it, and the gate */
}

/* Whether that is too short a wait. If not, the connection waits from here on.
 */
static bool
may_go_on(struct rate_gate *gate, uint64_t wait_us, enum rate_scope scope)
{
	const uint64_t wait_ms = wait_us / 1000;

	if (wait_ms < WAIT_MIN_MS)
		return true;
	count(gate, scope);
	tell(gate, scope);
	gate->generation = rate_limit_generation(gate->limit);
	gate->due_ms = loop_now_ms(gate->conn->worker->loop) + wait_ms;
	return false;
}

bool
rate_gate_pass(struct rate_gate *gate, size_t len)
{
	struct loop *loop = gate->conn->worker->loop;
	enum rate_scope scope;
	uint64_t wait_us;

	if (gate->charged) {
		gate->charged = false;
		return true;
	}
	wait_us =
	    rate_client_charge(gate->client, len, loop_now_us(loop), &scope);
	if (may_go_on(gate, wait_us, scope))
		return true;
	gate->charged = true;
	gate->len = len;
	wait(gate);
	return false;
}

void
rate_gate_framing(struct rate_gate *gate, size_t bytes, size_t packets)
{
	struct loop *loop = gate->conn->worker->loop;
	enum rate_scope scope;
	uint64_t wait_us;

	wait_us = rate_client_charge_framing(
	    gate->client, bytes, packets, loop_now_us(loop), &scope);
	if (!may_go_on(gate, wait_us, scope))
		wait(gate);
}

size_t
rate_gate_room(struct rate_gate *gate)
{
	struct loop *loop = gate->conn->worker->loop;
	const size_t room = rate_client_room(
	    gate->client, WAIT_MIN_MS * 1000, loop_now_us(loop));

	return room > READ_MIN ? room : READ_MIN;
}
