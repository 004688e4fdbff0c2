/*
 * verify_settings: the configuration of an engine in a YAML file, whose form is
 * schemas/verify-config.schema.json.
 *
 * Threads: pure, but for the file system, on which it blocks.
 */
#ifndef DERPKIT_VERIFY_SETTINGS_H
#define DERPKIT_VERIFY_SETTINGS_H

#include "verify_config.h"

#define VERIFY_SETTINGS_BYTES_MAX ((size_t)1 << 20) /* of text */

/* Reads the file into *config, which is { 0 } and owns its texts then:
 * verify_config_clear. -1 and "FILE:LINE:COLUMN: reason"; nothing is to be
 * cleared then. */
int verify_settings_load(
    struct verify_config *config, const char *path, struct fail *why);

/* The same from text; name is what messages call it. */
int verify_settings_parse(struct verify_config *config, struct slice text,
    const char *name, struct fail *why);

#endif
