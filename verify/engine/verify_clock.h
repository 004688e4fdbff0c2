/*
 * verify_clock: a thread that calls a function at an interval.
 *
 * Life: verify_clock_new -> verify_clock_free. Threads: both from one.
 */
#ifndef DERPKIT_VERIFY_CLOCK_H
#define DERPKIT_VERIFY_CLOCK_H

#include <stdint.h>

struct verify_clock;

/* Calls tick(ctx) on a thread of its own every interval_ms. NULL when memory or
 * threads are short. Returns owned. */
struct verify_clock *verify_clock_new(
    uint64_t interval_ms, void (*tick)(void *ctx), void *ctx);

/* Blocks until a running tick has ended. NULL is fine. */
void verify_clock_free(struct verify_clock *c);

#endif
