/*
 * members: the connections of one key, in the order in which they were heard.
 *
 * Most keys have one connection, which needs no memory of its own. Plain memory
 * of the caller, all zero at first; members_clear frees what it holds. Threads:
 * used by one at a time.
 */
#ifndef DERPKIT_MEMBERS_H
#define DERPKIT_MEMBERS_H

#include "conn_addr.h"
#include "netaddr.h"

#include <stddef.h>

/* Connections of one key that stay. */
#define MEMBERS_STAY_MAX 64
/* Connections of one key in all, with those that are about to be ended. */
#define MEMBERS_MAX (2 * MEMBERS_STAY_MAX)

struct member {
	struct conn_addr addr;
	uint32_t number;  /* in the notify sets */
	bool evicted : 1; /* it was told to go */
	bool is_mesh : 1; /* of a mesh peer */
	bool has_ip : 1;  /* ip is set */
	bool is_v4 : 1;   /* and this belongs to it (netaddr.h) */
	uint8_t ip[16];   /* that it comes from */
};

struct members {
	union {                      /* least recently heard first */
		struct member one;   /* with room for 1 */
		struct member *many; /* owned; with more */
	};
	uint8_t count, more; /* of them; room for so many, beside the first */
};

void members_clear(struct members *m);

/* Adds one as the most recently heard. -1 when memory or the limit is reached.
 */
int members_add(struct members *m, struct member member);
/* Takes out the one with that number, which is there; there is room to put one
 * back. */
struct member members_take(struct members *m, uint32_t number);
/* Adds one that was just taken as the most recently heard. */
void members_put_back(struct members *m, struct member member);

/* The i-th of them; the one with that number, which is there. Borrowed until
 * the next change. */
const struct member *members_at(const struct members *m, size_t i);
const struct member *members_get(const struct members *m, uint32_t number);

/* If more than MEMBERS_STAY_MAX stay, the one that was heard from least
 * recently is told to go: its address. All zero: nobody has to. */
struct conn_addr members_choose_evicted(struct members *m);
/* The number of the one to take over: the most recently heard that stays. At
 * least one is there. */
uint32_t members_next_active(const struct members *m);

#endif
