/*
 * status_query: what somebody wants to see of a relay's status.
 *
 * Threads: plain values.
 */
#ifndef DERPKIT_STATUS_QUERY_H
#define DERPKIT_STATUS_QUERY_H

#include "bytes.h"

/* Clients of one answer. */
#define STATUS_QUERY_HTML_CLIENTS 100
#define STATUS_QUERY_JSON_CLIENTS 1000
/* Seconds until the page loads itself again. */
#define STATUS_QUERY_REFRESH_S 10
#define STATUS_QUERY_REFRESH_S_MAX 3600
#define STATUS_QUERY_KEY_MAX 256

/* A page; or the next round of a traffic, of which nothing else is asked. */
enum status_query_form {
	STATUS_QUERY_HTML,
	STATUS_QUERY_JSON,
	STATUS_QUERY_TRAFFIC,
};

struct status_query {
	enum status_query_form form;
	bool by_traffic;    /* highest rate first; false: by key */
	size_t offset;      /* clients that are left out before */
	size_t limit;       /* clients that are told at most */
	unsigned refresh_s; /* of the page; 0: never */
	/* "debugkey=..." as it was given, for the links of the page; "": none,
	 * or longer than that */
	char key_pair[STATUS_QUERY_KEY_MAX];
};

/* Reads the query of a URL: order=key|traffic, offset=N, limit=N, refresh=N.
 * What is not there is as usual for the form; a limit that is too high is the
 * highest. False: a value is not valid; *bad names the parameter. */
bool status_query_parse(struct status_query *q, enum status_query_form form,
    struct slice text, const char **bad);

#endif
