/* thread_memory: see thread_memory.h. */
#include "thread_memory.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct block {
	struct block *next; /* the thread's */
	void (*end)(void *p);
	_Alignas(max_align_t) unsigned char bytes[];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
/* Set up once, immutable then. */
static pthread_key_t first_block; /* the thread's, owned */
static bool made;

static void
free_blocks(void *p)
{
	struct block *b = p;

	while (b != NULL) {
		struct block *next = b->next;

		b->end(b->bytes);
		free(b);
		b = next;
	}
}

static void
set_up(void)
{
	made = pthread_key_create(&first_block, free_blocks) == 0;
}

void *
thread_memory_new(size_t n, void (*end)(void *p))
{
	struct block *b;

	(void)pthread_once(&once, set_up);
	if (!made || n > SIZE_MAX - sizeof *b)
		return NULL;
	b = calloc(1, sizeof *b + n);
	if (b == NULL)
		return NULL;
	b->end = end;
	b->next = pthread_getspecific(first_block);
	if (pthread_setspecific(first_block, b) == 0)
		return b->bytes;
	free(b);
	return NULL;
}
