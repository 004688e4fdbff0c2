/* arena: alignment, the maximum, overflow, and short memory at every n. */
#include "check.h"
#include "fake_alloc.h"

#include "arena.h"

static void
arena_gives_zeroed_aligned_memory(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	check(a != NULL);
	for (size_t size = 1; size < 3000; size += 97) {
		uint8_t *p = arena_alloc(a, size, 1);

		check(p != NULL);
		check_size((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			check_int(p[i], 0);
		memset(p, 0xff, size);
	}
	arena_free(a);
	arena_free(NULL);
}

static void
arena_keeps_its_maximum(void **state)
{
	struct arena *a = arena_new(100000);
	size_t got = 0;

	(void)state;
	check_null(arena_alloc(a, 100001, 1));
	while (arena_alloc(a, 1000, 1) != NULL)
		got += 1000;
	check(got <= 100000);
	check(got >= 90000);
	arena_free(a);

	a = arena_new(64);
	check(arena_alloc(a, 64, 1) != NULL);
	check_null(arena_alloc(a, 1, 1));
	arena_free(a);
}

static void
arena_sees_overflow(void **state)
{
	struct arena *a = arena_new(SIZE_MAX);

	(void)state;
	check_null(arena_alloc(a, SIZE_MAX, 2));
	check_null(arena_alloc(a, SIZE_MAX / 2 + 1, 2));
	check_null(arena_alloc(a, SIZE_MAX, 1));
	check_null(arena_alloc(a, SIZE_MAX - 31, 1));
	check_null(arena_text(a, "", SIZE_MAX));
	arena_free(a);
}

static void
arena_copies_and_prints_text(void **state)
{
	struct arena *a = arena_new(100000);
	char *long_text;

	(void)state;
	check_text(arena_text(a, "abcdef", 3), "abc");
	check_text(arena_text(a, NULL, 0), "");
	check_text(arena_printf(a, "%d %s", 7, "x"), "7 x");
	long_text = arena_printf(a, "%020000d", 5);
	check(long_text != NULL);
	check_size(strlen(long_text), 20000);
	check_null(arena_printf(a, "%090000d", 5));
	arena_free(a);
}

static bool
use(struct arena **a)
{
	*a = arena_new(1 << 20);
	if (*a == NULL || arena_alloc(*a, 10, 10) == NULL ||
	    arena_alloc(*a, 20000, 1) == NULL)
		return false;
	for (int i = 0; i < 40; i++)
		if (arena_printf(*a, "%01000d", i) == NULL)
			return false;
	return true;
}

static void
arena_survives_short_memory(void **state)
{
	size_t n = 1;

	(void)state;
	for (;; n++) {
		struct arena *a;
		bool done;

		fake_alloc_fail_at(n);
		done = use(&a);
		arena_free(a);
		if (!fake_alloc_failed()) {
			check(done);
			break;
		}
		check(!done);
	}
	check(n > 4);
}

/* Blocks grow up to some MiB, and what does not fit one has its own. */
static void
arena_gives_zeroed_memory_when_large(void **state)
{
	const size_t piece = 100000, count = 200, large = (size_t)5 << 20;
	struct arena *a = arena_new((size_t)64 << 20);
	unsigned char *p;

	(void)state;
	for (size_t i = 0; i <= count; i++) {
		size_t n = i == count / 2 ? large : piece;

		p = arena_alloc(a, n, 1);
		check(p != NULL);
		for (size_t k = 0; k < n; k++)
			if (p[k] != 0)
				fail_msg("byte %zu of piece %zu is set", k, i);
		memset(p, 0xaa, n);
	}
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(arena_keeps_its_maximum),
		cmocka_unit_test(arena_sees_overflow),
		cmocka_unit_test(arena_copies_and_prints_text),
		cmocka_unit_test(arena_survives_short_memory),
		cmocka_unit_test(arena_gives_zeroed_memory_when_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
