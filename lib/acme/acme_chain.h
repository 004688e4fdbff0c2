/*
 * acme_chain: the certificates that an authority issued.
 *
 * Threads: pure functions. Source: RFC 8555 7.4.2 and 9.1, RFC 9773 4.1.
 */
#ifndef DERPKIT_ACME_CHAIN_H
#define DERPKIT_ACME_CHAIN_H

#include "acme_key.h"

#define ACME_CHAIN_ID_MAX 128
#define ACME_CHAIN_CERTS_MAX 16

/* What a chain has to be. All borrowed for the call. */
struct acme_chain_want {
	const struct acme_key *key;
	const char *name;
	bool is_ip;
	int64_t now_s; /* since 1970 */
};

enum acme_chain_verdict {
	ACME_CHAIN_GOOD,
	ACME_CHAIN_NOT_YET, /* good, but not valid before some later time */
	ACME_CHAIN_EXPIRED, /* it was good */
	ACME_CHAIN_BAD,
	ACME_CHAIN_UNKNOWN, /* memory was short */
};

/* Whether the PEM text is a chain whose leaf belongs to the key, is for the
 * name, and is in date: what anything else would do as a server's certificate
 * is not put in the place of one that works. The reason unless it is good. */
enum acme_chain_verdict acme_chain_check(
    struct slice pem, const struct acme_chain_want *want, struct fail *why);

/* From when until when its leaf is valid, in seconds since 1970. -1 when that
 * cannot be read. */
int acme_chain_dates(struct slice pem, int64_t *from_s, int64_t *to_s);

/* By what the authority calls the leaf of a PEM text (other blocks before it
 * are skipped) in renewal information. -1 when it has no such name. */
int acme_chain_id(struct slice pem, char id[static ACME_CHAIN_ID_MAX]);

#endif
