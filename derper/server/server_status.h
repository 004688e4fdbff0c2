/*
 * server_status: the status of this relay, its control socket, and what was
 * asked there of the main thread.
 *
 * Life: { 0 } -> server_status_open -> server_status_start ->
 * server_status_take ... -> server_status_stop -> server_status_close, each at
 * the time that status.h says. Threads: the main thread's.
 */
#ifndef DERPKIT_SERVER_STATUS_H
#define DERPKIT_SERVER_STATUS_H

#include "config.h"
#include "metrics.h"
#include "status.h"
#include "unix_listener.h"

struct server_status {
	struct status *status; /* owned; NULL: not open */
	struct status_relay relay;
	struct control_events events;
	struct unix_listener socket;
	/* what was asked of the main thread; atomic */
	_Atomic bool reload_wanted;
	_Atomic bool drain_wanted;
	_Atomic uint64_t drain_ms; /* set before drain_wanted */
	/* by the main thread: when it ends at the latest; 0: it is not drained
	 */
	uint64_t drained_by_ms;
};

/* All borrowed until server_status_close. */
struct server_status_config {
	const struct config *config;
	const struct relay_shared *shared;
	const struct metrics *metrics;
	/* as bound; NULL: not served */
	const struct netaddr *main, *http, *stun;
};

/* Opens the control socket, too, if there is to be one: before rights are given
 * up. -1 and the reason. */
int server_status_open(struct server_status *s,
    const struct server_status_config *config, struct fail *why);
/* Whether the control socket could be opened; makes nothing. -1 and the reason
 * that server_status_open would give. */
int server_status_try(const struct config *config, struct fail *why);
/* Starts the thread. -1 and the reason. */
int server_status_start(struct server_status *s, struct fail *why);
void server_status_stop(struct server_status *s);
/* Fine on { 0 }. */
void server_status_close(struct server_status *s);

enum server_status_wish {
	SERVER_STATUS_NOTHING,
	SERVER_STATUS_RELOAD,
	SERVER_STATUS_DRAIN, /* within *drain_ms */
};
/* What was asked since the last time. */
enum server_status_wish server_status_take(
    struct server_status *s, uint64_t *drain_ms);

/* Whether a drain was taken, and all clients have left or the time is up. */
bool server_status_is_drained(const struct server_status *s);

#endif
