/*
 * refusals: the places in a text that the reading program refuses. Such a
 * value is not judged any further: there is none.
 *
 * Life: refusals_init -> refusals_have... -> refusals_clear. Threads:
 * immutable once made.
 */
#ifndef DERPKIT_REFUSALS_H
#define DERPKIT_REFUSALS_H

#include "derpmap.h"

struct refusals {
	size_t *offsets; /* owned; in the text, ascending */
	size_t count;
};

/* Collects them from the map's diagnostics. -1: memory is short; nothing is
 * held. */
int refusals_init(struct refusals *r, const struct derpmap *m);
void refusals_clear(struct refusals *r);

/* Whether something at this offset is refused. */
bool refusals_have(const struct refusals *r, size_t offset);

/* Whether the decoder looked into the value: it does not look into a mapping
 * of which it refuses a key. */
bool refusals_spare(
    const struct refusals *r, const struct derpmap_origin *from);

#endif
