/*
 * sandbox: what the relay gives up once it has opened its sockets and files.
 *
 * Each measure can be switched off, and a kernel that does not have one is no
 * reason not to start: what is in force is told. Threads: entered by the main
 * thread before others run.
 */
#ifndef DERPKIT_SANDBOX_H
#define DERPKIT_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the compiler's sanitizers are built in: they run programs, read
 * /proc and map memory as they like, so by default nothing is given up. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_DEFAULT false
#else
#define SANDBOX_DEFAULT true
#endif

struct sandbox_config {
	bool core_dumps;   /* allow core files and debuggers */
	bool capabilities; /* keep them */
	bool landlock;     /* limit files to those below */
	bool seccomp;      /* limit system calls */
	/* files and folders, borrowed during the call; those that do not
	 * exist are left out; what the libraries read (name resolution,
	 * certificate roots) is added */
	const char *const *read_paths;
	size_t read_count;
	const char *const *write_paths;
	size_t write_count;
};

/* Bytes of the text of what is in force. */
#define SANDBOX_TEXT 400

/* Gives up what is asked for. `report` says what is in force and, of what was
 * asked for and is not, why: one line without its end. */
void sandbox_enter(
    const struct sandbox_config *config, char report[static SANDBOX_TEXT]);

#endif
