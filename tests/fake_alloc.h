/*
 * fake_alloc: allocations that fail when a test says so.
 *
 * Every unit test program is linked with --wrap for malloc, calloc, realloc
 * and reallocarray, so that calls from our own code come here; libraries keep
 * theirs (for jansson: json_set_alloc_funcs(fake_alloc_malloc, free)). Try each
 *n:
 *
 *	for (size_t n = 1;; n++) {
 *		fake_alloc_fail_at(n);
 *		result = what_is_tested();
 *		if (!fake_alloc_failed())
 *			break;
 *		check_int(result, -1);
 *	}
 *
 * Threads: any; the count is one for all.
 */
#ifndef DERPKIT_FAKE_ALLOC_H
#define DERPKIT_FAKE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the n-th allocation from now on fail, 1 being the next; all others
 * succeed. 0: none fails. */
void fake_alloc_fail_at(size_t n);

/* Whether that allocation has come and failed. None fails from here on. */
bool fake_alloc_failed(void);

/* Whether allocations of this thread neither count nor fail from now on, as
 * those of a test's own part between do; returns what it was before. */
bool fake_alloc_hold(bool hold);

/* malloc, counted like the others. */
void *fake_alloc_malloc(size_t n);

#endif
