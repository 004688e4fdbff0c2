/* keytable: see keytable.h. */
#include "keytable.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define KEYTABLE_FIRST 16 /* slots of the first allocation, a power of two */

struct slot {
	void *value; /* NULL: free */
	uint64_t hash;
};

struct keytable {
	struct slot *slots; /* cap of them, a power of two */
	size_t cap;
	size_t count;
	size_t max;    /* immutable */
	size_t key_at; /* immutable: bytes into a value */
	uint8_t seed[crypto_shorthash_KEYBYTES]; /* secret */
};

static_assert(crypto_shorthash_BYTES == sizeof(uint64_t), "SipHash size");

struct keytable *
keytable_new(size_t max, size_t key_at)
{
	struct keytable *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->slots = calloc(KEYTABLE_FIRST, sizeof *t->slots);
	if (t->slots == NULL) {
		free(t);
		return NULL;
	}
	t->cap = KEYTABLE_FIRST;
	t->max = max;
	t->key_at = key_at;
	randombytes_buf(t->seed, sizeof t->seed);
	return t;
}

void
keytable_free(struct keytable *t)
{
	if (t == NULL)
		return;
	free(t->slots);
	free(t);
}

size_t
keytable_count(const struct keytable *t)
{
	return t->count;
}

static uint64_t
hash_of(const struct keytable *t, const uint8_t *key)
{
	uint64_t h;

	crypto_shorthash((unsigned char *)&h, key, KEYTABLE_KEY, t->seed);
	return h;
}

static const uint8_t *
key_of(const struct keytable *t, const void *value)
{
	return (const uint8_t *)value + t->key_at;
}

/* The slot that holds the key, or the free one where it would go. */
static struct slot *
find(const struct keytable *t, const uint8_t *key, uint64_t hash)
{
	size_t i = hash & (t->cap - 1);

	while (t->slots[i].value != NULL &&
	    (t->slots[i].hash != hash ||
		memcmp(key_of(t, t->slots[i].value), key, KEYTABLE_KEY) != 0))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

void *
keytable_get(const struct keytable *t, const uint8_t key[static KEYTABLE_KEY])
{
	return find(t, key, hash_of(t, key))->value;
}

/* Where an entry goes that is not there. */
static struct slot *
find_free(const struct keytable *t, uint64_t hash)
{
	size_t i = hash & (t->cap - 1);

	while (t->slots[i].value != NULL)
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

static int
grow(struct keytable *t)
{
	struct keytable bigger = *t;

	bigger.cap = t->cap * 2;
	bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
	if (bigger.slots == NULL)
		return -1;
	for (size_t i = 0; i < t->cap; i++) {
		const struct slot *s = &t->slots[i];

		if (s->value != NULL)
			*find_free(&bigger, s->hash) = *s;
	}
	free(t->slots);
	*t = bigger;
	return 0;
}

int
keytable_put(struct keytable *t, void *value)
{
	const uint8_t *key = key_of(t, value);
	uint64_t hash = hash_of(t, key);
	struct slot *s = find(t, key, hash);

	if (s->value != NULL) {
		s->value = value;
		return 0;
	}
	if (t->count >= t->max)
		return -1;
	if ((t->count + 1) * 4 > t->cap * 3) {
		if (grow(t) == -1)
			return -1;
		s = find_free(t, hash);
	}
	s->value = value;
	s->hash = hash;
	t->count++;
	return 0;
}

void *
keytable_remove(struct keytable *t, const uint8_t key[static KEYTABLE_KEY])
{
	const size_t mask = t->cap - 1;
	struct slot *s = find(t, key, hash_of(t, key));
	void *value = s->value;
	size_t hole, i, home;

	if (value == NULL)
		return NULL;
	hole = (size_t)(s - t->slots);
	/* Close the gap: move back every later entry whose home lies at or
	 * before the hole, so that no search ends early. */
	for (i = (hole + 1) & mask; t->slots[i].value != NULL;
	     i = (i + 1) & mask) {
		home = t->slots[i].hash & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole].value = NULL;
	t->count--;
	return value;
}

void *
keytable_next(const struct keytable *t, size_t *at)
{
	while (*at < t->cap) {
		void *value = t->slots[(*at)++].value;

		if (value != NULL)
			return value;
	}
	return NULL;
}
