/*
 * status_json: a relay's status for programs:
 * schemas/derper-status.schema.json.
 *
 * Threads: as status_facts.h.
 */
#ifndef DERPKIT_STATUS_JSON_H
#define DERPKIT_STATUS_JSON_H

#include "status_facts.h"
#include "status_query.h"

/* Clients with the highest rates, which are told whatever the order is. */
#define STATUS_JSON_TALKERS 10

/* Returns owned, NUL-terminated; NULL when memory is short. */
char *status_json(const struct status_facts *f, const struct status_query *q);

#endif
