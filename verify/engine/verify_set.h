/*
 * verify_set: the nodes that a source names, compact and immutable.
 *
 * A set is built (verify_set_add ...), sealed, and then only read. It keeps
 * about 80 bytes for a node with a short name. References are counted: whoever
 * keeps a set holds it.
 *
 * Life: verify_set_new -> verify_set_add ... -> verify_set_seal -> find, at,
 * hold -> verify_set_drop as often as held, and once more. Threads: built by
 * one at a time; immutable once sealed; the count is atomic.
 */
#ifndef DERPKIT_VERIFY_SET_H
#define DERPKIT_VERIFY_SET_H

#include "derp_key.h"
#include "fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERIFY_SET_MAX 100000       /* nodes of one set */
#define VERIFY_SET_NAME_MAX 63      /* bytes of a name; the rest is cut */
#define VERIFY_SET_NEVER INT64_MAX  /* expires_s of a key that does not */
#define VERIFY_SET_ONLINE (1u << 0) /* the source says that it is connected */
#define VERIFY_SET_DENIED                                  \
	(1u << 1) /* may not use the relay, whatever other \
		     sources say */
#define VERIFY_SET_TAGGED (1u << 2)
#define VERIFY_SET_EPHEMERAL (1u << 3)

struct verify_set_node {
	struct derp_key key;
	const char *name;  /* NULL or "": not known; in: copied, and bytes that
			      are not printable UTF-8 replaced; out: borrowed
			      from the set, never NULL */
	int64_t expires_s; /* seconds since 1970, or VERIFY_SET_NEVER */
	unsigned flags;    /* VERIFY_SET_... */
};

struct verify_set;

/* An empty set, or NULL. Returns owned: verify_set_drop. */
struct verify_set *verify_set_new(void);

/* Adds a node; the zero key is left out without an error. Of a key that is
 * added twice the stricter counts: the earlier expiry, and DENIED. -1 and the
 * reason: there are too many, or memory is short. */
int verify_set_add(
    struct verify_set *s, const struct verify_set_node *node, struct fail *why);

/* Takes a key out that was added, if it was. Before the set is sealed. */
void verify_set_remove(struct verify_set *s, const struct derp_key *key);

/* Nothing is added from here on; gives back memory that is not used. */
void verify_set_seal(struct verify_set *s);

/* One more who keeps it. Returns s. */
struct verify_set *verify_set_hold(struct verify_set *s);
/* One less; frees it after the last. NULL is fine. */
void verify_set_drop(struct verify_set *s);

size_t verify_set_count(const struct verify_set *s);

/* False: the key is not in the set. */
bool verify_set_find(const struct verify_set *s, const struct derp_key *key,
    struct verify_set_node *node);

/* The i-th node, i < verify_set_count. */
void verify_set_at(
    const struct verify_set *s, size_t i, struct verify_set_node *node);

/* Whether the key has run out. now_s is wall-clock time. */
bool verify_set_is_expired(const struct verify_set_node *node, int64_t now_s);

#endif
