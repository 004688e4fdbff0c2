/*
 * control: HTTP on the control socket: what the operator asks of a running
 * relay.
 *
 *	GET /status.json	as /debug/status.json
 *	POST /close?key=KEY	ends the connections of a node key
 *	POST /reload		reads files again, as SIGHUP does
 *	POST /drain?within=MS	takes no new connections, has clients leave, and
 *				ends the relay
 *
 * Whoever can connect may do all of that: the socket's mode decides. Life:
 * control_new -> control_free. Threads: loop-owned.
 */
#ifndef DERPKIT_CONTROL_H
#define DERPKIT_CONTROL_H

#include "fail.h"
#include "http_service.h"

struct control;
struct relay_shared;
struct status_ask;

#define CONTROL_CONNECTIONS_MAX 16
#define CONTROL_DRAIN_MS_MAX 86400000 /* a day */

/* What whoever runs the relay does when it is asked; each is called on the loop
 * and returns at once. */
struct control_events {
	void (*reload)(void *ctx);
	void (*drain)(void *ctx, uint64_t within_ms);
	void *ctx;
};

struct control_config {
	struct loop *loop; /* borrowed */
	int fd;            /* listening; taken, also on failure */
	const struct relay_shared *relay;    /* borrowed */
	const struct control_events *events; /* borrowed */
	/* Takes the question; `done` is called from outside of any handler. */
	void (*ask)(void *ctx, struct status_ask *ask);
	void *ctx;
};

/* Returns owned; NULL and the reason. */
struct control *control_new(
    const struct control_config *config, struct fail *why);
/* NULL is fine. */
void control_free(struct control *c);

/* Whether the relay was told to drain. NULL is fine. */
bool control_is_draining(const struct control *c);

#endif
