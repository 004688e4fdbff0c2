/* fake_alloc: see fake_alloc.h. */
#include "fake_alloc.h"

#include <errno.h>
#include <stdatomic.h>

/* the linker gives these names their meaning, see ld(1), --wrap */
void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t count, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t count, size_t size);

static atomic_size_t left; /* allocations up to the failing one; 0: none */
static atomic_bool failed;
/* volatile: a compiler that knows malloc would leave out what is set for it */
static _Thread_local volatile bool held;

void
fake_alloc_fail_at(size_t n)
{
	atomic_store(&failed, false);
	atomic_store(&left, n);
}

bool
fake_alloc_failed(void)
{
	atomic_store(&left, 0);
	return atomic_load(&failed);
}

bool
fake_alloc_hold(bool hold)
{
	const bool before = held;

	held = hold;
	return before;
}

static bool
must_fail(void)
{
	size_t n = held ? 0 : atomic_load(&left);

	while (n > 0 && !atomic_compare_exchange_weak(&left, &n, n - 1))
		;
	if (n != 1)
		return false;
	atomic_store(&failed, true);
	errno = ENOMEM;
	return true;
}

void *
__wrap_malloc(size_t n)
{
	return must_fail() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t count, size_t size)
{
	return must_fail() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return must_fail() ? NULL : __real_realloc(p, n);
}

void *
__wrap_reallocarray(void *p, size_t count, size_t size)
{
	return must_fail() ? NULL : __real_reallocarray(p, count, size);
}

void *
fake_alloc_malloc(size_t n)
{
	return __wrap_malloc(n);
}
