/*
 * verify_nodes: a list of nodes: keys, when they run out, names.
 *
 * Expiry is checked when a node is looked up, so that a node expires without
 * the list changing. Life: verify_nodes_new -> add ... -> find, first -> free.
 * Threads: used by one at a time while it is filled, immutable then.
 */
#ifndef DERPKIT_VERIFY_NODES_H
#define DERPKIT_VERIFY_NODES_H

#include "derp_key.h"

#define VERIFY_NODES_MAX 100000 /* nodes in one list */
#define VERIFY_NODES_NEVER INT64_MAX
/* when a key ran out of which is only said that it has */
#define VERIFY_NODES_EXPIRED 0
#define VERIFY_NODES_TIME_TEXT 32 /* bytes that a formatted time fits in */

struct verify_node {
	struct derp_key key;
	int64_t expires_s; /* seconds since 1970, or VERIFY_NODES_NEVER */
	const char *name;  /* printable UTF-8; "" when the list has none */
	const struct verify_node *next; /* in the order of the list */
};

struct verify_nodes;

/* An empty list; NULL when memory is short. Returns owned. */
struct verify_nodes *verify_nodes_new(void);
void verify_nodes_free(struct verify_nodes *list);

/* Adds a node; the name is copied and made printable. Of a key that is added
 * twice the earlier expiry counts: who was put off the relay must not come back
 * by an old row. -1 with *why when there are VERIFY_NODES_MAX or memory is
 * short. */
int verify_nodes_add(struct verify_nodes *list, const struct derp_key *key,
    int64_t expires_s, struct slice name, struct fail *why);

/* Number of different keys, expired ones included. */
size_t verify_nodes_count(const struct verify_nodes *list);

/* The node with that key, borrowed, or NULL. */
const struct verify_node *verify_nodes_find(
    const struct verify_nodes *list, const struct derp_key *key);

/* The first node, borrowed; NULL when the list is empty. */
const struct verify_node *verify_nodes_first(const struct verify_nodes *list);

/* Whether the node's key has run out. now_s is wall-clock time. */
bool verify_nodes_is_expired(const struct verify_node *node, int64_t now_s);

/* Adds them all to a set (verify_set.h). -1 with *why: too many, or memory is
 * short. */
struct verify_set;
int verify_nodes_put(
    const struct verify_nodes *list, struct verify_set *set, struct fail *why);

/* A key as people give it: "nodekey:" + 64 hex, or the hex alone. -1 when it
 * is neither, or the zero key. */
int verify_nodes_parse_key(
    struct slice text, struct derp_key *key, struct fail *why);

/* "2026-11-24T02:18:24Z"; "never" for VERIFY_NODES_NEVER. */
void verify_nodes_format_time(
    int64_t time_s, char out[static VERIFY_NODES_TIME_TEXT]);

#endif
