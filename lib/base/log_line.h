/*
 * log_line: an event as a line of the log, in each format.
 *
 *   text     2026/08/22 11:48:56 message name=value name="two words"
 *   json     {"time":"2026-08-22T09:48:56.123Z","level":"info","message":"..."}
 *   journal  <6>message name=value: without a time, which journald keeps itself
 *
 * Whatever the message and the fields hold, a line has no control character but
 * its end, and a JSON line is one object, also where it had to be cut. Threads:
 * pure functions. Source: Go log; RFC 8259; sd-daemon(3) for the prefixes.
 */
#ifndef DERPKIT_LOG_LINE_H
#define DERPKIT_LOG_LINE_H

#include "bytes.h"

#include <time.h>

#define LOG_LINE_MAX 2048 /* bytes with the end; longer lines are cut */

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_JOURNAL };

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* A fact of an event, for programs. */
struct log_field {
	const char *name; /* a JSON name that needs no escapes */
	const char *text; /* NULL: it is a number */
	uint64_t number;
};

struct log_entry {
	enum log_level level;
	bool continues; /* the event before: text has no time */
	struct timespec at;
	struct slice message;
	const struct log_field *fields;
	size_t field_count;
};

/* Appends the line with its end to w, which has LOG_LINE_MAX bytes of room. A
 * message that does not fit is cut, a field that does not is left out. */
void log_line_put(
    struct writer *w, enum log_format format, const struct log_entry *entry);

#endif
