/*
 * verify: may this node key use the relay?
 *
 * The admission engine as a library: no global state, no printing, no exit.
 * Sources are asked in the order of the configuration and all must agree
 * (upstream's AND of --verify-clients and --verify-client-url). A source is
 * asked on worker threads, one flight per key (and client address, where a
 * source is told it); answers are cached for a short time. The first refusal
 * wins, and the sources behind it are not asked.
 *
 * Life: verify_new -> verify_ask / verify_check ... -> verify_free, which waits
 * for running questions and answers the waiting ones UNKNOWN. Threads: all
 * functions from any thread; locked inside; no callback runs under a lock.
 */
#ifndef DERPKIT_VERIFY_H
#define DERPKIT_VERIFY_H

#include "derp_key.h"
#include "fail.h"
#include "netaddr.h"

struct verify;

enum verify_verdict {
	VERIFY_ALLOW,
	VERIFY_DENY,
	VERIFY_UNKNOWN, /* no source could tell: treat as a refusal */
};

#define VERIFY_REASON_MAX 256
/* After this time every question has its answer, but for scheduling: what a
 * source has not said by then counts as unreachable, unless the question had to
 * wait for its turn here while the source answered others. Who sets a limit of
 * his own on top sets it higher, or fail-open never comes to bear. 5 s is what
 * the Go derper allows the admission URL (derp/derpserver/derpserver.go). */
#define VERIFY_ASK_MS 5000

struct verify_answer {
	enum verify_verdict verdict;
	/* why, in upstream's words where upstream has some: "peer nodekey:HEX
	 * not authorized (not found in local tailscaled)". Also set on ALLOW:
	 * which source vouched. */
	char reason[VERIFY_REASON_MAX];
	/* allowed only because the admission URL was unreachable and fail-open
	 * is on; the relay logs upstream's line for it */
	bool fail_open;
};

struct verify_config {
	/* tailscaled WhoIs over its unix socket; never fails open */
	bool use_tailscaled;
	const char *socket; /* path; "" or NULL: the platform's default */
	/* upstream tries a socket that nobody listens on again during the
	 * first 2 s, as at boot the daemon may come up later: not so here */
	bool socket_once;
	/* POST to an admission URL */
	const char *url;         /* NULL or "": not used */
	const char *url_ca_file; /* PEM roots, or NULL: the system's */
	bool url_fail_open;
	/* node-list file, looked at again when it changes; "-": standard
	 * input, read once */
	const char *nodes_file; /* NULL or "": not used */
	/* how long an answer may be reused; 0: defaults (named in verify.c) */
	uint64_t cache_allow_ms, cache_deny_ms;
	/* told about events that an operator should see (a list that was
	 * reloaded or that is bad); may be NULL; any thread */
	void (*notice)(void *ctx, const char *text);
	void *notice_ctx;
	/* how long one question may take in all; 0: VERIFY_ASK_MS */
	uint64_t ask_ms;
	/* between two looks at a file; 0: 1 s */
	uint64_t look_ms;
	/* injected for tests; NULL: the monotonic clock, in ms, and the wall
	 * clock, in seconds since 1970 (node expiry) */
	uint64_t (*now_ms)(void);
	int64_t (*wall_s)(void);
};

/* Makes an engine; texts of the config are copied. Fails when the node list
 * cannot be read at start. A configuration without sources allows everybody.
 * fetch_global_init must have been called if a URL or socket is configured.
 * Returns owned. */
struct verify *verify_new(const struct verify_config *config, struct fail *why);
/* Blocks for up to a second when questions are running. NULL is fine. Nobody
 * may be asking any more. */
void verify_free(struct verify *v);

/* Called once with the answer, which is borrowed for the call, on a worker
 * thread (or in verify_free). */
typedef void verify_done_fn(void *ctx, const struct verify_answer *answer);

/*
 * Asks without blocking. True: *answer is set now and done is not called.
 * False: done(ctx, ...) is called later, exactly once, on another thread.
 * source is the client's address and may be NULL.
 */
bool verify_ask(struct verify *v, const struct derp_key *key,
    const struct netaddr *source, struct verify_answer *answer,
    verify_done_fn *done, void *ctx);

/* Asks and waits. Not on a loop. */
void verify_check(struct verify *v, const struct derp_key *key,
    const struct netaddr *source, struct verify_answer *answer);

/* Has the files looked at now instead of at the next tick (SIGHUP). Returns at
 * once; the engine's own thread looks, and notice tells what it saw. */
void verify_reload(struct verify *v);

/* What the engine did so far, for metrics. */
struct verify_counters {
	uint64_t asked, from_cache, allowed, denied, unknown, failed_open;
	uint64_t nodes_listed; /* keys in the node list now */
};
void verify_get_counters(struct verify *v, struct verify_counters *out);

#endif
