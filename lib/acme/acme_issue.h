/*
 * acme_issue: one certificate, ordered, proven and fetched.
 *
 * Order -> its authorizations, each by one challenge that the caller answers ->
 * the request -> the chain. Waits between looks are those that the authority
 * asks for; all of it takes at most ACME_ISSUE_WAIT_MS of them. Threads: as
 * acme_client. Source: RFC 8555 7.4 and 7.5, RFC 8738, RFC 9773 5.
 */
#ifndef DERPKIT_ACME_ISSUE_H
#define DERPKIT_ACME_ISSUE_H

#include "acme_client.h"

#define ACME_ISSUE_WAIT_MS (10 * 60 * 1000)

/* Puts a challenge's answer where the authority looks for it. */
struct acme_answerer {
	void *ctx;
	/* Shows the answer from now on. -1 and the reason. */
	int (*show)(void *ctx, enum acme_kind kind, const char *token,
	    const char *key_authorization, struct fail *why);
	/* Shows nothing any more. */
	void (*hide)(void *ctx);
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
	struct acme_answerer answerer;
};

/* Appends the chain in PEM form, unchecked, to *pem. *used is set to the kind
 * of challenge that was tried; 0: none. -1 and *error. */
int acme_issue(struct acme_client *c, const struct acme_issue *issue,
    struct buf *pem, unsigned *used, struct acme_error *error);

#endif
