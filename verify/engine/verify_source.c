/* verify_source: see verify_source.h. */
#include "verify_source.h"

#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Strangers' words stand in reasons, and these go to logs, terminals and JSON:
 * what is no printable UTF-8, or was cut in two, becomes "?". */
static void
tidy(char *text)
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

void
verify_source_answer(struct verify_answer *answer, enum verify_verdict verdict,
    const char *fmt, ...)
{
	va_list args;

	answer->verdict = verdict;
	answer->fail_open = false;
	va_start(args, fmt);
	vsnprintf(answer->reason, sizeof answer->reason, fmt, args);
	va_end(args);
	tidy(answer->reason);
}

uint64_t
verify_source_left_ms(const struct verify_question *q)
{
	const uint64_t now_ms = q->now_ms();

	return now_ms < q->deadline_ms ? q->deadline_ms - now_ms : 0;
}
