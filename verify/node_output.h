/*
 * node_output: how nodes that sources name are printed.
 *
 * Threads: any.
 */
#ifndef DERPKIT_NODE_OUTPUT_H
#define DERPKIT_NODE_OUTPUT_H

#include "verify_set.h"

#include <jansson.h>
#include <stdio.h>

/* {"key", "name", "expiry", "expired", "online", "tagged", "ephemeral",
 * "denied"}; NULL when memory is short. Returns owned. now_s is wall-clock
 * time. */
json_t *node_output_json(const struct verify_set_node *node, int64_t now_s);

/* "KEY NAME # never expires, online", without a line end: a line of a node
 * list. Of a key that may not use the relay it is a comment. */
void node_output_text(
    FILE *to, const struct verify_set_node *node, int64_t now_s);

#endif
