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
	/* a deny list without the key; of one source, never of the engine */
	VERIFY_NO_OPINION,
};

/* Why a source does not know. Only its absence is an outage. */
enum verify_fault {
	VERIFY_FAULT_NONE,
	VERIFY_FAULT_AWAY, /* it cannot be reached: its outage policy counts */
	VERIFY_FAULT_BAD,  /* it answers what cannot be used, or may not be
			      trusted, or rejects our credentials */
	VERIFY_FAULT_OURS, /* a shortage here: says nothing of the source */
};

/* Where an answer comes from. */
enum verify_origin {
	VERIFY_FROM_QUESTION,  /* the source was asked */
	VERIFY_FROM_SET,       /* what the source named is in memory */
	VERIFY_FROM_LAST_GOOD, /* the same, while the source is away */
	VERIFY_FROM_CACHE,     /* it was asked a moment ago */
};

#define VERIFY_REASON_MAX 256

struct verify_answer {
	enum verify_verdict verdict;
	enum verify_fault fault; /* of an UNKNOWN, or of a fail_open */
	enum verify_origin origin;
	/* why, in upstream's words where upstream has some: "peer nodekey:HEX
	 * not authorized (not found in local tailscaled)". Also set on ALLOW:
	 * which source allows the key. */
	char reason[VERIFY_REASON_MAX];
	/* allowed only because a source was unreachable and its policy for
	 * outages is open; the relay logs upstream's line for it */
	bool fail_open;
	/* of an UNKNOWN: a source was not asked, as it did not answer those
	 * before (verify_breaker.h) */
	bool spared;
	/* of a denial: no other source can allow the key (a deny list) */
	bool is_final;
	/* how long ago the source last confirmed this; 0: just now */
	uint64_t age_ms;
	/* the engine's, when it was given (verify_revoke.h) */
	uint64_t epoch;
	/* the engine's: of verify_sources_generation */
	uint64_t generation;
};

/* Sets the whole answer but for what is the engine's: verdict, formatted
 * reason, no fault, no fail-open, from a question. Bytes of the reason that are
 * not printable UTF-8 are replaced by "?". */
__attribute__((format(printf, 3, 4))) void verify_answer_set(
    struct verify_answer *answer, enum verify_verdict verdict, const char *fmt,
    ...);

/* The same for VERIFY_UNKNOWN with a fault. */
__attribute__((format(printf, 3, 4))) void verify_answer_set_fault(
    struct verify_answer *answer, enum verify_fault fault, const char *fmt,
    ...);

#endif
