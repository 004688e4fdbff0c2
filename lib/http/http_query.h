/*
 * http_query: values in the query of a URL.
 *
 * Threads: pure functions. Source: WHATWG URL (form-urlencoded), as Go's
 * url.ParseQuery.
 */
#ifndef DERPKIT_HTTP_QUERY_H
#define DERPKIT_HTTP_QUERY_H

#include "bytes.h"

/*
 * Appends the decoded value of the first parameter of that name to w. False
 * without it; a parameter that is badly encoded, or holds a semicolon, counts
 * as absent. w fails when the value does not fit.
 */
bool http_query_value(struct slice query, const char *name, struct writer *w);

#endif
