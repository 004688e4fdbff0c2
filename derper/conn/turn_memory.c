/* turn_memory: see turn_memory.h. */
#include "turn_memory.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>

struct chunk {
	struct chunk *next;
	size_t used; /* bytes */
	alignas(max_align_t) uint8_t before[TURN_MEMORY_BEFORE];
	alignas(max_align_t) uint8_t bytes[TURN_MEMORY_ALLOC_MAX];
};

struct turn_memory {
	uint8_t *base;  /* owned: TURN_MEMORY_BEFORE bytes, the arena */
	uint8_t *arena; /* in it */
	size_t arena_bytes, arena_used;
	struct turn_hold *held;
	struct chunk *chunks; /* the newest first; never NULL after creation */
};

struct turn_memory *
turn_memory_new(size_t arena_bytes)
{
	struct turn_memory *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->arena_bytes = arena_bytes;
	m->base = malloc(TURN_MEMORY_BEFORE + arena_bytes);
	m->chunks = calloc(1, sizeof *m->chunks);
	if (m->base == NULL || m->chunks == NULL) {
		turn_memory_free(m);
		return NULL;
	}
	m->arena = m->base + TURN_MEMORY_BEFORE;
	return m;
}

static void
release_held(struct turn_memory *m)
{
	struct turn_hold *hold;

	while ((hold = m->held) != NULL) {
		m->held = hold->next;
		hold->release(hold);
	}
}

void
turn_memory_free(struct turn_memory *m)
{
	struct chunk *chunk;

	if (m == NULL)
		return;
	release_held(m);
	while ((chunk = m->chunks) != NULL) {
		m->chunks = chunk->next;
		free(chunk);
	}
	free(m->base);
	free(m);
}

bool
turn_memory_fits(const struct turn_memory *m, size_t n)
{
	return n <= m->arena_bytes - m->arena_used;
}

uint8_t *
turn_memory_tail(const struct turn_memory *m)
{
	return m->arena + m->arena_used;
}

void
turn_memory_use(struct turn_memory *m, const uint8_t *end)
{
	const size_t used = (size_t)(end - m->arena);

	assert(used >= m->arena_used && used <= m->arena_bytes);
	m->arena_used = used;
}

void *
turn_memory_alloc(struct turn_memory *m, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct chunk *chunk = m->chunks;
	void *p;

	assert(n <= TURN_MEMORY_ALLOC_MAX);
	n = (n + align - 1) / align * align;
	if (n > sizeof chunk->bytes - chunk->used) {
		chunk = malloc(sizeof *chunk);
		if (chunk == NULL)
			return NULL;
		chunk->used = 0;
		chunk->next = m->chunks;
		m->chunks = chunk;
	}
	p = chunk->bytes + chunk->used;
	chunk->used += n;
	return p;
}

void
turn_memory_hold(struct turn_memory *m, struct turn_hold *hold)
{
	hold->next = m->held;
	m->held = hold;
}

void
turn_memory_reset(struct turn_memory *m)
{
	struct chunk *chunk;

	while ((chunk = m->chunks)->next != NULL) {
		m->chunks = chunk->next;
		free(chunk);
	}
	release_held(m);
	m->chunks->used = 0;
	m->arena_used = 0;
}
