/*
 * forwarders: through which other relays of the mesh a key can be reached.
 *
 * A relay is a link, numbered from 1. A key has a preferred one: the one that
 * said first that the key is there, and when that takes it back, of the others
 * the one that said so next. Most keys are at one relay, for which the key's
 * owner (registry.c) keeps two bytes, struct forwarder; only keys that are at
 * more than one have an entry here. Packets are never sent to more than one.
 *
 * Life: forwarders_new -> forwarders_add, forwarders_remove ... ->
 * forwarders_free. Threads: used by one at a time. Source: tailscale
 * derp/derpserver/derpserver.go (AddPacketForwarder, multiForwarder).
 */
#ifndef DERPKIT_FORWARDERS_H
#define DERPKIT_FORWARDERS_H

#include "derp_key.h"

/* Links that there may be. */
#define FORWARDERS_LINKS_MAX 64

/* Of a key; all zero: none. */
struct forwarder {
	uint8_t preferred; /* 0: none */
	bool several;      /* others are in the table */
};

struct forwarders;

/* A table for at most max keys with several links. Returns owned; NULL when
 * memory is short. */
struct forwarders *forwarders_new(size_t max);
void forwarders_free(struct forwarders *f);

enum forwarders_added {
	FORWARDERS_KNOWN,   /* it was there before */
	FORWARDERS_FIRST,   /* it is the only one */
	FORWARDERS_SECOND,  /* the key has several from here on */
	FORWARDERS_FURTHER, /* the key had several before */
	FORWARDERS_NO_MEMORY,
};
/* The key can be reached through the link. */
enum forwarders_added forwarders_add(struct forwarders *f,
    const struct derp_key *key, struct forwarder *of, uint8_t link);

enum forwarders_removed {
	FORWARDERS_LAST,      /* the key has none any more */
	FORWARDERS_COLLAPSED, /* the key had several and has one */
	FORWARDERS_FEWER,     /* the key still has several */
	FORWARDERS_OTHER,     /* it is none of the key's, who has one */
	FORWARDERS_UNKNOWN,   /* likewise, and it has none or several */
};
/* The key cannot be reached through the link any more. */
enum forwarders_removed forwarders_remove(struct forwarders *f,
    const struct derp_key *key, struct forwarder *of, uint8_t link);

#endif
