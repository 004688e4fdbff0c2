/*
 * shaper: one direction of an emulated link, as a model without a clock.
 *
 * A packet that is offered is lost at random, or dropped when the queue before
 * the transmitter is full (drop-tail, counted in bytes), or accepted: it then
 * leaves when all bytes before it have been transmitted, and arrives a fixed
 * delay later. Packets never overtake each other.
 *
 * Life: shaper_new -> shaper_offer, shaper_due_ns, shaper_take ... ->
 * shaper_free. Times are monotonic nanoseconds and never go back. Threads: one
 * at a time.
 */
#ifndef DERPKIT_SHAPER_H
#define DERPKIT_SHAPER_H

#include "bytes.h"

#include <stdint.h>

#define SHAPER_PPM 1000000U
#define SHAPER_NEVER UINT64_MAX
/* packets under way at a time, whatever the configuration: a bound for memory;
 * more are dropped as by a full queue */
#define SHAPER_HELD_MAX 65536U

struct shaper_config {
	uint64_t delay_ns;
	uint64_t rate_bit_per_s; /* 0: as fast as packets come, no queue */
	uint64_t queue_bytes;    /* that may wait for the transmitter */
	uint32_t loss_ppm;       /* of SHAPER_PPM packets, lost at random */
	uint64_t seed;           /* of the losses */
};

struct shaper_counts {
	uint64_t offered, delivered; /* packets */
	uint64_t lost;               /* at random */
	uint64_t dropped;            /* by the full queue */
	uint64_t bytes;              /* delivered */
};

struct shaper;

/* Copies the configuration. Returns owned; exits when memory is short. */
struct shaper *shaper_new(const struct shaper_config *config);
void shaper_free(struct shaper *s);

/* A packet arrives at the near end. Copies the bytes if it is accepted. */
void shaper_offer(struct shaper *s, struct slice packet, uint64_t now_ns);

/* When the next packet arrives at the far end; SHAPER_NEVER: none is under
 * way. */
uint64_t shaper_due_ns(const struct shaper *s);

/* Takes the next packet if it has arrived by now: false when none has. The
 * bytes are borrowed until the next call with this shaper. */
bool shaper_take(struct shaper *s, uint64_t now_ns, struct slice *packet);

/* Borrowed from the shaper. */
const struct shaper_counts *shaper_counts(const struct shaper *s);

#endif
