/*
 * verify_expiry: when a node's key runs out, as JSON from outside says it.
 *
 * Read are null and an absent member (never), RFC 3339 as Go writes it, with
 * any number of digits of a second and any offset, {"seconds":N,"nanos":N} with
 * zeros left out, as headscale 0.29 and older print it, and Go's zero time, the
 * year 1 (never). Threads: plain values.
 */
#ifndef DERPKIT_VERIFY_EXPIRY_H
#define DERPKIT_VERIFY_EXPIRY_H

#include <stdint.h>

struct json_t; /* jansson's */

/* Seconds since 1970, or VERIFY_NODES_NEVER. NULL is an absent member. -1 when
 * it is something else. */
int verify_expiry_parse(const struct json_t *value, int64_t *out);

#endif
