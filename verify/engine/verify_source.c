/* verify_source: see verify_source.h. */
#include "verify_source.h"

uint64_t
verify_source_left_ms(const struct verify_question *q)
{
	const uint64_t now_ms = q->now_ms();

	return now_ms < q->deadline_ms ? q->deadline_ms - now_ms : 0;
}
