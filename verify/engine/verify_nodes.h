/*
 * verify_nodes: a list of node keys out of text.
 *
 * Read are: plain lines "nodekey:HEX name # comment" (the prefix and the name
 * are optional); what `headscale nodes list -o json` prints, a bare array with
 * snake_case names (0.29 and older) or camelCase ones (newer), or `null`; and
 * headscale's REST answer {"nodes":[...]}. A list is good or bad as a whole: a
 * typing error must not silently put somebody off the relay.
 *
 * Expiry is checked when a node is looked up, so that a node expires without
 * the text changing. Life: verify_nodes_parse -> find, next -> free. Threads:
 * immutable once made. Source: headscale, hscontrol/types/node.go and its CLI.
 */
#ifndef DERPKIT_VERIFY_NODES_H
#define DERPKIT_VERIFY_NODES_H

#include "derp_key.h"

#define VERIFY_NODES_MAX 100000                   /* nodes in one list */
#define VERIFY_NODES_BYTES_MAX ((size_t)32 << 20) /* of text */
#define VERIFY_NODES_NEVER INT64_MAX
#define VERIFY_NODES_TIME_TEXT 32 /* bytes that a formatted time fits in */

struct verify_node {
	struct derp_key key;
	int64_t expires_s; /* seconds since 1970, or VERIFY_NODES_NEVER */
	const char *name;  /* printable UTF-8; "" when the list has none */
	const struct verify_node *next; /* in the order of the list */
};

struct verify_nodes;

/* NULL and the reason, with the line where there is one, when the text is no
 * node list, is too large, or memory is short. Returns owned. */
struct verify_nodes *verify_nodes_parse(struct slice text, struct fail *why);
void verify_nodes_free(struct verify_nodes *list);

/* Number of different keys, expired ones included. */
size_t verify_nodes_count(const struct verify_nodes *list);

/* The node with that key, borrowed, or NULL. */
const struct verify_node *verify_nodes_find(
    const struct verify_nodes *list, const struct derp_key *key);

/* The first node, borrowed; NULL when the list is empty. */
const struct verify_node *verify_nodes_first(const struct verify_nodes *list);

/* Whether the node's key has run out. now_s is wall-clock time. */
bool verify_nodes_is_expired(const struct verify_node *node, int64_t now_s);

/* A key as people give it: "nodekey:" + 64 hex, or the hex alone. -1 when it
 * is neither, or the zero key. */
int verify_nodes_parse_key(
    struct slice text, struct derp_key *key, struct fail *why);

/* "2026-11-24T02:18:24Z"; "never" for VERIFY_NODES_NEVER. */
void verify_nodes_format_time(
    int64_t time_s, char out[static VERIFY_NODES_TIME_TEXT]);

#endif
