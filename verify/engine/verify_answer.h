/*
 * verify_answer: the answer about a node key, and its reason.
 *
 * A plain value. Threads: used by one at a time.
 */
#ifndef DERPKIT_VERIFY_ANSWER_H
#define DERPKIT_VERIFY_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

enum verify_verdict {
	VERIFY_ALLOW,
	VERIFY_DENY,
	VERIFY_UNKNOWN, /* no source could tell: treat it as a denial */
};

#define VERIFY_REASON_MAX 256

struct verify_answer {
	enum verify_verdict verdict;
	/* why, in upstream's words where upstream has some: "peer nodekey:HEX
	 * not authorized (not found in local tailscaled)". Also set on ALLOW:
	 * which source allows the key. */
	char reason[VERIFY_REASON_MAX];
	/* allowed only because a source was unreachable and its policy for
	 * outages is open; the relay logs upstream's line for it */
	bool fail_open;
	/* the engine's, when it was given (verify_revoke.h) */
	uint64_t epoch;
};

/* Sets the whole answer: verdict, formatted reason, no fail-open. Bytes of the
 * reason that are not printable UTF-8 are replaced by "?". */
__attribute__((format(printf, 3, 4))) void verify_answer_set(
    struct verify_answer *answer, enum verify_verdict verdict, const char *fmt,
    ...);

#endif
