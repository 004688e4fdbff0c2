/* verify_answer: see verify_answer.h. */
#include "verify_answer.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Reasons contain text from outside and go to logs, terminals and JSON: bytes
 * that are not printable UTF-8, or were cut in two, become "?". */
static void
replace_unprintable(char *text)
{
	uint8_t *at = (uint8_t *)text;
	struct reader r = { .rest = slice_str(text) };

	while (r.rest.n > 0) {
		uint32_t code;
		size_t n = utf8_next(r.rest, &code);
		const bool bad =
		    n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0);

		n = n > 0 ? n : 1;
		if (bad)
			memset(at, '?', n);
		at += n;
		reader_take(&r, n);
	}
}

static void
set(struct verify_answer *answer, enum verify_verdict verdict,
    enum verify_fault fault, const char *fmt, va_list args)
{
	const struct verify_answer before = *answer;
	char reason[VERIFY_REASON_MAX];

	/* an argument may be the reason that is replaced */
	vsnprintf(reason, sizeof reason, fmt, args);
	*answer = (struct verify_answer){ .verdict = verdict,
		.fault = fault,
		.epoch = before.epoch,
		.generation = before.generation };
	memcpy(answer->reason, reason, sizeof reason);
	replace_unprintable(answer->reason);
}

void
verify_answer_set(struct verify_answer *answer, enum verify_verdict verdict,
    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(answer, verdict, VERIFY_FAULT_NONE, fmt, args);
	va_end(args);
}

void
verify_answer_set_fault(
    struct verify_answer *answer, enum verify_fault fault, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	set(answer, VERIFY_UNKNOWN, fault, fmt, args);
	va_end(args);
}
