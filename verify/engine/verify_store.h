/*
 * verify_store: keeps what is known of a source in its last-good file.
 *
 * Life: verify_store_init -> verify_store_load -> verify_store_tick ... ->
 * verify_store_clear. Threads: used by one at a time; blocks on files.
 */
#ifndef DERPKIT_VERIFY_STORE_H
#define DERPKIT_VERIFY_STORE_H

#include "verify_feed.h"
#include "verify_known.h"

struct verify_store {
	/* immutable */
	char *path; /* owned; NULL: nothing is kept */
	struct verify_source_context context;
	/* what is kept: one of them, borrowed */
	struct verify_feed *feed;
	struct verify_known *known;
	/* at the last time that it was written */
	uint64_t generation;
	uint64_t saved_ms;
	bool has_saved;
	bool failed; /* and was told */
};

/* Exactly one of feed and known is not NULL. -1 when memory is short or the
 * path is too long; clear it all the same. */
int verify_store_init(struct verify_store *s,
    const struct verify_source_context *context,
    const struct verify_source_config *row, struct verify_feed *feed,
    struct verify_known *known);
void verify_store_clear(struct verify_store *s);

/* Puts what the file has into the feed or among the known keys. A file that
 * cannot be used is told. */
void verify_store_load(struct verify_store *s);

/* Writes it when something has changed, or some time has gone by; at the end
 * whatever has changed. */
void verify_store_tick(struct verify_store *s, bool at_end);

#endif
