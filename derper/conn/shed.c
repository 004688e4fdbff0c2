/* shed: see shed.h. */
#include "shed.h"

#include "conn.h"
#include "worker.h"

#include <stddef.h>

static struct conn *
conn_of_slot(struct shed_entry *slot)
{
	return ((struct conn_login *)((char *)slot -
		    offsetof(struct conn_login, slot)))
	    ->conn;
}

static struct conn *
conn_of_handshake(struct shed_entry *handshake)
{
	return ((struct conn_login *)((char *)handshake -
		    offsetof(struct conn_login, handshake)))
	    ->conn;
}

/* Ends the connection that has a slot for longest. */
static void
shed_slot(struct worker *worker, struct shed_entry *slot)
{
	counters_add(&worker->counters->shed_before_login, 1);
	conn_fail(conn_of_slot(slot),
	    "too many connections that are not logged in, and this one is "
	    "the oldest");
}

/* How many ms the oldest one of a full list must still have; 0: none. */
static uint64_t
grace_ms(const struct worker *worker, const struct shed_list *list,
    uint64_t least_ms)
{
	const struct shed_entry *oldest = shed_list_oldest(list);
	uint64_t age_ms;

	if (oldest == NULL || !shed_list_full(list))
		return 0;
	age_ms = loop_now_ms(worker->loop) - oldest->since_ms;
	return age_ms < least_ms ? least_ms - age_ms : 0;
}

uint64_t
shed_wait_ms(const struct worker *worker)
{
	return grace_ms(worker, worker->slots, SHED_SLOT_MS);
}

int
shed_enter(struct conn *c)
{
	struct worker *worker = c->worker;
	struct shed_entry *shed;

	if (shed_list_enter(worker->slots, &c->login->slot, &c->remote,
		loop_now_ms(worker->loop), &shed) == -1)
		return -1;
	if (shed != NULL)
		shed_slot(worker, shed);
	return 0;
}

bool
shed_oldest(struct worker *worker)
{
	struct shed_entry *slot = shed_list_oldest(worker->slots);

	if (slot == NULL)
		return false;
	shed_slot(worker, slot);
	return true;
}

bool
shed_may_begin_handshake(const struct worker *worker, uint64_t *wait_ms)
{
	*wait_ms = grace_ms(worker, worker->handshakes, SHED_HANDSHAKE_MS);
	return *wait_ms == 0;
}

void
shed_note_handshake(struct conn *c)
{
	struct worker *worker = c->worker;
	struct shed_entry *shed = NULL, *handshake;

	if (c->ended || conn_logged_in(c))
		return;
	handshake = &c->login->handshake;
	if (!stream_in_handshake(&c->stream)) {
		conn_leave_handshake(c);
	} else if (handshake->source == NULL &&
	    shed_list_enter(worker->handshakes, handshake, &c->remote,
		loop_now_ms(worker->loop), &shed) == -1) {
		counters_add(&worker->counters->refused_memory, 1);
		conn_end(c, "out of memory");
	}
	if (shed == NULL)
		return;
	counters_add(&worker->counters->shed_handshakes, 1);
	conn_fail(conn_of_handshake(shed),
	    "too many TLS handshakes in progress, and this one is the oldest");
}

static void
shed_group(struct worker *worker, enum memory_group group, const char *why)
{
	struct memory_share *share;

	if (!memory_budget_take_pressure(&worker->budget, group))
		return;
	while ((share = memory_budget_next_to_shed(&worker->budget, group)) !=
	    NULL) {
		counters_add(&worker->counters->refused_memory, 1);
		conn_fail(conn_of_share(group, share), "%s", why);
	}
}

void
shed_input(struct worker *worker)
{
	shed_group(worker, MEMORY_GROUP_INPUT,
	    "too much input of all clients is not whole yet, and most of it "
	    "here");
}

void
shed_memory(struct worker *worker)
{
	shed_input(worker);
	shed_group(worker, MEMORY_GROUP_OUTPUT,
	    "too much is queued for all clients, and most of it here");
	shed_group(worker, MEMORY_GROUP_NO_LOGIN,
	    "too much is held for connections that are not logged in, and "
	    "most of it here");
}
