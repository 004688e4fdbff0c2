/* verify_set: see verify_set.h. */
#include "verify_set.h"

#include "utf8.h"

#include <assert.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 16        /* nodes, and twice as many slots, at first */
#define NAMES_FIRST 256 /* bytes */

struct entry {
	struct derp_key key;
	int64_t expires_s;
	uint32_t name; /* where in names */
	uint32_t flags;
};

static_assert(sizeof(struct entry) == 48, "compact");

struct verify_set {
	struct entry *entries; /* owned; count of room */
	uint32_t *slots;       /* owned; index + 1 of an entry, 0: free */
	char *names;           /* owned; each ends with NUL; "" at 0 */
	size_t count, room;
	size_t slot_count; /* a power of two */
	size_t names_len, names_room;
	bool sealed;
	uint8_t seed[crypto_shorthash_KEYBYTES]; /* secret */
	atomic_uint holders;
};

struct verify_set *
verify_set_new(void)
{
	struct verify_set *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	atomic_init(&s->holders, 1);
	randombytes_buf(s->seed, sizeof s->seed);
	s->entries = calloc(FIRST, sizeof *s->entries);
	s->slots = calloc(2 * FIRST, sizeof *s->slots);
	s->names = calloc(1, NAMES_FIRST);
	if (s->entries == NULL || s->slots == NULL || s->names == NULL) {
		verify_set_drop(s);
		return NULL;
	}
	s->room = FIRST;
	s->slot_count = (size_t)2 * FIRST;
	s->names_room = NAMES_FIRST;
	s->names_len = 1;
	return s;
}

struct verify_set *
verify_set_hold(struct verify_set *s)
{
	atomic_fetch_add(&s->holders, 1);
	return s;
}

void
verify_set_drop(struct verify_set *s)
{
	if (s == NULL || atomic_fetch_sub(&s->holders, 1) > 1)
		return;
	free(s->entries);
	free(s->slots);
	free(s->names);
	free(s);
}

size_t
verify_set_count(const struct verify_set *s)
{
	return s->count;
}

static size_t
home_of(const struct verify_set *s, const struct derp_key *key)
{
	uint64_t h;

	static_assert(crypto_shorthash_BYTES == sizeof h, "SipHash size");
	crypto_shorthash((unsigned char *)&h, key->b, sizeof key->b, s->seed);
	return (size_t)h & (s->slot_count - 1);
}

/* The slot of the key, or the free one where it would go. */
static size_t
find_slot(const struct verify_set *s, const struct derp_key *key)
{
	size_t i = home_of(s, key);

	while (s->slots[i] != 0 &&
	    memcmp(s->entries[s->slots[i] - 1].key.b, key->b, sizeof key->b) !=
		0)
		i = (i + 1) & (s->slot_count - 1);
	return i;
}

static int
grow_slots(struct verify_set *s)
{
	uint32_t *bigger = calloc(s->slot_count * 2, sizeof *bigger);

	if (bigger == NULL)
		return -1;
	free(s->slots);
	s->slots = bigger;
	s->slot_count *= 2;
	for (size_t i = 0; i < s->count; i++)
		s->slots[find_slot(s, &s->entries[i].key)] = (uint32_t)i + 1;
	return 0;
}

/* Room for one more node. */
static int
make_room(struct verify_set *s)
{
	struct entry *bigger;

	if (s->count == s->room) {
		bigger = reallocarray(s->entries, s->room * 2, sizeof *bigger);
		if (bigger == NULL)
			return -1;
		s->entries = bigger;
		s->room *= 2;
	}
	/* at most three quarters full */
	return (s->count + 1) * 4 > s->slot_count * 3 ? grow_slots(s) : 0;
}

static int
make_name_room(struct verify_set *s)
{
	const size_t needed = s->names_len + VERIFY_SET_NAME_MAX + 1;
	char *bigger;

	if (needed <= s->names_room)
		return 0;
	bigger = realloc(s->names, s->names_room * 2);
	if (bigger == NULL)
		return -1;
	s->names = bigger;
	s->names_room *= 2;
	return 0;
}

/* Copies a name so that it is safe in a log line and on a terminal: controls,
 * those of ISO 8859 included, and bad UTF-8 become "?". */
static void
copy_name(struct verify_set *s, const char *name)
{
	struct writer w =
	    writer_of(s->names + s->names_len, VERIFY_SET_NAME_MAX);
	struct reader r = { .rest = slice_str(name) };

	while (r.rest.n > 0 && !w.failed) {
		uint32_t code;
		size_t n = utf8_next(r.rest, &code);
		struct slice one = reader_take(&r, n > 0 ? n : 1);

		if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
			writer_u8(&w, '?');
		else
			writer_bytes(&w, one.p, one.n);
	}
	s->names_len += w.n;
	s->names[s->names_len++] = '\0';
}

static void
merge(struct entry *e, const struct verify_set_node *node)
{
	if (e->expires_s > node->expires_s)
		e->expires_s = node->expires_s;
	e->flags |= node->flags;
}

int
verify_set_add(
    struct verify_set *s, const struct verify_set_node *node, struct fail *why)
{
	const char *name = node->name != NULL ? node->name : "";
	struct entry *e;
	size_t slot;

	assert(!s->sealed);
	if (derp_key_is_zero(&node->key))
		return 0;
	slot = find_slot(s, &node->key);
	if (s->slots[slot] != 0) {
		merge(&s->entries[s->slots[slot] - 1], node);
		return 0;
	}
	if (s->count == VERIFY_SET_MAX)
		return fail_set(why, "more than %d nodes", VERIFY_SET_MAX);
	if (make_room(s) == -1 || make_name_room(s) == -1)
		return fail_set(why, "out of memory");
	e = &s->entries[s->count++];
	*e = (struct entry){ .key = node->key,
		.expires_s = node->expires_s,
		.flags = node->flags };
	s->slots[find_slot(s, &node->key)] = (uint32_t)s->count;
	if (name[0] != '\0') {
		e->name = (uint32_t)s->names_len;
		copy_name(s, name);
	}
	return 0;
}

/* Closes the gap at a slot that was freed, so that no search ends early. */
static void
close_gap(struct verify_set *s, size_t hole)
{
	const size_t mask = s->slot_count - 1;

	for (size_t i = (hole + 1) & mask; s->slots[i] != 0;
	     i = (i + 1) & mask) {
		const size_t home =
		    home_of(s, &s->entries[s->slots[i] - 1].key);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		s->slots[hole] = s->slots[i];
		s->slots[i] = 0;
		hole = i;
	}
}

/* The last entry takes the place of the one that goes. Its name stays. */
void
verify_set_remove(struct verify_set *s, const struct derp_key *key)
{
	const size_t slot = find_slot(s, key);
	size_t at;

	assert(!s->sealed);
	if (s->slots[slot] == 0)
		return;
	at = s->slots[slot] - 1;
	s->slots[slot] = 0;
	close_gap(s, slot);
	s->count--;
	if (at == s->count)
		return;
	s->slots[find_slot(s, &s->entries[s->count].key)] = (uint32_t)at + 1;
	s->entries[at] = s->entries[s->count];
}

void
verify_set_seal(struct verify_set *s)
{
	const size_t room = s->count > 0 ? s->count : 1;
	struct entry *entries =
	    reallocarray(s->entries, room, sizeof *s->entries);
	char *names = realloc(s->names, s->names_len);

	/* without a smaller block the larger one is kept */
	if (entries != NULL) {
		s->entries = entries;
		s->room = room;
	}
	if (names != NULL) {
		s->names = names;
		s->names_room = s->names_len;
	}
	s->sealed = true;
}

void
verify_set_at(
    const struct verify_set *s, size_t i, struct verify_set_node *node)
{
	const struct entry *e = &s->entries[i];

	*node = (struct verify_set_node){ .key = e->key,
		.name = s->names + e->name,
		.expires_s = e->expires_s,
		.flags = e->flags };
}

bool
verify_set_find(const struct verify_set *s, const struct derp_key *key,
    struct verify_set_node *node)
{
	const size_t slot = find_slot(s, key);

	if (s->slots[slot] == 0)
		return false;
	verify_set_at(s, s->slots[slot] - 1, node);
	return true;
}

bool
verify_set_is_expired(const struct verify_set_node *node, int64_t now_s)
{
	return node->expires_s <= now_s;
}
