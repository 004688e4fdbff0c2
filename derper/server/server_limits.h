/*
 * server_limits: how many connections are accepted per second, and how much
 * clients may send: what the flags ask for.
 *
 * Life: server_limits_open -> server_limits_reload ... -> server_limits_close.
 * Threads: the main thread's; what it holds is for all.
 */
#ifndef DERPKIT_SERVER_LIMITS_H
#define DERPKIT_SERVER_LIMITS_H

#include "config.h"

struct server_limits {
	const struct config *config;       /* borrowed */
	struct accept_limit *accept_limit; /* owned; NULL: there is none */
	struct rate_limit *rate_limit;     /* owned; NULL: there is none */
};

/* -1 and the reason; server_limits_close is right all the same. */
int server_limits_open(
    struct server_limits *l, const struct config *config, struct fail *why);
/* Reads the file of -rate-config again: for SIGHUP, or because somebody asked.
 */
void server_limits_reload(struct server_limits *l, bool by_signal);
void server_limits_close(struct server_limits *l);

#endif
