/*
 * verify_sources: the open sources of an engine, and the policy by which their
 * answers become one.
 *
 * Sources are in two groups: those whose ask may block, and those that answer
 * from memory. Life: verify_sources_open -> ask ... -> close, when no question
 * runs any more. Threads: ask from any number at once; otherwise immutable.
 */
#ifndef DERPKIT_VERIFY_SOURCES_H
#define DERPKIT_VERIFY_SOURCES_H

#include "verify_config.h"
#include "verify_member.h"

enum verify_group {
	VERIFY_BLOCKING,
	VERIFY_MEMORY,
};

struct verify_sources {
	/* immutable once open */
	struct verify_member *list[VERIFY_SOURCES_MAX]; /* blocking first */
	size_t count;
	size_t blocking_count;
	bool reads_client; /* an answer may depend on the client's address */
	enum verify_policy policy;
};

/* Opens every source of the config. before, if not NULL, is of the engine that
 * is to be replaced: what it knows of the same sources is taken over. stop is
 * borrowed. -1 with *why; close it all the same. */
int verify_sources_open(struct verify_sources *s,
    const struct verify_config *config,
    const struct verify_source_context *context,
    const struct verify_sources *before, const atomic_bool *stop,
    struct fail *why);

/* The address of the client to which a source last allowed the key. False: none
 * remembers it. */
bool verify_sources_client(const struct verify_sources *s,
    const struct derp_key *key, struct netaddr *client);

/* Starts and ends the threads of those that list or push; *stop has been set
 * before the end. -1: threads are short; stop them all the same. */
int verify_sources_start(struct verify_sources *s);
void verify_sources_stop(struct verify_sources *s);

/* Fine on { 0 }, after a failed open, and twice. */
void verify_sources_close(struct verify_sources *s);

/*
 * Answers from memory alone, without a lock, where that settles it: deny lists
 * first, then by the policy. False: sources must be asked.
 */
bool verify_sources_recall(const struct verify_sources *s,
    const struct derp_key *key, struct verify_answer *answer);

/* The same for a key that a list which has just come does not have any more: no
 * source is to list again for it, least of all on the thread that lists. */
bool verify_sources_recall_listed(const struct verify_sources *s,
    const struct derp_key *key, struct verify_answer *answer);

/*
 * Asks the sources of a group until the policy is decided and combines their
 * answers with *answer, which is { 0 } (no reason) or what the other group
 * said. Of the two groups VERIFY_MEMORY is asked last: it concludes.
 */
void verify_sources_ask(const struct verify_sources *s, enum verify_group group,
    const struct verify_question *q, struct verify_answer *answer);

/* Whether one of those that block is asked once a second only, as it does not
 * answer. */
bool verify_sources_spare(const struct verify_sources *s);

/* Changes when what the sources that block keep in memory does: what they
 * answered before is not to be reused then. */
uint64_t verify_sources_generation(const struct verify_sources *s);

/* Told what one source said, and how long that took. All borrowed. */
typedef void verify_explain_fn(void *ctx, const struct verify_source *source,
    const struct verify_answer *said, uint64_t took_ms);

/* The same for all sources, whether or not the policy is decided before. */
void verify_sources_explain(const struct verify_sources *s,
    const struct verify_question *q, verify_explain_fn *tell, void *ctx,
    struct verify_answer *answer);

/* Whether no further answer can change this one. */
bool verify_sources_decided(
    const struct verify_sources *s, const struct verify_answer *answer);

/* Keys that all sources hold in memory, but for deny lists. */
size_t verify_sources_key_count(const struct verify_sources *s);

/* Calls each for every node that a source names, source by source; a key that
 * two sources name comes twice. Everything is borrowed for the call; changes
 * meanwhile are not seen. */
typedef void verify_node_fn(void *ctx, struct verify_member *member,
    const struct verify_set_node *node);
void verify_sources_each_node(
    const struct verify_sources *s, verify_node_fn *each, void *ctx);

/* Waits until every source that lists has listed once, or failed to; for at
 * most ms. False: one has done neither. For tools. */
bool verify_sources_wait_ready(const struct verify_sources *s, uint64_t ms);

/* How long the first list may take, of the slowest that says so; 0: none does.
 */
uint64_t verify_sources_list_ms(const struct verify_sources *s);

/* Of every member. */
void verify_sources_tick(const struct verify_sources *s);
void verify_sources_reload(const struct verify_sources *s);

#endif
