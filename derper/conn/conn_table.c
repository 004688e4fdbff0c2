/* conn_table: see conn_table.h. */
#include "conn_table.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_SLOTS 64
#define NO_SLOT UINT32_MAX

struct slot {
	union {
		struct conn *conn;  /* while it is used */
		uint32_t next_free; /* while it is not */
	};
	uint64_t generation : 63;
	uint64_t used : 1;
};

struct conn_table {
	struct slot *slots;
	uint32_t cap;
	uint32_t first_free; /* NO_SLOT: none */
	size_t count;
	uint16_t worker; /* immutable */
};

struct conn_table *
conn_table_new(uint16_t worker)
{
	struct conn_table *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->worker = worker;
	t->first_free = NO_SLOT;
	return t;
}

void
conn_table_free(struct conn_table *t)
{
	if (t == NULL)
		return;
	free(t->slots);
	free(t);
}

static int
grow(struct conn_table *t)
{
	const uint32_t cap = t->cap > 0 ? t->cap * 2 : FIRST_SLOTS;
	struct slot *slots;

	if (cap < t->cap)
		return -1;
	slots = reallocarray(t->slots, cap, sizeof *slots);
	if (slots == NULL)
		return -1;
	for (uint32_t i = t->cap; i < cap; i++)
		slots[i] = (struct slot){ .generation = 1,
			.next_free = i + 1 < cap ? i + 1 : NO_SLOT };
	t->slots = slots;
	t->first_free = t->cap;
	t->cap = cap;
	return 0;
}

int
conn_table_add(struct conn_table *t, struct conn *conn, struct conn_addr *addr)
{
	struct slot *slot;

	assert(conn != NULL);
	if (t->first_free == NO_SLOT && grow(t) == -1)
		return -1;
	slot = &t->slots[t->first_free];
	*addr = (struct conn_addr){ .worker = t->worker,
		.slot = t->first_free,
		.generation = slot->generation };
	t->first_free = slot->next_free;
	slot->conn = conn;
	slot->used = true;
	t->count++;
	return 0;
}

void
conn_table_remove(struct conn_table *t, struct conn_addr addr)
{
	struct slot *slot;

	assert(conn_table_get(t, addr) != NULL);
	slot = &t->slots[addr.slot];
	slot->used = false;
	slot->generation++;
	slot->next_free = t->first_free;
	t->first_free = addr.slot;
	t->count--;
}

struct conn *
conn_table_get(const struct conn_table *t, struct conn_addr addr)
{
	const struct slot *slot;

	if (addr.worker != t->worker || addr.slot >= t->cap)
		return NULL;
	slot = &t->slots[addr.slot];
	return slot->used && slot->generation == addr.generation ? slot->conn
								 : NULL;
}

size_t
conn_table_count(const struct conn_table *t)
{
	return t->count;
}

struct conn *
conn_table_next_before(const struct conn_table *t, uint32_t *at, uint32_t until)
{
	while (*at < t->cap && *at < until) {
		const struct slot *slot = &t->slots[(*at)++];

		if (slot->used)
			return slot->conn;
	}
	return NULL;
}

struct conn *
conn_table_next(const struct conn_table *t, uint32_t *at)
{
	return conn_table_next_before(t, at, UINT32_MAX);
}

bool
conn_table_is_end(const struct conn_table *t, uint32_t at)
{
	return at >= t->cap;
}
