/*
 * fetch_short: whether a request failed for what we lack ourselves.
 *
 * libcurl reports many a failed allocation, and every descriptor, port or
 * thread that was not to be had, as if the other side were not there: a host
 * that cannot be resolved or connected to. Whoever lets everybody in while the
 * other side is away must be told the difference. For fetch only.
 *
 * Life: fetch_short_init once -> fetch_short_begin, fetch_short_seen per
 * request. Threads: any.
 */
#ifndef DERPKIT_FETCH_SHORT_H
#define DERPKIT_FETCH_SHORT_H

#include "fail.h"

#include <curl/curl.h>
#include <stdbool.h>

#define FETCH_SHORT_TRIED 4 /* addresses that are remembered */

struct fetch_short {
	CURL *curl;                /* borrowed */
	unsigned long allocations; /* that had failed before */
	int socket_error;          /* why there was no socket; 0: there was */
	/* the last addresses that were tried, for a look at the ports */
	struct curl_sockaddr tried[FETCH_SHORT_TRIED];
	unsigned tried_count; /* in all */
};

/* Starts libcurl with allocators that count what fails. -1 when it does not
 * start. */
int fetch_short_init(void);

/* A request begins; s must outlive it. */
void fetch_short_begin(struct fetch_short *s, CURL *curl);

/* It has failed with that code: true and *why when that may be for lack of
 * memory, descriptors, ports or threads here. Memory that another thread lacked
 * meanwhile counts too. Does not block. */
bool fetch_short_seen(
    const struct fetch_short *s, CURLcode code, struct fail *why);

#endif
