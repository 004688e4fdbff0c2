/* departures: see departures.h. */
#include "departures.h"

#include "conn.h"
#include "conn_table.h"
#include "counters.h"
#include "crossing.h"
#include "derp_msg.h"
#include "registry.h"
#include "worker.h"

#include <assert.h>
#include <stdlib.h>

/* Receivers that are looked up together. */
#define STEP 32

static_assert(DEPARTURES_MAX * CROSSING_WORKERS_MAX <= REGISTRY_DEPARTED_MAX,
    "the registry has room for all of them");

/* A turn is all that is wanted. */
static void
wake_up(void *ctx)
{
	(void)ctx;
}

void
departures_init(struct departures *d, struct worker *worker,
    struct registry *registry, struct crossing *crossing)
{
	*d = (struct departures){ .worker = worker,
		.registry = registry,
		.crossing = crossing,
		.retry = { .fire = wake_up, .ctx = d } };
}

/* Tells the connection at `to`, here or on another worker, that the key has
 * left. -1 when memory is short. */
static int
tell(struct departures *d, const struct derp_key *key, struct conn_addr to)
{
	uint8_t frame[DERP_HEADER + DERP_KEY + 1];
	struct writer w = writer_of(frame, sizeof frame);
	struct worker *worker = d->worker;
	struct conn *conn;

	derp_peer_gone_put(&w, key, DERP_GONE_DISCONNECTED);
	if (to.worker != worker->index) {
		if (crossing_add(d->crossing, to, OUTQ_CONTROL,
			writer_slice(&w),
			(struct crossing_sender){ .is_light = true }) == -1)
			return -1;
	} else {
		/* without memory it ends, and need not be told */
		conn = conn_table_get(worker->conns, to);
		if (conn != NULL)
			conn_send_control(conn, writer_slice(&w), false);
	}
	counters_add(&worker->counters->peer_gone_disconnected_frames, 1);
	return 0;
}

/* It is over. */
static void
remove_first(struct departures *d)
{
	struct departure *departure = d->first;

	d->first = departure->next;
	if (d->first == NULL)
		d->last = NULL;
	d->count--;
	counters_subtract(&d->worker->counters->current_departures, 1);
	free(departure);
}

/* Tells at most `max` receivers of the oldest departure, and ends it when all
 * were told. Returns how many were; in *short_of_memory, whether there is no
 * memory for more. */
static size_t
tell_some(struct departures *d, size_t max, bool *short_of_memory)
{
	/* telling may end connections, which adds others after this one */
	const struct departure *departure = d->first;
	struct notify_receiver receivers[STEP];
	size_t count;

	count = registry_departed(d->registry, departure->key, departure->left,
	    receivers, max < STEP ? max : STEP);
	for (size_t i = 0; i < count; i++) {
		if (tell(d, departure->key, receivers[i].addr) == -1) {
			*short_of_memory = true;
			return i;
		}
		registry_told(d->registry, departure->left, &receivers[i]);
	}
	if (count == 0)
		remove_first(d);
	return count;
}

void
departures_add(struct departures *d, struct departure *departure)
{
	departure->next = NULL;
	if (d->last == NULL)
		d->first = departure;
	else
		d->last->next = departure;
	d->last = departure;
	d->count++;
	counters_add(&d->worker->counters->current_departures, 1);
	loop_again(d->worker->loop);
}

/* Goes on in the next turn, or in a while. */
static void
go_on(struct departures *d, bool short_of_memory)
{
	struct loop *loop = d->worker->loop;

	if (!short_of_memory ||
	    loop_timer_set(
		loop, &d->retry, loop_now_ms(loop) + DEPARTURES_RETRY_MS) == -1)
		loop_again(loop);
}

void
departures_turn(struct departures *d)
{
	bool short_of_memory = false;
	size_t left = DEPARTURES_PER_TURN, told;

	while (d->first != NULL && !short_of_memory &&
	    (left > 0 || d->count > DEPARTURES_MAX)) {
		told = tell_some(d, left > 0 ? left : STEP, &short_of_memory);
		left -= told < left ? told : left;
	}
	if (d->first != NULL)
		go_on(d, short_of_memory);
}

void
departures_clear(struct departures *d)
{
	struct departure *departure;

	while ((departure = d->first) != NULL) {
		d->first = departure->next;
		free(departure);
	}
}
