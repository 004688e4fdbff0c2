/*
 * http_router: a table of paths, and who answers each.
 *
 * Adding a page is one function and one row. Paths are matched as Go's
 * http.ServeMux does: a row that ends in "/" takes everything below it, the
 * longest row wins, and a path with empty, "." or ".." parts is redirected to
 * the clean one. Threads: immutable.
 */
#ifndef DERPKIT_HTTP_ROUTER_H
#define DERPKIT_HTTP_ROUTER_H

#include "http_server.h"

/* Answers; arguments as http_server_events.request. */
typedef void http_route_handler(void *ctx, struct http_server *s,
    const struct http1_request *req, struct slice body);

struct http_route {
	const char *path;    /* exact; with a final "/": and all below it */
	const char *methods; /* allowed, as in "GET, HEAD"; NULL: any */
	http_route_handler *handle;
	size_t body_max;    /* bytes of body that it wants to read; 0: none */
	unsigned listeners; /* bits, by the caller's choice: where it is
			       served; 0: everywhere */
};

struct http_router {
	const struct http_route *routes; /* borrowed */
	size_t count;
};

/* The route of a path for a request that came in on `listener` (one bit), or
 * NULL. */
const struct http_route *http_router_find(
    const struct http_router *router, struct slice path, unsigned listener);

/* Answers with a redirect when the path is not clean. False when it is. */
bool http_router_clean(struct http_server *s, const struct http1_request *req);

/* Hands the request to its route, after a look at the method (405). False when
 * there is no route; nothing is answered then. */
bool http_router_handle(const struct http_router *router, unsigned listener,
    void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body);

#endif
