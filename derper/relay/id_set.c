/* id_set: see id_set.h. Open addressing with backward-shift removal. */
#include "id_set.h"

#include <stdlib.h>

#define FIRST_SLOTS 6
/* A table that is left with less than this part of its slots shrinks. */
#define SHRINK_PART 3

static size_t
home_of(const struct id_set *s, uint32_t id)
{
	const uint32_t hash = id * UINT32_C(0x9e3779b1);

	return (size_t)(((uint64_t)hash * s->cap) >> 32);
}

static size_t
after(const struct id_set *s, size_t i)
{
	return i + 1 < s->cap ? i + 1 : 0;
}

/* The slot of the number, or the free one where it would go. */
static size_t
find(const struct id_set *s, uint32_t id)
{
	size_t i = home_of(s, id);

	while (s->slots[i] != 0 && s->slots[i] != id)
		i = after(s, i);
	return i;
}

/* Numbers that so many slots may hold: one slot at least stays free. */
static uint32_t
most(uint32_t cap)
{
	return cap - cap / 8 - 1;
}

static int
resize(struct id_set *s, uint32_t cap)
{
	struct id_set new = { .cap = cap, .count = s->count };
	size_t at = 0;
	uint32_t id;

	new.slots = calloc(cap, sizeof *new.slots);
	if (new.slots == NULL)
		return -1;
	while ((id = id_set_next(s, &at)) != 0)
		new.slots[find(&new, id)] = id;
	if (s->cap > 0)
		free(s->slots);
	*s = new;
	return 0;
}

bool
id_set_has(const struct id_set *s, uint32_t id)
{
	if (s->cap > 0)
		return s->slots[find(s, id)] == id;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->ids[i] == id)
			return true;
	return false;
}

int
id_set_add(struct id_set *s, uint32_t id)
{
	if (s->cap == 0 && s->count < ID_SET_INLINE) {
		s->ids[s->count++] = id;
		return 0;
	}
	if ((s->cap == 0 && resize(s, FIRST_SLOTS) == -1) ||
	    (s->count >= most(s->cap) && resize(s, s->cap + s->cap / 2) == -1))
		return -1;
	s->slots[find(s, id)] = id;
	s->count++;
	return 0;
}

/* Frees slot i and moves back what would not be found any more. */
static void
close_gap(struct id_set *s, size_t i)
{
	size_t gap = i, home, from_home, from_gap;

	s->slots[gap] = 0;
	for (i = after(s, gap); s->slots[i] != 0; i = after(s, i)) {
		home = home_of(s, s->slots[i]);
		from_home = i >= home ? i - home : i + s->cap - home;
		from_gap = i >= gap ? i - gap : i + s->cap - gap;
		if (from_home < from_gap)
			continue;
		s->slots[gap] = s->slots[i];
		s->slots[i] = 0;
		gap = i;
	}
}

static void
shrink(struct id_set *s)
{
	struct id_set few = { .count = s->count };
	size_t at = 0, n = 0;
	uint32_t id;

	if (s->count <= ID_SET_INLINE) {
		while ((id = id_set_next(s, &at)) != 0)
			few.ids[n++] = id;
		free(s->slots);
		*s = few;
	} else if (s->cap > FIRST_SLOTS && s->count < s->cap / SHRINK_PART) {
		/* without memory it stays as it is */
		(void)resize(s, s->count + s->count / 2 + FIRST_SLOTS);
	}
}

bool
id_set_remove(struct id_set *s, uint32_t id)
{
	if (!id_set_has(s, id))
		return false;
	s->count--;
	if (s->cap > 0) {
		close_gap(s, find(s, id));
		shrink(s);
	} else if (s->ids[0] == id) {
		s->ids[0] = s->ids[1];
	}
	return true;
}

uint32_t
id_set_next(const struct id_set *s, size_t *at)
{
	if (s->cap == 0)
		return *at < s->count ? s->ids[(*at)++] : 0;
	while (*at < s->cap) {
		const uint32_t id = s->slots[(*at)++];

		if (id != 0)
			return id;
	}
	return 0;
}

size_t
id_set_bytes(const struct id_set *s)
{
	return s->cap * sizeof *s->slots;
}

void
id_set_clear(struct id_set *s)
{
	if (s->cap > 0)
		free(s->slots);
	*s = (struct id_set){ .count = 0 };
}
