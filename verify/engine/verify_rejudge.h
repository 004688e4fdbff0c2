/*
 * verify_rejudge: asks about every connected key when an engine has taken over
 * from another, and has those disconnected that it denies.
 *
 * A key about which no source can tell stays, as in any outage, and is asked
 * about again until one can. Life: verify_rejudge_new -> verify_rejudge_free,
 * when *stop has been set. Threads: it has its own; both from one.
 */
#ifndef DERPKIT_VERIFY_REJUDGE_H
#define DERPKIT_VERIFY_REJUDGE_H

#include "verify_revoke.h"

struct verify_rejudge;

/* Begins. All borrowed. NULL when memory or threads are short. */
struct verify_rejudge *verify_rejudge_new(
    struct verify_revoke *revoke, const atomic_bool *stop);

/* Waits for running questions. NULL is fine. */
void verify_rejudge_free(struct verify_rejudge *r);

#endif
