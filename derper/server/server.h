/*
 * server: builds the workers and what they share, starts and reloads them, and
 * takes them down. Threads: main.
 */
#ifndef DERPKIT_SERVER_H
#define DERPKIT_SERVER_H

#include "config.h"
#include "fail.h"

/* Serves until SIGINT or SIGTERM. 0 for a clean stop, -1 and the reason when
 * it could not start. */
int server_run(const struct config *config, struct fail *why);

#endif
