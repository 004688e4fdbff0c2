/*
 * fetch_fault: why a request got no response, in words, and whether that may
 * be the other side's absence at all. For fetch only.
 *
 * Threads: any.
 */
#ifndef DERPKIT_FETCH_FAULT_H
#define DERPKIT_FETCH_FAULT_H

#include "fail.h"

#include <curl/curl.h>
#include <stdbool.h>

/* A request that failed. All borrowed. */
struct fetch_fault {
	CURL *curl;
	CURLcode code;
	const char *text;        /* CURLOPT_ERRORBUFFER */
	const char *unix_socket; /* or NULL */
};

/* Puts libcurl's words, and for a failed connect the system's, which libcurl
 * hides; in lower case, as Go says them and people search for them. */
void fetch_fault_explain(const struct fetch_fault *f, struct fail *why);

/* Whether it failed because the request is wrong (its URL, its roots) or the
 * other side did not prove who it is. Nobody may take that for an outage: a
 * mistyped file name, or somebody on the way, would then open every door. */
bool fetch_fault_is_trust(const struct fetch_fault *f);

#endif
