/*
 * check: assertions that print what they got and what they wanted.
 *
 * On top of cmocka, whose failure they raise. Got first, wanted second. Each
 * is a macro, so that the place in the test is told. Threads: the test's own.
 */
#ifndef DERPKIT_CHECK_H
#define DERPKIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bytes.h"

/* The condition holds. */
#define check(cond) check_that((cond), #cond, __FILE__, __LINE__)
/* Integers of any type that fits. */
#define check_int(got, want) \
	check_ints((intmax_t)(got), (intmax_t)(want), #got, __FILE__, __LINE__)
#define check_size(got, want) \
	check_sizes(          \
	    (uintmax_t)(got), (uintmax_t)(want), #got, __FILE__, __LINE__)
/* NUL-terminated texts; NULL is only equal to NULL. */
#define check_text(got, want) \
	check_texts((got), (want), #got, __FILE__, __LINE__)
/* The text holds the part. */
#define check_contains(got, part) \
	check_part((got), (part), #got, __FILE__, __LINE__)
/* n bytes at each place. */
#define check_bytes(got, want, n)                                       \
	check_slices(slice_of((got), (n)), slice_of((want), (n)), #got, \
	    __FILE__, __LINE__)
#define check_slice(got, want) \
	check_slices((got), (want), #got, __FILE__, __LINE__)
/* A slice and a NUL-terminated text. */
#define check_slice_text(got, want) \
	check_slices((got), slice_str(want), #got, __FILE__, __LINE__)
/* A pointer to what was wanted. */
#define check_ptr(got, want) check_ptrs((got), (want), #got, __FILE__, __LINE__)
#define check_null(got) check_ptrs((got), NULL, #got, __FILE__, __LINE__)

static inline void
check_that(bool holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	print_error("does not hold: %s\n", what);
	_fail(file, line);
}

static inline void
check_ints(
    intmax_t got, intmax_t want, const char *what, const char *file, int line)
{
	if (got == want)
		return;
	print_error("%s\n\tgot  %jd\n\twant %jd\n", what, got, want);
	_fail(file, line);
}

static inline void
check_sizes(
    uintmax_t got, uintmax_t want, const char *what, const char *file, int line)
{
	if (got == want)
		return;
	print_error("%s\n\tgot  %ju\n\twant %ju\n", what, got, want);
	_fail(file, line);
}

static inline void
check_texts(const char *got, const char *want, const char *what,
    const char *file, int line)
{
	if (got == want ||
	    (got != NULL && want != NULL && strcmp(got, want) == 0))
		return;
	print_error("%s\n\tgot  \"%s\"\n\twant \"%s\"\n", what,
	    got != NULL ? got : "(NULL)", want != NULL ? want : "(NULL)");
	_fail(file, line);
}

static inline void
check_part(const char *got, const char *part, const char *what,
    const char *file, int line)
{
	if (got != NULL && strstr(got, part) != NULL)
		return;
	print_error("%s\n\tgot     \"%s\"\n\twithout \"%s\"\n", what,
	    got != NULL ? got : "(NULL)", part);
	_fail(file, line);
}

static inline void
check_print(const char *label, struct slice s)
{
	print_error("\t%s %zu bytes:", label, s.n);
	for (size_t i = 0; i < s.n && i < 256; i++)
		print_error(
		    s.p[i] > ' ' && s.p[i] < 0x7f ? " %c" : " %02x", s.p[i]);
	print_error("%s\n", s.n > 256 ? " ..." : "");
}

static inline void
check_slices(struct slice got, struct slice want, const char *what,
    const char *file, int line)
{
	if (slice_eq(got, want))
		return;
	print_error("%s\n", what);
	check_print("got ", got);
	check_print("want", want);
	_fail(file, line);
}

static inline void
check_ptrs(const void *got, const void *want, const char *what,
    const char *file, int line)
{
	if (got == want)
		return;
	print_error("%s\n\tgot  %p\n\twant %p\n", what, got, want);
	_fail(file, line);
}

#endif
