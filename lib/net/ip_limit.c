/* ip_limit: see ip_limit.h. */
#include "ip_limit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Addresses are spread over so many tables, each with a lock of its own and on
 * cache lines of its own, so that workers seldom wait for each other. */
#define SHARDS 16
#define LINE 64
#define ADDRESS_BYTES 16 /* of a key that are not always zero */

struct shard {
	_Alignas(LINE) pthread_mutex_t lock;
	struct keytable *table; /* locked by lock; of struct source */
};

struct ip_limit {
	struct shard shards[SHARDS];
	size_t total, each;                /* immutable */
	_Alignas(LINE) atomic_size_t open; /* atomic: connections in all */
	atomic_size_t most;                /* atomic: since last asked */
};

struct source {
	uint32_t open; /* connections */
	uint8_t key[KEYTABLE_KEY];
};

struct ip_limit *
ip_limit_new(size_t total, size_t each)
{
	struct ip_limit *s = aligned_alloc(LINE, sizeof *s);

	if (s == NULL)
		return NULL;
	*s = (struct ip_limit){ .total = total, .each = each };
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&s->shards[i].lock, NULL);
	for (size_t i = 0; i < SHARDS; i++) {
		s->shards[i].table =
		    keytable_new(total, offsetof(struct source, key));
		if (s->shards[i].table == NULL) {
			ip_limit_free(s);
			return NULL;
		}
	}
	return s;
}

static void
shard_clear(struct shard *shard)
{
	struct source *source;
	size_t at = 0;

	while (shard->table != NULL &&
	    (source = keytable_next(shard->table, &at)) != NULL)
		free(source);
	keytable_free(shard->table);
	pthread_mutex_destroy(&shard->lock);
}

void
ip_limit_free(struct ip_limit *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < SHARDS; i++)
		shard_clear(&s->shards[i]);
	free(s);
}

void
ip_limit_key(uint8_t key[static KEYTABLE_KEY], const struct netaddr *from)
{
	/* whoever has an IPv6 address has a /64 of them */
	memset(key, 0, KEYTABLE_KEY);
	memcpy(key, from->ip, from->is_v4 ? sizeof from->ip : 8);
}

/* Whoever has addresses that fill one shard gains nothing but a busier lock. */
static struct shard *
shard_of(struct ip_limit *s, const uint8_t *key)
{
	unsigned mix = 0;

	for (size_t i = 0; i < ADDRESS_BYTES; i++)
		mix = mix * 31 + key[i];
	return &s->shards[mix % SHARDS];
}

/* The address's entry, made when it is not there. */
static struct source *
get(struct shard *shard, const uint8_t *key)
{
	struct source *source = keytable_get(shard->table, key);

	if (source != NULL)
		return source;
	source = calloc(1, sizeof *source);
	if (source == NULL)
		return NULL;
	memcpy(source->key, key, sizeof source->key);
	if (keytable_put(shard->table, source) == 0)
		return source;
	free(source);
	return NULL;
}

/* Forgets an entry without connections. */
static void
put_back(struct shard *shard, const uint8_t *key, const struct source *source)
{
	if (source->open == 0)
		free(keytable_remove(shard->table, key));
}

/* Counts one more in all, if there may be one. */
static bool
take_place(struct ip_limit *s)
{
	size_t open = atomic_load(&s->open), most;

	do
		if (open >= s->total)
			return false;
	while (!atomic_compare_exchange_weak(&s->open, &open, open + 1));
	most = atomic_load(&s->most);
	while (most < open + 1 &&
	    !atomic_compare_exchange_weak(&s->most, &most, open + 1))
		;
	return true;
}

/* With the shard locked. */
static enum ip_limit_result
enter(struct ip_limit *s, struct shard *shard, const uint8_t *key)
{
	struct source *source;

	if (atomic_load(&s->open) >= s->total)
		return IP_LIMIT_TOTAL;
	source = get(shard, key);
	if (source == NULL || source->open == s->each)
		return IP_LIMIT_ADDRESS;
	/* last, so that who is refused for its address takes nobody's place */
	if (!take_place(s)) {
		put_back(shard, key, source);
		return IP_LIMIT_TOTAL;
	}
	source->open++;
	return IP_LIMIT_ENTERED;
}

enum ip_limit_result
ip_limit_enter(struct ip_limit *s, const struct netaddr *from)
{
	enum ip_limit_result result;
	uint8_t key[KEYTABLE_KEY];
	struct shard *shard;

	ip_limit_key(key, from);
	shard = shard_of(s, key);
	pthread_mutex_lock(&shard->lock);
	result = enter(s, shard, key);
	pthread_mutex_unlock(&shard->lock);
	return result;
}

void
ip_limit_leave(struct ip_limit *s, const struct netaddr *from)
{
	uint8_t key[KEYTABLE_KEY];
	struct source *source;
	struct shard *shard;

	ip_limit_key(key, from);
	shard = shard_of(s, key);
	pthread_mutex_lock(&shard->lock);
	source = keytable_get(shard->table, key);
	if (source != NULL) {
		source->open--;
		put_back(shard, key, source);
	}
	pthread_mutex_unlock(&shard->lock);
	atomic_fetch_sub(&s->open, 1);
}

size_t
ip_limit_open(struct ip_limit *s, size_t *most)
{
	const size_t open = atomic_load(&s->open);

	*most = atomic_exchange(&s->most, open);
	if (*most < open)
		*most = open;
	return open;
}
