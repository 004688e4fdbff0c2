/* shard: see shard.h. */
#include "shard.h"

#include "keytable.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define TOGETHER 16 /* versions that are allocated together */

static_assert(DERP_KEY == KEYTABLE_KEY, "a key is a key");

struct shard_versions {
	struct shard_versions *next;
	struct shard_version v[TOGETHER];
};

int
shard_open(struct shard *s, size_t max, size_t max_remote)
{
	pthread_mutex_init(&s->lock, NULL);
	s->table = keytable_new(max, offsetof(struct peer, key));
	s->forwarders = forwarders_new(max_remote);
	return s->table != NULL && s->forwarders != NULL ? 0 : -1;
}

static void
peer_free(struct peer *peer)
{
	members_clear(&peer->members);
	free(peer);
}

void
shard_close(struct shard *s)
{
	struct shard_versions *more;
	struct peer *peer;
	size_t at = 0;

	while (
	    s->table != NULL && (peer = keytable_next(s->table, &at)) != NULL)
		peer_free(peer);
	keytable_free(s->table);
	forwarders_free(s->forwarders);
	while ((more = s->versions) != NULL) {
		s->versions = more->next;
		free(more);
	}
	pthread_mutex_destroy(&s->lock);
}

static struct shard_version *
take_version(struct shard *s)
{
	struct shard_version *version;

	if (s->free == NULL) {
		struct shard_versions *more = calloc(1, sizeof *more);

		if (more == NULL)
			return NULL;
		more->next = s->versions;
		s->versions = more;
		for (size_t i = 0; i < TOGETHER; i++) {
			atomic_init(&more->v[i].n, 1);
			more->v[i].next_free = s->free;
			s->free = &more->v[i];
		}
	}
	version = s->free;
	s->free = version->next_free;
	return version;
}

static void
give_back_version(struct shard *s, struct shard_version *version)
{
	version->next_free = s->free;
	s->free = version;
}

static struct peer *
new_peer(struct shard *s, const struct derp_key *key)
{
	struct peer *peer = calloc(1, sizeof *peer);

	if (peer == NULL)
		return NULL;
	peer->key = *key;
	peer->version = take_version(s);
	if (peer->version == NULL)
		goto free_peer;
	if (keytable_put(s->table, peer) == 0)
		return peer;
	give_back_version(s, peer->version);

free_peer:
	free(peer);
	return NULL;
}

struct peer *
shard_add(struct shard *s, const struct derp_key *key)
{
	struct peer *peer = shard_find(s, key);

	return peer != NULL ? peer : new_peer(s, key);
}

struct peer *
shard_find(const struct shard *s, const struct derp_key *key)
{
	return keytable_get(s->table, key->b);
}

bool
shard_is_here(const struct peer *peer)
{
	return peer->members.count > 0 || peer->forwarder.preferred != 0;
}

struct peer *
shard_get(const struct shard *s, const struct derp_key *key)
{
	struct peer *peer = shard_find(s, key);

	return peer != NULL && shard_is_here(peer) ? peer : NULL;
}

void
shard_remove(struct shard *s, struct peer *peer)
{
	keytable_remove(s->table, peer->key.b);
	give_back_version(s, peer->version);
	peer_free(peer);
}

void
shard_changed(struct peer *peer)
{
	atomic_fetch_add_explicit(&peer->version->n, 1, memory_order_release);
}
