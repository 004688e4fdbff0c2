/*
 * shard: the keys of one part of the registry, and their versions.
 *
 * A key's version lives as long as the shard, so that anybody may read it at
 * any time; the next key that gets its place goes on counting. Plain memory of
 * the caller. Life: shard_open -> shard_add, shard_remove ... -> shard_close.
 * Threads: all but shard_open and shard_close with its lock held. For registry
 * only.
 */
#ifndef DERPKIT_SHARD_H
#define DERPKIT_SHARD_H

#include "derp_key.h"
#include "forwarders.h"
#include "members.h"

#include <pthread.h>
#include <stdatomic.h>

struct keytable;
struct shard_versions;

/* A key's version. */
struct shard_version {
	_Atomic uint64_t n;              /* atomic; from 1 */
	struct shard_version *next_free; /* locked by the shard's lock */
};

/* A key. Without connections and links while its receivers are told that it has
 * left. */
struct peer {
	struct derp_key key;           /* immutable */
	struct shard_version *version; /* immutable */
	/* atomic, so that most frames need no lock: */
	atomic_bool duplicated; /* more than one connection */
	/* locked by the shard's lock, here where it takes no room: */
	uint8_t switches; /* of the active one, that may happen at once */
	struct forwarder forwarder;
	/* atomic again: */
	_Atomic uint32_t active;  /* number of the active one */
	_Atomic uint32_t sender;  /* in the notify sets; 0: none yet */
	_Atomic uint64_t wait_ms; /* no switch before then */
	/* locked by the shard's lock: */
	uint64_t switch_ms; /* when one was last earned */
	struct members members;
};

struct shard {
	_Alignas(64) pthread_mutex_t lock;
	struct keytable *table;          /* locked by lock; of struct peer */
	struct forwarders *forwarders;   /* locked by lock */
	struct shard_versions *versions; /* locked by lock; owned */
	struct shard_version *free;      /* locked by lock */
};

/* For at most `max` keys, of which max_remote may have links. -1 when memory is
 * short; shard_close is for that, too. */
int shard_open(struct shard *s, size_t max, size_t max_remote);
void shard_close(struct shard *s);

/* The key's peer, or a new one without connections and links. NULL when memory
 * or the limit is reached. */
struct peer *shard_add(struct shard *s, const struct derp_key *key);
/* The key's peer, also while it is away; NULL: there is none. */
struct peer *shard_find(const struct shard *s, const struct derp_key *key);
/* Whether it has a connection or a link. */
bool shard_is_here(const struct peer *peer);
/* The key's peer if it is here. */
struct peer *shard_get(const struct shard *s, const struct derp_key *key);
/* Removes and frees one that is not here. */
void shard_remove(struct shard *s, struct peer *peer);
/* Where the key's packets go has changed. */
void shard_changed(struct peer *peer);

#endif
