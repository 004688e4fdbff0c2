/*
 * fail: the reason why something failed, for a human.
 *
 * Caller-owned and fixed in size, so that giving a reason allocates nothing.
 * The first reason wins: a lower layer knows best. Functions take a struct
 * fail pointer that may be NULL when the reason is not wanted.
 *
 * Use: struct fail why = { 0 }; if (f(&why) == -1) log_error("%s", why.text);
 * Threads: a plain value.
 */
#ifndef DERPKIT_FAIL_H
#define DERPKIT_FAIL_H

#define FAIL_TEXT_MAX 400

struct fail {
	char text[FAIL_TEXT_MAX]; /* "" as long as nothing failed */
	unsigned line;            /* 1-based place in a document; 0: none */
	unsigned column;          /* 1-based, in code points; 0: none */
};

/* Sets the reason if there is none yet. Always -1, so that a caller can
 * `return fail_set(...)`. why may be NULL. */
__attribute__((format(printf, 2, 3))) int fail_set(
    struct fail *why, const char *fmt, ...);

/* Like fail_set, with ": " and the text of errno after it. */
__attribute__((format(printf, 2, 3))) int fail_errno(
    struct fail *why, const char *fmt, ...);

/* Like fail_set, with a place in a document. */
__attribute__((format(printf, 4, 5))) int fail_at(
    struct fail *why, unsigned line, unsigned column, const char *fmt, ...);

#endif
