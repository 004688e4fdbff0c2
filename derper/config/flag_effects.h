/*
 * flag_effects: flags that were given and have no effect together with the
 * others.
 *
 * Threads: the main thread's.
 */
#ifndef DERPKIT_FLAG_EFFECTS_H
#define DERPKIT_FLAG_EFFECTS_H

#include "config.h"

/* Calls tell with a sentence, without its end, for each flag that has another
 * value than its default and no effect. What a start warns of by itself is left
 * out. */
void flag_effects(const struct config *config,
    void (*tell)(void *ctx, const char *text), void *ctx);

#endif
