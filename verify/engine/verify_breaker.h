/*
 * verify_breaker: a circuit breaker: whoever has not answered several times in
 * a row is asked by one question a second only, and the others need not wait.
 *
 * Life: { 0 }. Threads: any; atomic inside.
 */
#ifndef DERPKIT_VERIFY_BREAKER_H
#define DERPKIT_VERIFY_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct verify_breaker {
	atomic_uint failures; /* in a row */
	/* by a monotonic clock: when the next question may be asked */
	_Atomic uint64_t next_ms;
};

/* Whether a question may be asked now. After it call verify_breaker_told. */
bool verify_breaker_allows(struct verify_breaker *b, uint64_t now_ms);

/* Whether most questions are not asked now. */
bool verify_breaker_is_open(const struct verify_breaker *b);

/* What came of it: an answer, of whatever kind, or none. */
void verify_breaker_told(
    struct verify_breaker *b, uint64_t now_ms, bool answered);

#endif
