/* ip_limit: see ip_limit.h. */
#include "ip_limit.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct ip_limit {
	pthread_mutex_t lock;
	struct keytable *table; /* locked by lock; of struct source */
	size_t open;            /* locked by lock: connections in all */
	size_t most;            /* locked by lock: since it was last asked */
	size_t total, each;     /* immutable */
};

struct source {
	uint32_t open; /* connections */
	uint8_t key[KEYTABLE_KEY];
};

struct ip_limit *
ip_limit_new(size_t total, size_t each)
{
	struct ip_limit *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->table = keytable_new(total, offsetof(struct source, key));
	if (s->table == NULL) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->total = total;
	s->each = each;
	return s;
}

void
ip_limit_free(struct ip_limit *s)
{
	struct source *source;
	size_t at = 0;

	if (s == NULL)
		return;
	while ((source = keytable_next(s->table, &at)) != NULL)
		free(source);
	keytable_free(s->table);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void
ip_limit_key(uint8_t key[static KEYTABLE_KEY], const struct netaddr *from)
{
	/* whoever has an IPv6 address has a /64 of them */
	memset(key, 0, KEYTABLE_KEY);
	memcpy(key, from->ip, from->is_v4 ? sizeof from->ip : 8);
}

/* The address's entry, made when it is not there. */
static struct source *
get(struct ip_limit *s, const uint8_t *key)
{
	struct source *source = keytable_get(s->table, key);

	if (source != NULL)
		return source;
	source = calloc(1, sizeof *source);
	if (source == NULL)
		return NULL;
	memcpy(source->key, key, sizeof source->key);
	if (keytable_put(s->table, source) == 0)
		return source;
	free(source);
	return NULL;
}

enum ip_limit_result
ip_limit_enter(struct ip_limit *s, const struct netaddr *from)
{
	enum ip_limit_result result = IP_LIMIT_TOTAL;
	uint8_t key[KEYTABLE_KEY];
	struct source *source;

	ip_limit_key(key, from);
	pthread_mutex_lock(&s->lock);
	if (s->open == s->total)
		goto unlock;
	source = get(s, key);
	result = IP_LIMIT_ADDRESS;
	if (source == NULL || source->open == s->each)
		goto unlock;
	result = IP_LIMIT_ENTERED;
	source->open++;
	if (++s->open > s->most)
		s->most = s->open;
unlock:
	pthread_mutex_unlock(&s->lock);
	return result;
}

void
ip_limit_leave(struct ip_limit *s, const struct netaddr *from)
{
	uint8_t key[KEYTABLE_KEY];
	struct source *source;

	ip_limit_key(key, from);
	pthread_mutex_lock(&s->lock);
	s->open--;
	source = keytable_get(s->table, key);
	if (source != NULL && --source->open == 0)
		free(keytable_remove(s->table, key));
	pthread_mutex_unlock(&s->lock);
}

size_t
ip_limit_open(struct ip_limit *s, size_t *most)
{
	size_t open;

	pthread_mutex_lock(&s->lock);
	open = s->open;
	*most = s->most;
	s->most = open;
	pthread_mutex_unlock(&s->lock);
	return open;
}
