/*
 * check_json: what -check-config found out, as a document: see
 * schemas/check-config.schema.json.
 *
 * Threads: the main thread's.
 */
#ifndef DERPKIT_CHECK_JSON_H
#define DERPKIT_CHECK_JSON_H

#include "check_facts.h"

#include <jansson.h>

/* Returns owned; NULL: out of memory. Not complete: errors and warnings alone.
 */
json_t *check_json(const struct check_facts *c, bool is_complete);

#endif
