/*
 * log: one line per event on standard error.
 *
 * By default lines begin with the time as Go's log package writes it, because
 * people and scripts know the Go derper's; log_line.h has the other formats.
 * Writing never blocks and never kills: a line
 * that the reader of standard error does not read in time is dropped and
 * counted, so a full pipe cannot stop the relay (the Go derper stops serving
 * then).
 *
 * Threads: any; locked inside. Only programs log, libraries return reasons.
 */
#ifndef DERPKIT_LOG_H
#define DERPKIT_LOG_H

#include "log_line.h"

/* What a line looks like, and the last level that is printed: text and info if
 * not set. Before threads start. */
void log_set_format(enum log_format format);
void log_set_level(enum log_level level);

/* Takes lines of all levels in place of standard error, for programs that judge
 * what would be logged. The message is borrowed for the call. */
struct log_sink {
	void (*take)(void *ctx, enum log_level level, struct slice message);
	void *ctx;
};
/* Copied; NULL: standard error again. Before threads start. */
void log_set_sink(const struct log_sink *to);

/* LOG_FORMAT_JOURNAL when standard error is the stream to journald that
 * journal_stream (the variable JOURNAL_STREAM; NULL: not set) names; else
 * LOG_FORMAT_TEXT. Source: systemd.exec(5). */
enum log_format log_detect_format(const char *journal_stream);

__attribute__((format(printf, 1, 2))) void log_error(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *fmt, ...);

/* An event with facts that programs read. */
void log_event(enum log_level level, const char *message,
    const struct log_field *fields, size_t count);

/* A further line of the event logged before, which is of level info: without
 * the time. */
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
