/*
 * verify_recheck: asks again about connected keys that sources allowed which
 * only answer questions, so that leaving counts there, too.
 *
 * Life: verify_recheck_new -> verify_recheck_free, when *stop has been set.
 * Threads: it has its own; both from one.
 */
#ifndef DERPKIT_VERIFY_RECHECK_H
#define DERPKIT_VERIFY_RECHECK_H

#include "verify_revoke.h"
#include "verify_sources.h"

struct verify_recheck;

/* Nothing when no source wants it: *out is NULL then. All borrowed. -1: memory
 * or threads are short. */
int verify_recheck_new(struct verify_recheck **out,
    const struct verify_sources *sources, struct verify_revoke *revoke,
    const atomic_bool *stop);

/* Waits for running questions. NULL is fine. */
void verify_recheck_free(struct verify_recheck *r);

#endif
