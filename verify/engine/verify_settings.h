/*
 * verify_settings: the configuration of an engine in a YAML file, whose form is
 * schemas/verify-config.schema.json.
 *
 * Life: verify_settings_load -> verify_settings_clear. Threads: used by one at
 * a time.
 */
#ifndef DERPKIT_VERIFY_SETTINGS_H
#define DERPKIT_VERIFY_SETTINGS_H

#include "arena.h"
#include "verify_config.h"

#define VERIFY_SETTINGS_BYTES_MAX ((size_t)1 << 20) /* of text */

struct verify_settings {
	struct verify_config config; /* its texts are borrowed from here */
	struct arena *arena;         /* owned */
};

/* Reads the file. -1 and "FILE:LINE:COLUMN: reason"; nothing is to be cleared
 * then. Blocks on the file system. */
int verify_settings_load(
    struct verify_settings *s, const char *path, struct fail *why);

/* The same from text; name is what messages call it. */
int verify_settings_parse(struct verify_settings *s, struct slice text,
    const char *name, struct fail *why);

/* Fine on { 0 } and twice. */
void verify_settings_clear(struct verify_settings *s);

#endif
