/*
 * verify_rows: the nodes of a JSON document, in the shapes that headscale,
 * tailscaled and Tailscale's API write (verify_document.h).
 *
 * Threads: plain values.
 */
#ifndef DERPKIT_VERIFY_ROWS_H
#define DERPKIT_VERIFY_ROWS_H

#include "verify_nodes.h"

struct json_t; /* jansson's */

/* Adds the nodes of the document to the list. -1 with *why when it has none of
 * the shapes, a node is bad, there are too many or memory is short. */
int verify_rows_add(
    struct verify_nodes *list, const struct json_t *root, struct fail *why);

#endif
