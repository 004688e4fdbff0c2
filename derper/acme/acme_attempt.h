/*
 * acme_attempt: one try at getting a certificate, and the question when the
 * authority would like the next.
 *
 * Threads: the caller's, for as long as the authority takes. Blocking.
 */
#ifndef DERPKIT_ACME_ATTEMPT_H
#define DERPKIT_ACME_ATTEMPT_H

#include "acme_config.h"
#include "acme_folder.h"
#include "acme_issue.h"

struct acme_answers;

/* How far apart the authority's clock and ours may be. */
#define ACME_ATTEMPT_CLOCK_S (60 * 60)

/* All borrowed. */
struct acme_attempt {
	const struct acme_config *config;
	const struct acme_folder *folder;
	struct acme_transport transport;
	struct acme_answers *answers;
	unsigned kinds; /* of challenges that can be answered */
	enum acme_kind prefer;
};

/* A certificate that was issued and checked, and its key. */
struct acme_issued {
	struct acme_key *key; /* owned; NULL: there is none */
	struct buf chain;     /* PEM */
	int64_t from_s, to_s; /* when it is valid; both 0: unknown */
};

void acme_issued_init(struct acme_issued *issued);
void acme_issued_clear(struct acme_issued *issued);

/* Gets one into *issued, which is initialised: that of an order that was left
 * before it was fetched, else a new one, unless the clock is wrong. *used: the
 * kind of challenge that was tried; 0: none. -1 and *error. The caller has the
 * folder's lock, and removes what is remembered of the order once the
 * certificate is written. */
int acme_attempt_run(const struct acme_attempt *a, struct acme_issued *issued,
    unsigned *used, struct acme_error *error);

/* What the authority says of renewals. */
struct acme_suggestion {
	struct acme_window window;
	bool offered;           /* it answers such questions, also of this
				   certificate */
	unsigned retry_after_s; /* when to ask again; 0: not said */
};

/* Asks when to renew the certificate in the folder. *s is set in any case. -1
 * and the reason when there is no window. */
int acme_attempt_ask(
    const struct acme_attempt *a, struct acme_suggestion *s, struct fail *why);

#endif
