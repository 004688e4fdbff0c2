/*
 * admission_config: the configuration of the admission engine, out of the flags
 * and of the file that -verify-config names.
 *
 * Threads: the main thread's.
 */
#ifndef DERPKIT_ADMISSION_CONFIG_H
#define DERPKIT_ADMISSION_CONFIG_H

#include "config.h"
#include "verify_config.h"

/*
 * The sources of the file, if there is one, and those of the flags, all of
 * which must allow a key; a file whose policy is any cannot be combined with
 * flags, but with deny lists. Without either there are no sources. *config is
 * { 0 } before and cleared with verify_config_clear after. -1 and the reason.
 */
int admission_config_read(
    struct verify_config *config, const struct config *flags, struct fail *why);

/* Logs flags that have no effect, as -socket without -verify-clients. */
void admission_config_warn(const struct config *flags);

/* Calls file for every file that the engine reads while it runs, folder for
 * every folder that it writes to. Borrowed from the config. */
void admission_config_each_path(const struct verify_config *config,
    void (*file)(void *ctx, const char *path),
    void (*folder)(void *ctx, const char *path), void *ctx);

#endif
