/* memory_budget: see memory_budget.h. */
#include "memory_budget.h"

#include <assert.h>

/* Part of a limit that shedding frees. */
#define SPARE_PART 8

void
memory_budget_init(
    struct memory_budget *b, const size_t limits[static MEMORY_GROUPS])
{
	*b = (struct memory_budget){ 0 };
	for (size_t i = 0; i < MEMORY_GROUPS; i++)
		b->limits[i] = limits[i];
}

static enum memory_group group_of(enum memory_class class)
{
	switch (class) {
	case MEMORY_OUTPUT_QUEUED:
	case MEMORY_OUTPUT_UNSENT:
		return MEMORY_GROUP_OUTPUT;
	case MEMORY_INPUT:
		return MEMORY_GROUP_INPUT;
	case MEMORY_NO_LOGIN:
	case MEMORY_CLASSES:
		break;
	}
	return MEMORY_GROUP_NO_LOGIN;
}

/* The bucket of a share that holds n bytes, n > 0: floor(log2(n)). */
static unsigned
bucket_of(size_t n)
{
	static_assert(sizeof(size_t) == sizeof(unsigned long), "for clzl");
	return MEMORY_BUCKETS - 1 - (unsigned)__builtin_clzl(n);
}

static void
bucket_remove(struct memory_budget *b, enum memory_group group,
    struct memory_share *share)
{
	const unsigned i = bucket_of(share->held);
	struct memory_bucket *bucket = &b->buckets[group][i];

	if (share->prev == NULL)
		bucket->first = share->next;
	else
		share->prev->next = share->next;
	if (share->next == NULL)
		bucket->last = share->prev;
	else
		share->next->prev = share->prev;
	share->next = share->prev = NULL;
	if (bucket->first == NULL)
		b->filled[group] &= ~(UINT64_C(1) << i);
}

static void
bucket_add(struct memory_budget *b, enum memory_group group,
    struct memory_share *share)
{
	const unsigned i = bucket_of(share->held);
	struct memory_bucket *bucket = &b->buckets[group][i];

	share->prev = bucket->last;
	share->next = NULL;
	if (bucket->last == NULL)
		bucket->first = share;
	else
		bucket->last->next = share;
	bucket->last = share;
	b->filled[group] |= UINT64_C(1) << i;
}

static void
set_held(struct memory_budget *b, enum memory_group group,
    struct memory_share *share, size_t held)
{
	if (share->held > 0 && held > 0 &&
	    bucket_of(share->held) == bucket_of(held)) {
		share->held = held;
		return;
	}
	if (share->held > 0)
		bucket_remove(b, group, share);
	share->held = held;
	if (held > 0)
		bucket_add(b, group, share);
}

bool
memory_budget_charge(struct memory_budget *b, struct memory_share *share,
    enum memory_class class, size_t n)
{
	const enum memory_group group = group_of(class);

	if (memory_budget_exceeds(b, group, n)) {
		b->pressure[group] = true;
		return false;
	}
	b->used[class] += n;
	set_held(b, group, share, share->held + n);
	return true;
}

void
memory_budget_change(struct memory_budget *b, struct memory_share *share,
    enum memory_class class, size_t before, size_t now)
{
	const enum memory_group group = group_of(class);

	assert(before <= share->held && before <= b->used[class]);
	b->used[class] = b->used[class] - before + now;
	set_held(b, group, share, share->held - before + now);
	if (now > before && memory_budget_exceeds(b, group, 0))
		b->pressure[group] = true;
}

void
memory_budget_discharge(struct memory_budget *b, struct memory_share *share,
    enum memory_class class, size_t n)
{
	memory_budget_change(b, share, class, n, 0);
}

size_t
memory_budget_used(const struct memory_budget *b, enum memory_group group)
{
	size_t used = 0;

	for (unsigned i = 0; i < MEMORY_CLASSES; i++)
		if (group_of((enum memory_class)i) == group)
			used += b->used[i];
	return used;
}

bool
memory_budget_exceeds(
    const struct memory_budget *b, enum memory_group group, size_t more)
{
	const size_t used = memory_budget_used(b, group);

	return used > b->limits[group] || more > b->limits[group] - used;
}

bool
memory_budget_take_pressure(struct memory_budget *b, enum memory_group group)
{
	const bool pressure = b->pressure[group];

	b->pressure[group] = false;
	return pressure;
}

struct memory_share *
memory_budget_next_to_shed(
    const struct memory_budget *b, enum memory_group group)
{
	const size_t spare = b->limits[group] / SPARE_PART;

	if (b->filled[group] == 0 || !memory_budget_exceeds(b, group, spare))
		return NULL;
	return b->buckets[group][bucket_of(b->filled[group])].first;
}
