/*
 * server_supervision: what the relay tells the service manager of itself
 * (supervision.h): whether it has what it needs, and a line for people.
 *
 * It is complete when every source of admission that lists nodes has done so,
 * or failed to: whoever is started after it finds its members admitted.
 * Threads: the main thread.
 */
#ifndef DERPKIT_SERVER_SUPERVISION_H
#define DERPKIT_SERVER_SUPERVISION_H

#include "config.h"
#include "metrics.h"
#include "supervision.h"

/* Polls, and tells clients, certificate and admission. What is wrong is logged.
 */
void server_supervision_poll(struct supervision *s, const struct config *config,
    const struct metrics *metrics, uint64_t now_us);

#endif
