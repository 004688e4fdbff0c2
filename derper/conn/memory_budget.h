/*
 * memory_budget: what all connections of a worker may hold, and who goes first.
 *
 * Memory is charged by class; classes that fill up together form a group, and
 * each group has a limit. Every connection has a share of a group: what it
 * holds there. When a group meets its limit it is under pressure, and its
 * largest holder (within a factor of two; of those the one that has been so
 * large for longest) is the one to end: never whoever happens to come next.
 * All operations are O(1); connections are not walked.
 *
 * Plain memory of the caller. Life: memory_budget_init -> memory_budget_charge,
 * memory_budget_discharge. Threads: loop-owned.
 */
#ifndef DERPKIT_MEMORY_BUDGET_H
#define DERPKIT_MEMORY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum memory_class {
	MEMORY_OUTPUT_QUEUED, /* in the output queues */
	MEMORY_OUTPUT_UNSENT, /* kept by streams for full sockets */
	MEMORY_INPUT,    /* input, not whole yet, of those who are logged in */
	MEMORY_NO_LOGIN, /* all that the others hold, themselves included */
	MEMORY_CLASSES,
};

enum memory_group {
	MEMORY_GROUP_OUTPUT,   /* both kinds of output */
	MEMORY_GROUP_INPUT,    /* of clients that are logged in */
	MEMORY_GROUP_NO_LOGIN, /* of all others */
	MEMORY_GROUPS,
};

/* One bucket of shares for each power of two. */
#define MEMORY_BUCKETS 64

/* What one connection holds in one group; embedded in it, all zero at first. A
 * share may pass to another group while it holds nothing. */
struct memory_share {
	struct memory_share *next, *prev; /* in its bucket */
	size_t held;                      /* bytes; 0: in no bucket */
};

struct memory_bucket {
	struct memory_share *first, *last; /* who came first is first */
};

struct memory_budget {
	size_t limits[MEMORY_GROUPS];   /* immutable; bytes */
	size_t used[MEMORY_CLASSES];    /* bytes */
	bool pressure[MEMORY_GROUPS];   /* the limit was met */
	uint64_t filled[MEMORY_GROUPS]; /* a bit for each bucket with shares */
	struct memory_bucket buckets[MEMORY_GROUPS][MEMORY_BUCKETS];
};

/* Nothing is held; limits in bytes. */
void memory_budget_init(
    struct memory_budget *b, const size_t limits[static MEMORY_GROUPS]);

/* Charges n bytes. False when the group's limit does not allow them: nothing is
 * charged then, and the group is under pressure. */
bool memory_budget_charge(struct memory_budget *b, struct memory_share *share,
    enum memory_class class, size_t n);
/* What was charged to the class, `before` bytes, is `now` bytes, which are held
 * already: beyond the limit the group is under pressure. A share that stays as
 * large, within a factor of two, keeps its place among those. */
void memory_budget_change(struct memory_budget *b, struct memory_share *share,
    enum memory_class class, size_t before, size_t now);
/* Takes back n bytes that were charged to the class. */
void memory_budget_discharge(struct memory_budget *b,
    struct memory_share *share, enum memory_class class, size_t n);

/* Bytes that the group holds. */
size_t memory_budget_used(
    const struct memory_budget *b, enum memory_group group);
/* Whether the group and `more` bytes are above its limit. */
bool memory_budget_exceeds(
    const struct memory_budget *b, enum memory_group group, size_t more);

/* Whether the group met its limit since this was last asked. */
bool memory_budget_take_pressure(
    struct memory_budget *b, enum memory_group group);
/* Who should go for the group to have an eighth of its limit free; NULL when it
 * has, or when nobody holds anything. The caller ends that connection, which
 * discharges what it holds, and asks again. */
struct memory_share *memory_budget_next_to_shed(
    const struct memory_budget *b, enum memory_group group);

#endif
