/*
 * status_ring: what the relay did in the last hour, in slots of half a minute.
 *
 * Of fixed size: the newest slot takes the place of the oldest. Life: { 0 } ->
 * status_ring_start -> status_ring_add .... Threads: one.
 */
#ifndef DERPKIT_STATUS_RING_H
#define DERPKIT_STATUS_RING_H

#include "counters.h"

#define STATUS_RING_SLOTS 120
#define STATUS_RING_SLOT_MS 30000

/* Of one slot. */
struct status_slot {
	uint64_t ms;          /* how long it was */
	uint64_t packets;     /* received from clients */
	uint64_t bytes;       /* their payload */
	uint64_t drops;       /* packets that were dropped, wherever */
	uint64_t connections; /* TCP connections accepted */
	uint64_t handshakes;  /* TLS handshakes completed */
	uint64_t logins;      /* to DERP */
	uint64_t clients;     /* at its end */
};

struct status_ring {
	struct status_slot slots[STATUS_RING_SLOTS];
	size_t count; /* of slots that are filled */
	size_t next;  /* the one that is filled next */
	struct counter_values then;
	uint64_t then_ms;
};

/* Reasons for which packets are dropped: calls each with its name, as in the
 * metrics, and how many there were. */
void status_ring_each_drop(const struct counter_values *v,
    void (*each)(void *ctx, const char *reason, uint64_t count), void *ctx);
/* Packets that were dropped in all. */
uint64_t status_ring_drops(const struct counter_values *v);
/* TLS handshakes that were completed. */
uint64_t status_ring_handshakes(const struct counter_values *v);

/* The first slot begins now. */
void status_ring_start(struct status_ring *ring,
    const struct counter_values *now, uint64_t now_ms);
/* A slot ends now, and the next one begins. */
void status_ring_add(struct status_ring *ring, const struct counter_values *now,
    uint64_t now_ms);
/* When the slot ends that begins now, of which the one before was to end at
 * due_ms: slots stay in step, but one is not cut short because of a stall. */
uint64_t status_ring_next_ms(uint64_t due_ms, uint64_t now_ms);
/* What the slot is so far that will end next. */
struct status_slot status_ring_current(const struct status_ring *ring,
    const struct counter_values *now, uint64_t now_ms);

/* The i-th slot, oldest first, i < count. Borrowed until the next add. */
const struct status_slot *status_ring_at(
    const struct status_ring *ring, size_t i);

#endif
