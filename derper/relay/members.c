/* members: see members.h. */
#include "members.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(MEMBERS_MAX <= UINT8_MAX, "count and more");

static struct member *
all_of(struct members *m)
{
	return m->more == 0 ? &m->one : m->many;
}

void
members_clear(struct members *m)
{
	if (m->more > 0)
		free(m->many);
	*m = (struct members){ .count = 0 };
}

static int
grow(struct members *m)
{
	const size_t cap = (m->more + (size_t)1) * 2;
	struct member *before = m->more > 0 ? m->many : NULL, *all;

	all = reallocarray(before, cap, sizeof *all);
	if (all == NULL)
		return -1;
	if (before == NULL)
		all[0] = m->one;
	m->many = all;
	m->more = (uint8_t)(cap - 1);
	return 0;
}

int
members_add(struct members *m, struct member member)
{
	if (m->count == MEMBERS_MAX || (m->count > m->more && grow(m) == -1))
		return -1;
	members_put_back(m, member);
	return 0;
}

void
members_put_back(struct members *m, struct member member)
{
	all_of(m)[m->count++] = member;
}

const struct member *
members_at(const struct members *m, size_t i)
{
	return m->more == 0 ? &m->one : &m->many[i];
}

static size_t
find(const struct members *m, uint32_t number)
{
	size_t i = 0;

	while (i < m->count && members_at(m, i)->number != number)
		i++;
	assert(i < m->count);
	return i;
}

const struct member *
members_get(const struct members *m, uint32_t number)
{
	return members_at(m, find(m, number));
}

struct member
members_take(struct members *m, uint32_t number)
{
	const size_t i = find(m, number);
	struct member *all = all_of(m);
	const struct member member = all[i];

	m->count--;
	memmove(&all[i], &all[i + 1], (m->count - i) * sizeof *all);
	return member;
}

struct conn_addr
members_choose_evicted(struct members *m)
{
	struct member *all = all_of(m), *first = NULL;
	uint32_t stay = 0;

	for (uint32_t i = 0; i < m->count; i++) {
		if (all[i].evicted)
			continue;
		if (stay++ == 0)
			first = &all[i];
	}
	if (stay <= MEMBERS_STAY_MAX)
		return (struct conn_addr){ 0 };
	first->evicted = true;
	return first->addr;
}

uint32_t
members_next_active(const struct members *m)
{
	for (size_t i = m->count; i > 0; i--)
		if (!members_at(m, i - 1)->evicted)
			return members_at(m, i - 1)->number;
	return members_at(m, m->count - 1U)->number;
}
