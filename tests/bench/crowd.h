/*
 * crowd: many clients that log in and little else.
 *
 * hold: all log in and stay until the gate's `end`, which main sets when told
 * to go. login: `clients` logins, at most `concurrency` at a time, each closed
 * when it is up; starts when the gate opens. storm: all log in and wait for
 * the gate; then each closes and logs in again, over and over, until `to`.
 * Threads: one crowd_worker each; see load.h.
 */
#ifndef DERPKIT_CROWD_H
#define DERPKIT_CROWD_H

#include "load_run.h"

#include <stdatomic.h>

enum crowd_kind {
	CROWD_HOLD,
	CROWD_LOGIN,
	CROWD_STORM,
};

struct crowd_worker {
	struct load *load;
	enum crowd_kind kind;
	unsigned index; /* takes every threads-th client */
	atomic_bool *stop;
	/* results */
	uint64_t logins;   /* hold, login: all; storm: in the window */
	uint64_t failures; /* likewise */
	uint64_t lost;     /* hold: connections the relay ended */
	struct fail why;   /* of the first failure */
};

/* A thread's body. ctx is a struct crowd_worker. */
void *crowd_run(void *ctx);

#endif
