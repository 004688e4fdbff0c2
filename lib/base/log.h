/*
 * log: one line per event on standard error.
 *
 * Lines begin with the time as Go's log package writes it, because people and
 * scripts know the Go derper's. Writing never blocks and never kills: a line
 * that the reader of standard error does not read in time is dropped and
 * counted, so a full pipe cannot stop the relay (the Go derper stops serving
 * then).
 *
 * Threads: any; locked inside. Only programs log, libraries return reasons.
 */
#ifndef DERPKIT_LOG_H
#define DERPKIT_LOG_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_LINE_MAX 2048 /* longer lines are cut */

/* Whether log_debug prints. Set before threads start. */
void log_set_debug(bool on);

__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *fmt, ...);

/* A further line of the event logged before: without the time. */
__attribute__((format(printf, 1, 2))) void log_continue(const char *fmt, ...);

/* Lines dropped so far because standard error was not read. */
uint64_t log_dropped(void);

/*
 * A limit for lines that unauthenticated clients can cause: a bucket of `burst`
 * lines that refills at `per_s`. One per loop and kind; loop-owned.
 */
struct log_limit {
	unsigned burst;
	unsigned per_s;
	uint64_t filled_ms;  /* when the bucket was last refilled */
	unsigned used;       /* lines taken from it since */
	uint64_t suppressed; /* lines held back since the last one printed */
};

/*
 * Whether a line may be printed now. When lines were held back before it, the
 * first line let through is preceded by a note that counts them.
 */
bool log_allowed(struct log_limit *limit, uint64_t now_ms);

#endif
