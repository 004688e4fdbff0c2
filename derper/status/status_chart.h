/*
 * status_chart: one series of the ring as a small SVG picture.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_STATUS_CHART_H
#define DERPKIT_STATUS_CHART_H

#include "bytes.h"
#include "status_ring.h"

struct status_chart {
	const char *title;
	/* the value of a slot */
	uint64_t (*value)(const struct status_slot *slot);
	/* how a value is written, see status_text.h */
	const char *(*format)(char *out, uint64_t value);
	const char *unit; /* after it */
	bool per_s;       /* values are per second of the slot */
};

/* Appends a figure: title, newest value, highest value, and the picture. */
void status_chart_put(struct writer *w, const struct status_chart *chart,
    const struct status_ring *ring);

#endif
