/*
 * serve_log: what the admission server says of those who ask it.
 *
 * Anybody who can connect can cause these lines, so each kind has a limit of
 * its own: refusals cannot hide who was admitted, and neither can hide who was
 * admitted in an outage. Threads: loop-owned.
 */
#ifndef DERPKIT_SERVE_LOG_H
#define DERPKIT_SERVE_LOG_H

#include "derp_key.h"
#include "log.h"
#include "netaddr.h"
#include "verify_answer.h"

struct serve_log {
	bool quiet; /* no line for a question that has its answer */
	struct log_limit allowed, denied, failed_open, refused;
};

void serve_log_init(struct serve_log *l, bool quiet);

/* A question and its answer. peer asked (unset: over a unix socket) on behalf
 * of client (NULL or unset: not known). */
struct serve_log_question {
	const struct netaddr *peer, *client;
	const struct derp_key *key;
};
void serve_log_answer(struct serve_log *l, uint64_t now_ms,
    const struct serve_log_question *q, const struct verify_answer *answer);

/* A request or a connection that was refused. */
void serve_log_refused(struct serve_log *l, uint64_t now_ms,
    const struct netaddr *peer, const char *why);

#endif
