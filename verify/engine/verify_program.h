/*
 * verify_program: runs a program and takes what it prints.
 *
 * No shell is in between. The program has a process group of its own, an empty
 * standard input and no descriptors of ours. When its time or the room for its
 * output is up, the whole group is killed, and what it leaves behind there is
 * killed when it has ended. Signals that a terminal sends do not reach it: who
 * is ended by one calls verify_program_end_all before. Threads: any; blocks.
 */
#ifndef DERPKIT_VERIFY_PROGRAM_H
#define DERPKIT_VERIFY_PROGRAM_H

#include "buf.h"
#include "fail.h"

#include <stdatomic.h>
#include <sys/types.h>

#define VERIFY_PROGRAM_WORDS_MAX 64

/* The words of a command line: spaces and tabs separate them, and a backslash
 * takes the character after it as it is. */
struct verify_program {
	char *text; /* owned: what words point into */
	char *words[VERIFY_PROGRAM_WORDS_MAX + 1]; /* NULL at the end */
	/* NAME=VALUE, NULL at the end; borrowed. NULL: those of this process */
	char *const *variables;
	/* 0, or a run that did not end and cannot be killed (it may have the
	 * rights of another user); of the thread that runs it */
	pid_t left;
};

/* -1 with *why: there is no word, there are too many, or memory is short. To be
 * cleared in any case. */
int verify_program_parse(
    struct verify_program *p, const char *text, struct fail *why);
void verify_program_clear(struct verify_program *p);

/* Appends one more word to such a command line. -1 with *why: it is empty, or
 * memory is short. */
int verify_program_quote(struct buf *text, struct slice word, struct fail *why);

enum verify_program_end {
	VERIFY_PROGRAM_DONE,    /* with status 0 */
	VERIFY_PROGRAM_FAILED,  /* *why: it cannot be run, took too long,
				   printed too much, cannot be killed, or its
				   status is not 0 */
	VERIFY_PROGRAM_SHORT,   /* *why: a shortage here */
	VERIFY_PROGRAM_STOPPED, /* *stop was set */
};

/* Runs it for at most timeout_ms, and fails while the run before has not ended
 * though it had to. One thread at a time for one program. Its standard output
 * goes to *out, up to the limit of that; of what it says on standard error, the
 * first line goes into *why. */
enum verify_program_end verify_program_run(struct verify_program *p,
    uint64_t timeout_ms, const atomic_bool *stop, struct buf *out,
    struct fail *why);

/* Kills all that run, with their groups, for a process that the caller ends at
 * once. Until then verify_program_run does not return, neither for one that was
 * killed, which would look like an outage of its source, nor for another one.
 * Any thread, once, but not in a signal handler. */
void verify_program_end_all(void);

#endif
