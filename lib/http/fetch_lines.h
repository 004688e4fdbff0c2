/*
 * fetch_lines: an HTTP answer that does not end, read line by line.
 *
 * For a daemon on this host that tells news over its unix socket, as tailscaled
 * does on its notification bus. What has been read and not been taken is
 * bounded: the daemon waits, or ends the stream. Life: fetch_lines_open ->
 * fetch_lines_next ... -> fetch_lines_close. Threads: one, which blocks in
 * fetch_lines_next only; fetch_lines_wake from any.
 */
#ifndef DERPKIT_FETCH_LINES_H
#define DERPKIT_FETCH_LINES_H

#include "bytes.h"
#include "fail.h"

struct fetch_lines;

struct fetch_lines_config {
	const char *url;
	const char *unix_socket;
	size_t line_max;  /* bytes of a line; a longer one ends the stream */
	uint64_t head_ms; /* for the connection and the head of the answer */
};

enum fetch_lines_event {
	FETCH_LINES_LINE, /* *line is the next, without its end */
	FETCH_LINES_IDLE, /* none came in that time, or it was woken, or a part
			     of one has come */
	FETCH_LINES_END,  /* no more will come; *why tells the reason */
};

/* Begins the request and returns at once; the texts are copied. NULL when
 * memory is short. Returns owned. */
struct fetch_lines *fetch_lines_open(const struct fetch_lines_config *config);
void fetch_lines_close(struct fetch_lines *s);

/* Waits for up to wait_ms. The line is borrowed until the next call. */
enum fetch_lines_event fetch_lines_next(struct fetch_lines *s, uint64_t wait_ms,
    struct slice *line, struct fail *why);

/* The status of the answer; 0: its head has not come. Lines are read of a 200
 * only. */
unsigned fetch_lines_status(const struct fetch_lines *s);

/* Ends the wait of a running fetch_lines_next, or of the next one. */
void fetch_lines_wake(struct fetch_lines *s);

#endif
