/*
 * fake_files: system calls on files that fail, or end the process, when a test
 * says so.
 *
 * The test programs that CMakeLists.txt names are linked with --wrap for the
 * calls in fake_files.c, so that those of our own code come here and are
 * counted; libraries keep theirs. Without an order each call is the real one.
 *
 *	for (int n = 1; fake_files_try_exit(n, make, ctx); n++)
 *		check_whole();
 *
 * Threads: one.
 */
#ifndef DERPKIT_FAKE_FILES_H
#define DERPKIT_FAKE_FILES_H

#include <stdbool.h>

/* Makes the n-th call from now on fail with that errno, 1 being the next. A
 * write has then written half of its bytes before. */
void fake_files_fail_at(int n, int error);

/* Lets the next renameat2 fail as where there is no RENAME_NOREPLACE. */
void fake_files_no_noreplace(void);

/* Lets the next files be made without a name, as O_TMPFILE does, which is
 * otherwise not to be had. */
void fake_files_unnamed(void);

/* Whether that call has come. None fails from here on. */
bool fake_files_failed(void);

/* Runs f(ctx) in a child process that ends without a word at its n-th call: a
 * write has then written half. False when f came to its end before; it then
 * must have returned 0. */
bool fake_files_try_exit(int n, int (*f)(void *ctx), void *ctx);

#endif
