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
};

void acme_issued_init(struct acme_issued *issued);
void acme_issued_clear(struct acme_issued *issued);

/* Gets one into *issued, which is initialised. *used as acme_issue. -1 and
 * *error. */
int acme_attempt_run(const struct acme_attempt *a, struct acme_issued *issued,
    unsigned *used, struct acme_error *error);

/* Asks when to renew the certificate in the folder. *offered: the authority
 * answers such questions; *retry_after_s: when to ask again, 0: not said. -1
 * when there is no suggestion. */
int acme_attempt_ask(const struct acme_attempt *a, struct acme_window *window,
    bool *offered, unsigned *retry_after_s);

#endif
