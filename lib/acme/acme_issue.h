/*
 * acme_issue: one certificate, ordered, proven and fetched.
 *
 * Order -> its authorizations, each by one challenge that the caller answers ->
 * the request -> the chain. One that was interrupted after its request can be
 * resumed. Waits between looks are those that the authority
 * asks for; all of it takes at most ACME_ISSUE_WAIT_MS of them. Threads: as
 * acme_client. Source: RFC 8555 7.4 and 7.5, RFC 8738, RFC 9773 5.
 */
#ifndef DERPKIT_ACME_ISSUE_H
#define DERPKIT_ACME_ISSUE_H

#include "acme_client.h"

#define ACME_ISSUE_WAIT_MS (10 * 60 * 1000)

/* Puts a challenge's answer where the authority looks for it, and remembers
 * what is ordered. */
struct acme_answerer {
	void *ctx;
	/* Shows the answer from now on. -1 and the reason. */
	int (*show)(void *ctx, enum acme_kind kind, const char *token,
	    const char *key_authorization, struct fail *why);
	/* Shows nothing any more. */
	void (*hide)(void *ctx);
	/* Remembers the URL of the order, with the key: the request for the
	 * certificate is sent next, and whatever becomes of us, what the
	 * authority then issues, and counts, can still be fetched. -1 and the
	 * reason: it is not sent. NULL: nothing is remembered. */
	int (*keep)(void *ctx, const char *order, struct fail *why);
};

/* All borrowed for the call. */
struct acme_issue {
	const char *name; /* a DNS name in lower case, or an IP address */
	bool is_ip;
	const char *profile;   /* of the authority's; NULL: its default */
	const char *replaces;  /* acme_chain_id of the certificate before; NULL:
				  not to be told */
	unsigned kinds;        /* bits of enum acme_kind that may be used */
	enum acme_kind prefer; /* the one to use when it is offered */
	const struct acme_key *key; /* of the certificate */
	/* URL of an order that was kept with that key, which is taken up where
	 * it was left; NULL: a new one */
	const char *resume;
	struct acme_answerer answerer;
};

/* How far it came. */
struct acme_progress {
	unsigned used; /* kind of the challenge that was tried; 0: none */
	bool lost;     /* the order that was kept or resumed is not there any
			  more, or can bring no certificate */
};

/* Appends the chain in PEM form, unchecked, to *pem. *progress is set in any
 * case. -1 and *error. */
int acme_issue(struct acme_client *c, const struct acme_issue *issue,
    struct buf *pem, struct acme_progress *progress, struct acme_error *error);

#endif
