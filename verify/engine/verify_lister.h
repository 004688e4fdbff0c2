/*
 * verify_lister: the thread on which one source lists and pushes into its feed.
 *
 * Life: verify_lister_new -> verify_lister_first -> verify_lister_start ->
 * reload, want ... -> stop set, verify_lister_stop -> nobody calls want any
 * more, verify_lister_free, and only then are feed and source freed. Threads:
 * reload and want from any, want during and after stop, too; locked inside; no
 * lock is held while a source lists.
 */
#ifndef DERPKIT_VERIFY_LISTER_H
#define DERPKIT_VERIFY_LISTER_H

#include "verify_feed.h"

struct verify_lister;

struct verify_lister_config {
	struct verify_source *source;                /* borrowed */
	struct verify_feed *feed;                    /* borrowed */
	const struct verify_source_config *row;      /* copied */
	const struct verify_source_context *context; /* copied */
};

/* NULL when memory is short. Returns owned. */
struct verify_lister *verify_lister_new(
    const struct verify_lister_config *config);

/* Lists once, on the caller's thread, before there is another; believe: see
 * verify_feed_replace. -1 and the reason when that fails. */
int verify_lister_first(
    struct verify_lister *l, bool believe, struct fail *why);

/* Starts the thread. -1: threads are short. */
int verify_lister_start(struct verify_lister *l);

/* The operator wants it read now and believed; returns at once. */
void verify_lister_reload(struct verify_lister *l);

/* Waits until there has been a listing that is good enough for the question:
 * one that ended a moment before it at most, whether or not it succeeded. All
 * who wait share one. After one that is doubted the next comes when it is
 * planned, after one that failed within some two seconds, unless the other side
 * wants to be left alone for longer; nobody waits for either. Gives up at the
 * deadline, or when told to stop; at once after verify_lister_stop. */
void verify_lister_want(
    struct verify_lister *l, const struct verify_question *q);

/* Ends the thread, whose feed has been told to stop, and whoever waits in want.
 * NULL is fine, and twice. */
void verify_lister_stop(struct verify_lister *l);

/* Stops it first, if need be. NULL is fine. */
void verify_lister_free(struct verify_lister *l);

#endif
