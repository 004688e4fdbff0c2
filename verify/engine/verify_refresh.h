/*
 * verify_refresh: the thread on which sources check whether something changed.
 *
 * Life: verify_refresh_new -> verify_refresh_now ... -> verify_refresh_free,
 * and only then are the sources closed. Threads: verify_refresh_now from any;
 * locked inside; no lock is held while a source refreshes.
 */
#ifndef DERPKIT_VERIFY_REFRESH_H
#define DERPKIT_VERIFY_REFRESH_H

#include "verify_source.h"

struct verify_refresh;

/* Calls refresh of the sources that have one, at the intervals that they ask
 * for; there is no thread when none has. The sources are borrowed until
 * verify_refresh_free. NULL when a thread cannot be started or memory is short.
 * Returns owned. */
struct verify_refresh *verify_refresh_new(
    struct verify_source *const *sources, size_t count);

/* Has all of them refreshed now; returns at once. */
void verify_refresh_now(struct verify_refresh *r);

/* Blocks until a running refresh has ended. NULL is fine. */
void verify_refresh_free(struct verify_refresh *r);

#endif
