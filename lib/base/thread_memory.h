/*
 * thread_memory: memory that belongs to a thread and goes with it.
 *
 * For what is worth keeping between calls and must not be shared, such as hash
 * contexts: whoever needs it keeps a _Thread_local pointer to it. Life:
 * thread_memory_new; the end of the thread ends it. The first thread's stays
 * until the process ends. Threads: any, each its own.
 */
#ifndef DERPKIT_THREAD_MEMORY_H
#define DERPKIT_THREAD_MEMORY_H

#include <stddef.h>

/* n zero bytes for the calling thread. When the thread ends, end(p) is called
 * to clear what is in them, and they are freed. Borrowed until then; NULL when
 * memory is short. */
void *thread_memory_new(size_t n, void (*end)(void *p));

#endif
