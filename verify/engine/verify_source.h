/*
 * verify_source: somebody who can say whether a key may use the relay.
 *
 * A source is one file: it embeds struct verify_source as its first member and
 * exports one struct verify_source_kind; verify.c lists the kinds in the order
 * in which they are asked. Sources that look into memory only come last.
 *
 * Life: kind->make -> ask, tick ... -> free, when no ask and no tick runs any
 * more. Threads: ask from any number at once, tick from one.
 */
#ifndef DERPKIT_VERIFY_SOURCE_H
#define DERPKIT_VERIFY_SOURCE_H

#include "verify.h"

#include <stdatomic.h>

struct verify_question {
	const struct derp_key *key;   /* never the zero key */
	const struct netaddr *client; /* or NULL: not known */
	uint64_t asked_ms;            /* by now_ms: when it came up */
	uint64_t deadline_ms;         /* by now_ms: answer by then */
	uint64_t (*now_ms)(void);     /* monotonic */
	const atomic_bool *stop;      /* give up soon when it is set */
};

struct verify_source {
	/* immutable */
	bool blocks;       /* ask may wait for others: call it on workers */
	bool reads_client; /* the answer may depend on the client's address */
	/* Sets *answer. */
	void (*ask)(struct verify_source *s, const struct verify_question *q,
	    struct verify_answer *answer);
	/* Looks whether something changed; now is true when the operator asked
	 * for it. Returns in how many ms it wants to be called again. NULL:
	 * nothing to look at. May block. */
	uint64_t (*tick)(struct verify_source *s, bool now);
	/* Entries it has in memory; NULL: it has none. */
	size_t (*count)(struct verify_source *s);
	void (*free)(struct verify_source *s);
};

struct verify_source_kind {
	bool (*is_configured)(const struct verify_config *config);
	/* NULL and *why on failure. Defaults are filled in: now_ms and wall_s
	 * are never NULL. Texts of the config are copied, its functions may be
	 * kept. Returns owned: free with ->free. */
	struct verify_source *(*make)(
	    const struct verify_config *config, struct fail *why);
};

extern const struct verify_source_kind verify_tailscaled_kind;
extern const struct verify_source_kind verify_url_kind;
extern const struct verify_source_kind verify_file_kind;

/* Sets the whole answer: verdict, formatted reason, no fail-open. What is no
 * printable UTF-8 in the reason is replaced. */
__attribute__((format(printf, 3, 4))) void verify_source_answer(
    struct verify_answer *answer, enum verify_verdict verdict, const char *fmt,
    ...);

/* Milliseconds left until the deadline. */
uint64_t verify_source_left_ms(const struct verify_question *q);

#endif
