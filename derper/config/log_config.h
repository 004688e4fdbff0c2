/*
 * log_config: how the relay logs, as flags and environment say.
 *
 * Threads: start-up only.
 */
#ifndef DERPKIT_LOG_CONFIG_H
#define DERPKIT_LOG_CONFIG_H

#include "fail.h"

struct config;

/* For what is logged before the flags are read. getenv is injected. */
void log_config_begin(char *(*env)(const char *name));

/* Sets the format and level of -log-format, -log-level and the Go derper's
 * variable DERP_DEBUG_LOGS. -1 with the reason where one has no such value. */
int log_config_apply(const struct config *config,
    char *(*env)(const char *name), struct fail *why);

#endif
