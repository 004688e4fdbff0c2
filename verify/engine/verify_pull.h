/*
 * verify_pull: a node list by HTTP, and what an answer that has none means.
 *
 * Only a server that cannot be reached is away. One that answers something else
 * (that the secret is wrong, that it is asked too often, that it has a fault)
 * is there, and nobody is admitted for that. Threads: any.
 */
#ifndef DERPKIT_VERIFY_PULL_H
#define DERPKIT_VERIFY_PULL_H

#include "fetch.h"
#include "verify_source.h"

struct verify_pull {
	struct fetch_client *client;
	const char *url;
	const char *unix_socket;  /* or NULL */
	const char *ca_file;      /* or NULL */
	const char *bearer;       /* a secret that goes with it, or NULL */
	const struct slice *post; /* a form with a secret, or NULL: GET */
	uint64_t timeout_ms;
};

/* Makes the request. VERIFY_LISTED: the response is an answer with the status
 * 200 and a complete body. Otherwise *why, and what it means for the list;
 * *again_ms is set where the server tells when to come back. *response is set
 * in every case: fetch_response_clear it. */
enum verify_listed verify_pull_fetch(const struct verify_pull *p,
    const atomic_bool *stop, struct fetch_response *response,
    uint64_t *again_ms, struct fail *why);

/* Makes the request, whose answer must be a node list in one of the JSON shapes
 * of verify_document.h, and adds its nodes to the set of the listing. */
enum verify_listed verify_pull_list(const struct verify_pull *p,
    struct verify_listing *listing, struct fetch_response *response,
    struct fail *why);

#endif
