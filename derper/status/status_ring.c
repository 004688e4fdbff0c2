/* status_ring: see status_ring.h. */
#include "status_ring.h"

void
status_ring_each_drop(const struct counter_values *v,
    void (*each)(void *ctx, const char *reason, uint64_t count), void *ctx)
{
	each(ctx, "unknown_dest", v->dropped_unknown_dest);
	each(ctx, "unknown_dest_on_fwd", v->dropped_unknown_dest_on_fwd);
	each(ctx, "gone_disconnected", v->dropped_gone_disconnected);
	each(ctx, "queue_head", v->dropped_queue_head);
	each(ctx, "queue_tail", v->dropped_queue_tail);
}

static void
add_drops(void *ctx, const char *reason, uint64_t count)
{
	uint64_t *sum = ctx;

	(void)reason;
	*sum += count;
}

uint64_t
status_ring_drops(const struct counter_values *v)
{
	uint64_t sum = 0;

	status_ring_each_drop(v, add_drops, &sum);
	return sum;
}

uint64_t
status_ring_handshakes(const struct counter_values *v)
{
	return v->tls12_handshakes + v->tls13_handshakes;
}

void
status_ring_start(
    struct status_ring *ring, const struct counter_values *now, uint64_t now_ms)
{
	*ring = (struct status_ring){ .then = *now, .then_ms = now_ms };
}

struct status_slot
status_ring_current(const struct status_ring *ring,
    const struct counter_values *now, uint64_t now_ms)
{
	const struct counter_values *then = &ring->then;

	return (struct status_slot){
		.ms = now_ms - ring->then_ms,
		.packets = now->packets_received - then->packets_received,
		.bytes = now->bytes_received - then->bytes_received,
		.drops = status_ring_drops(now) - status_ring_drops(then),
		.connections = now->connections - then->connections,
		.handshakes =
		    status_ring_handshakes(now) - status_ring_handshakes(then),
		.logins = now->accepts - then->accepts,
		.clients = now->current_connections,
	};
}

void
status_ring_add(
    struct status_ring *ring, const struct counter_values *now, uint64_t now_ms)
{
	ring->slots[ring->next] = status_ring_current(ring, now, now_ms);
	ring->next = (ring->next + 1) % STATUS_RING_SLOTS;
	if (ring->count < STATUS_RING_SLOTS)
		ring->count++;
	ring->then = *now;
	ring->then_ms = now_ms;
}

uint64_t
status_ring_next_ms(uint64_t due_ms, uint64_t now_ms)
{
	const uint64_t in_step_ms = due_ms + STATUS_RING_SLOT_MS;
	const uint64_t least_ms = now_ms + STATUS_RING_SLOT_MS / 2;

	return in_step_ms > least_ms ? in_step_ms : least_ms;
}

const struct status_slot *
status_ring_at(const struct status_ring *ring, size_t i)
{
	const size_t first = ring->next + STATUS_RING_SLOTS - ring->count;

	return &ring->slots[(first + i) % STATUS_RING_SLOTS];
}
