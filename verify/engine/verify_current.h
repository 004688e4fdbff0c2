/*
 * verify_current: the engine that is in force, and how another takes its place
 * under live questions.
 *
 * A new engine is made beside the one in force, which answers until the sources
 * of the new one have been read, or for so long as is reasonable. From then on
 * the new one is asked; questions that the old one was asked before, it still
 * answers, with an epoch that is not that of the new one (verify_revoke.h), and
 * it is freed when it has answered all of them. No question is lost, and none
 * answered twice.
 *
 * Life: verify_current_new -> ask, tick, replace ... -> verify_current_free.
 * Threads: ask, cancel, epoch, use, is_ready and get_counters from any, and
 * never wait for a change; the others from one.
 */
#ifndef DERPKIT_VERIFY_CURRENT_H
#define DERPKIT_VERIFY_CURRENT_H

#include "verify.h"

struct verify_current;

/* See verify_new. Returns owned. */
struct verify_current *verify_current_new(
    const struct verify_config *config, struct fail *why);
/* See verify_free. */
void verify_current_free(struct verify_current *c);

/* See verify.h. */
bool verify_current_ask(struct verify_current *c, const struct derp_key *key,
    const struct netaddr *client, struct verify_answer *answer,
    verify_done_fn *done, void *ctx);
void *verify_current_cancel(struct verify_current *c,
    const struct derp_key *key, const struct netaddr *client,
    verify_matches_fn *matches, const void *arg);
uint64_t verify_current_epoch(struct verify_current *c);

/* Calls use with the engine in force, which is borrowed for the call. That must
 * not block: a change waits for it. No count that it reads falls, as all
 * engines count in one place (verify_totals.h, verify_tally.h). */
void verify_current_use(struct verify_current *c,
    void (*use)(void *ctx, struct verify *v), void *ctx);

/* Whether every source in force that lists has done so, or failed to. */
bool verify_current_is_ready(struct verify_current *c);

/* The counts of all engines that were in force. */
void verify_current_get_counters(
    struct verify_current *c, struct verify_counters *out);

/* See verify_reload; of the engine that is to take over, too. */
void verify_current_reload(struct verify_current *c);

/* Makes the engine that is to take over, in place of one that is still to. -1
 * with *why: what is in force stays so. */
int verify_current_replace(struct verify_current *c,
    const struct verify_config *config, struct fail *why);

/* Frees the engine that is still to take over, if there is one. */
void verify_current_drop_next(struct verify_current *c);

/* Once a second or so. True: another engine has taken over. */
bool verify_current_tick(struct verify_current *c);

#endif
