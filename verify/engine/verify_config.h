/*
 * verify_config: which sources decide about node keys, and how they combine.
 *
 * Start from { 0 }, add sources with verify_config_add, set the rest. A plain
 * value; texts are borrowed from the caller. Threads: used by one at a time.
 */
#ifndef DERPKIT_VERIFY_CONFIG_H
#define DERPKIT_VERIFY_CONFIG_H

#include "filestamp.h"
#include "verify_event.h"
#include "verify_revoke.h"
#include "verify_source.h"

struct arena;
struct verify;

#define VERIFY_SOURCES_MAX 64
#define VERIFY_CONFIG_DIGEST 32 /* bytes */

/* After this time every question has its answer, but for scheduling: a source
 * that has not answered by then counts as unreachable, unless the question had
 * to wait for its turn here while the source answered others. A caller with a
 * time limit of its own sets it higher, or fail-open never takes effect. 5 s is
 * what the Go derper allows the admission URL (derp/derpserver/derpserver.go).
 */
#define VERIFY_ASK_MS 5000

enum verify_policy {
	/* Every source must allow the key (upstream's AND of --verify-clients
	 * and --verify-client-url). The first other answer decides. */
	VERIFY_POLICY_ALL,
	/* One source that allows the key is enough. */
	VERIFY_POLICY_ANY,
};

struct verify_config {
	/* asked in this order, but those that hold their keys in memory are
	 * asked after (ALL) or before (ANY) the others. None: everybody is
	 * allowed. */
	struct verify_source_config sources[VERIFY_SOURCES_MAX];
	size_t source_count;
	enum verify_policy policy;
	/* how long an answer may be reused; 0: defaults (named in verify.c) */
	uint64_t cache_allow_ms, cache_deny_ms;
	/* how long one question may take in all; 0: VERIFY_ASK_MS */
	uint64_t ask_ms;
	/* for the sources. now_ms and wall_s are injected for tests; NULL: the
	 * system's clocks */
	struct verify_source_context context;
	/* who is told of keys that may no longer use the relay */
	struct verify_watch watch;
	/* the engine that the new one is to replace (verify_take_over), or
	 * NULL; borrowed for verify_new */
	struct verify *before;
	/* who is told of nodes that come and go; all zero: nobody */
	struct verify_observer observer;
	/* the texts, if it was read from a file; owned */
	struct arena *arena;
	/* of the file that it was read from, or zero: as it was found before
	 * it was read, and a digest of what was read */
	struct filestamp stamp;
	uint8_t digest[VERIFY_CONFIG_DIGEST];
};

/* Frees what it owns, and makes it { 0 }. Fine on { 0 }. */
void verify_config_clear(struct verify_config *config);

/*
 * Adds a source of that kind (a name in verify_kinds.c). The argument is
 * borrowed; NULL is "". Returns the new row, borrowed from the config, for
 * settings that not every kind has. NULL with *why: the kind is unknown, it
 * needs an argument, or there are VERIFY_SOURCES_MAX sources already.
 */
struct verify_source_config *verify_config_add(struct verify_config *config,
    const char *kind, const char *argument, struct fail *why);

/* Sets the options of the row's kind, in the order of its table; NULL: not set.
 * The texts are borrowed. -1 with *why: there are too many. */
int verify_config_set_all(struct verify_source_config *row,
    const char *const settings[static VERIFY_OPTIONS_MAX], struct fail *why);

/* The name of the n-th policy; NULL after the last. */
const char *verify_config_policy_name(size_t n);

#endif
