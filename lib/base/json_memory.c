/* json_memory: see json_memory.h. */
#include "json_memory.h"

#include <stdlib.h>

static _Thread_local bool watched; /* between begin and end */
static _Thread_local bool failed;

void *
json_memory_malloc(size_t n)
{
	void *p = watched && failed ? NULL : malloc(n);

	if (watched && p == NULL)
		failed = true;
	return p;
}

void
json_memory_begin(void)
{
	watched = true;
	failed = false;
}

bool
json_memory_end(void)
{
	watched = false;
	return failed;
}
