/* verify_known: see verify_known.h. */
#include "verify_known.h"

#include "keytable.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

struct known {
	struct derp_key key;
	int64_t allowed_s, until_s;
	struct netaddr client; /* that it was last allowed to */
};

struct verify_known {
	_Atomic unsigned holders;
	pthread_mutex_t lock;
	/* locked by lock */
	struct keytable *by_key; /* owned; values are struct known, owned */
	uint64_t generation;
};

struct verify_known *
verify_known_new(void)
{
	struct verify_known *k = calloc(1, sizeof *k);

	if (k == NULL)
		return NULL;
	atomic_init(&k->holders, 1);
	pthread_mutex_init(&k->lock, NULL);
	k->by_key = keytable_new(VERIFY_SET_MAX, offsetof(struct known, key));
	if (k->by_key != NULL)
		return k;
	verify_known_drop(k);
	return NULL;
}

struct verify_known *
verify_known_hold(struct verify_known *k)
{
	atomic_fetch_add(&k->holders, 1);
	return k;
}

void
verify_known_drop(struct verify_known *k)
{
	struct known *one;
	size_t at = 0;

	if (k == NULL || atomic_fetch_sub(&k->holders, 1) > 1)
		return;
	if (k->by_key != NULL)
		while ((one = keytable_next(k->by_key, &at)) != NULL)
			free(one);
	keytable_free(k->by_key);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* Takes out one that counts no more, if there is one, to make room. */
static void
drop_old(struct verify_known *k, int64_t now_s)
{
	struct known *one;
	size_t at = 0;

	while ((one = keytable_next(k->by_key, &at)) != NULL)
		if (one->until_s <= now_s) {
			keytable_remove(k->by_key, one->key.b);
			free(one);
			return;
		}
}

/* A new one; without memory it is not remembered. */
static struct known *
add(struct verify_known *k, const struct derp_key *key, int64_t now_s)
{
	struct known *one = calloc(1, sizeof *one);

	if (one == NULL)
		return NULL;
	if (keytable_count(k->by_key) == VERIFY_SET_MAX)
		drop_old(k, now_s);
	one->key = *key;
	if (keytable_put(k->by_key, one) == -1) {
		free(one);
		return NULL;
	}
	k->generation++;
	return one;
}

void
verify_known_put(struct verify_known *k, const struct derp_key *key,
    const struct netaddr *client, int64_t allowed_s, int64_t until_s)
{
	struct known *one;

	pthread_mutex_lock(&k->lock);
	one = keytable_get(k->by_key, key->b);
	if (one == NULL)
		one = add(k, key, allowed_s);
	if (one != NULL) {
		one->allowed_s = allowed_s;
		one->until_s = until_s;
		if (client != NULL)
			one->client = *client;
	}
	pthread_mutex_unlock(&k->lock);
}

bool
verify_known_client(
    struct verify_known *k, const struct derp_key *key, struct netaddr *client)
{
	const struct known *one;

	pthread_mutex_lock(&k->lock);
	one = keytable_get(k->by_key, key->b);
	*client = one != NULL ? one->client : (struct netaddr){ 0 };
	pthread_mutex_unlock(&k->lock);
	return client->is_set;
}

void
verify_known_forget(
    struct verify_known *k, const struct derp_key *key, int64_t since_s)
{
	struct known *one;

	pthread_mutex_lock(&k->lock);
	one = keytable_get(k->by_key, key->b);
	if (one != NULL && one->allowed_s > since_s)
		one = NULL;
	if (one != NULL) {
		keytable_remove(k->by_key, key->b);
		k->generation++;
	}
	pthread_mutex_unlock(&k->lock);
	free(one);
}

void
verify_known_remove(struct verify_known *k, const struct derp_key *key)
{
	verify_known_forget(k, key, INT64_MAX);
}

bool
verify_known_find(struct verify_known *k, const struct derp_key *key,
    int64_t now_s, int64_t *allowed_s)
{
	const struct known *one;
	bool counts;

	pthread_mutex_lock(&k->lock);
	one = keytable_get(k->by_key, key->b);
	counts = one != NULL && now_s < one->until_s &&
	    (one->allowed_s <= now_s || one->until_s == VERIFY_SET_NEVER);
	if (counts)
		*allowed_s = one->allowed_s < now_s ? one->allowed_s : now_s;
	pthread_mutex_unlock(&k->lock);
	return counts;
}

struct verify_set *
verify_known_set(struct verify_known *k, int64_t now_s)
{
	struct verify_set *set = verify_set_new();
	const struct known *one;
	size_t at = 0;
	int rc = 0;

	if (set == NULL)
		return NULL;
	pthread_mutex_lock(&k->lock);
	while (rc == 0 && (one = keytable_next(k->by_key, &at)) != NULL)
		if (now_s < one->until_s)
			rc = verify_set_add(set,
			    &(struct verify_set_node){
				.key = one->key, .expires_s = one->until_s },
			    NULL);
	pthread_mutex_unlock(&k->lock);
	if (rc == 0) {
		verify_set_seal(set);
		return set;
	}
	verify_set_drop(set);
	return NULL;
}

uint64_t
verify_known_generation(struct verify_known *k)
{
	uint64_t generation;

	pthread_mutex_lock(&k->lock);
	generation = k->generation;
	pthread_mutex_unlock(&k->lock);
	return generation;
}
