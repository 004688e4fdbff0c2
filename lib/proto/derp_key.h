/*
 * derp_key: Curve25519 node keys and the mesh key.
 *
 * Text forms: "nodekey:" + 64 hex (public), "privkey:" + 64 hex (private), 64
 * hex alone (untyped: HTTP header, metacert). Hex is lower case on output and
 * either case on input. Source: tailscale types/key/node.go, derp.go, util.go.
 * Threads: plain values, pure functions.
 */
#ifndef DERPKIT_DERP_KEY_H
#define DERPKIT_DERP_KEY_H

#include "bytes.h"
#include "fail.h"

#define DERP_KEY 32 /* bytes */

struct derp_key { /* public */
	uint8_t b[DERP_KEY];
};

struct derp_private_key { /* wipe with derp_private_key_clear */
	uint8_t b[DERP_KEY];
};

#define DERP_KEY_TEXT 73      /* "nodekey:" + 64 hex + NUL */
#define DERP_KEY_HEX_TEXT 65  /* 64 hex + NUL */
#define DERP_KEY_SHORT_TEXT 8 /* "[AbCdE]" + NUL */

bool derp_key_eq(const struct derp_key *a, const struct derp_key *b);
bool derp_key_is_zero(const struct derp_key *k);

/* "nodekey:" + 64 hex; -1 on anything else. */
int derp_key_parse(struct derp_key *k, struct slice text);
/* 64 hex without prefix. */
int derp_key_parse_hex(struct derp_key *k, struct slice text);
void derp_key_format(const struct derp_key *k, char out[static DERP_KEY_TEXT]);
void derp_key_format_hex(
    const struct derp_key *k, char out[static DERP_KEY_HEX_TEXT]);
/* "[AbCdE]" as in Go's logs; "" for the zero key. */
void derp_key_format_short(
    const struct derp_key *k, char out[static DERP_KEY_SHORT_TEXT]);

/* A new random key, clamped. */
void derp_private_key_generate(struct derp_private_key *k);
/* "privkey:" + exactly 64 hex, nothing around it. */
int derp_private_key_parse(struct derp_private_key *k, struct slice text);
void derp_private_key_format(
    const struct derp_private_key *k, char out[static DERP_KEY_TEXT]);
/* The public key; -1 when k is unusable (all zero). */
int derp_private_key_public(
    const struct derp_private_key *k, struct derp_key *out);
void derp_private_key_clear(struct derp_private_key *k);

/* Mesh key: 64 hex without prefix. All zero means none. */
int derp_mesh_key_parse(uint8_t out[static DERP_KEY], struct slice text);

#endif
