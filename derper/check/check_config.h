/*
 * check_config: -check-config, which says what a start with these flags would
 * do (check_facts.h).
 *
 * Threads: the main thread, alone.
 */
#ifndef DERPKIT_CHECK_CONFIG_H
#define DERPKIT_CHECK_CONFIG_H

#include "config.h"

/* Looks and prints it. Returns the exit status: 0 it would start, 1 not. */
int check_config_run(const struct config *config);

/* The same where the flags themselves are refused with that reason. */
int check_config_refused(const struct config *config, const char *why);

#endif
