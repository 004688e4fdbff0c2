/*
 * acme_json: JSON from text and to text, whole or not at all.
 *
 * jansson alone leaves out what there was no memory for (json_memory.h).
 * Threads: pure functions.
 */
#ifndef DERPKIT_ACME_JSON_H
#define DERPKIT_ACME_JSON_H

#include <jansson.h>

#include "acme_reading.h"
#include "bytes.h"

/* *value is owned; NULL unless it is read. */
enum acme_reading acme_json_load(struct slice text, json_t **value);

/* Takes the value, which may be NULL. Compact text, owned: free; NULL when
 * memory is short. */
char *acme_json_dump(json_t *value);

#endif
