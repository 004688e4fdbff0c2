/*
 * verify_list: the node list of a source that has one in memory: what it
 * answers, and how a new list takes its place.
 *
 * Life: verify_list_init -> verify_list_replace ... -> verify_list_clear.
 * Threads: verify_list_ask and verify_list_count from any, the others from the
 * thread on which sources refresh, or before there is one; locked inside.
 */
#ifndef DERPKIT_VERIFY_LIST_H
#define DERPKIT_VERIFY_LIST_H

#include "verify_nodes.h"
#include "verify_source.h"

#include <pthread.h>

struct verify_list {
	/* immutable */
	char *name; /* owned: what answers and notices call it */
	struct verify_source_context context;
	/* used by the refreshing thread only */
	int64_t expired_s; /* keys that expire until then were handled */
	pthread_mutex_t lock;
	struct verify_nodes *nodes; /* owned; locked by lock; or NULL */
};

/* An empty list. The name ("node list FILE") is copied. -1 when memory is
 * short; clear it all the same. */
int verify_list_init(struct verify_list *l, const char *name,
    const struct verify_source_context *context);
void verify_list_clear(struct verify_list *l);

/*
 * Takes the nodes, which are in force from here on, has those disconnected that
 * are no longer listed or have another expiry that is past, and tells the
 * operator. But when they are none, the old ones stay in force unless `believe`
 * is true: an empty list that a failed script wrote would lock everybody out.
 */
void verify_list_replace(
    struct verify_list *l, struct verify_nodes *nodes, bool believe);

/* Has those disconnected whose keys have expired since it was last called. */
void verify_list_expire(struct verify_list *l);

/* Allows a key that is listed and has not expired. */
void verify_list_ask(struct verify_list *l, const struct derp_key *key,
    struct verify_answer *answer);

/* Number of keys. */
size_t verify_list_count(struct verify_list *l);

#endif
