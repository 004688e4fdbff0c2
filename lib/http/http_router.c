/* http_router: see http_router.h. */
#include "http_router.h"

#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4096 /* of a path that is cleaned */
#define URL_BYTES 8192

/* Whether the row takes what is below it, and this is. */
static bool
is_below(const char *row, struct slice path)
{
	const size_t n = strlen(row);

	return n > 0 && row[n - 1] == '/' && slice_starts(path, row);
}

const struct http_route *
http_router_find(
    const struct http_router *router, struct slice path, unsigned listener)
{
	const struct http_route *best = NULL;

	for (size_t i = 0; i < router->count; i++) {
		const struct http_route *route = &router->routes[i];

		if (route->listeners != 0 && (route->listeners & listener) == 0)
			continue;
		if (slice_is(path, route->path))
			return route; /* none is longer */
		if (is_below(route->path, path) &&
		    (best == NULL || strlen(route->path) > strlen(best->path)))
			best = route;
	}
	return best;
}

/* Removes the last part of a path, slash included. */
static void
remove_part(struct writer *w)
{
	while (w->n > 0 && w->p[--w->n] != '/')
		;
}

/* Writes the path without empty, "." and ".." parts. */
static void
put_clean(struct writer *w, struct slice path)
{
	const bool slash = path.n > 0 && path.p[path.n - 1] == '/';
	struct slice rest = path, part;

	while (rest.n > 0) {
		slice_cut(rest, '/', &part, &rest);
		if (slice_is(part, "..")) {
			remove_part(w);
		} else if (part.n > 0 && !slice_is(part, ".")) {
			writer_u8(w, '/');
			writer_bytes(w, part.p, part.n);
		}
	}
	if (w->n == 0 || slash)
		writer_u8(w, '/');
}

/* Whether put_clean would write the path as it is. */
static bool
is_clean(struct slice path)
{
	struct slice rest, part;

	if (path.n == 0 || path.p[0] != '/')
		return false;
	rest = slice_of(path.p + 1, path.n - 1);
	while (rest.n > 0) {
		slice_cut(rest, '/', &part, &rest);
		if (part.n == 0 || slice_is(part, ".") || slice_is(part, ".."))
			return false;
	}
	return true;
}

/* False when the path is too long for that. */
static bool
redirect_to_clean(struct http_server *s, const struct http1_request *req)
{
	uint8_t clean[PATH_BYTES], url[URL_BYTES];
	struct writer c = writer_of(clean, sizeof clean);
	struct writer u = writer_of(url, sizeof url);

	put_clean(&c, req->path);
	if (c.failed)
		return false;
	writer_bytes(&u, c.p, c.n);
	if (req->query.n > 0)
		writer_u8(&u, '?');
	writer_bytes(&u, req->query.p, req->query.n);
	if (u.failed)
		http_server_error(s, 414, "URI Too Long");
	else
		http_server_redirect(s, 301, writer_slice(&u));
	return true;
}

/* Apart from redirect_to_clean, whose buffers would cost each request. */
bool
http_router_clean(struct http_server *s, const struct http1_request *req)
{
	return !is_clean(req->path) && redirect_to_clean(s, req);
}

/* Whether "GET, HEAD" names the method, which is matched by case. */
static bool
allows(const char *methods, struct slice method)
{
	struct slice rest = slice_str(methods), part;

	while (rest.n > 0) {
		slice_cut(rest, ',', &part, &rest);
		if (slice_eq(slice_trim(part), method))
			return true;
	}
	return false;
}

static void
refuse_method(struct http_server *s, const char *methods)
{
	char headers[128];

	snprintf(headers, sizeof headers,
	    "Allow: %s\r\nX-Content-Type-Options: nosniff\r\n", methods);
	http_server_answer(s,
	    &(struct http_server_answer){ .status = 405,
		.type = "text/plain; charset=utf-8",
		.headers = headers,
		.body = slice_str("Method Not Allowed\n") });
}

bool
http_router_handle(const struct http_router *router, unsigned listener,
    void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	const struct http_route *route =
	    http_router_find(router, req->path, listener);

	if (route == NULL)
		return false;
	if (route->methods != NULL && !allows(route->methods, req->method))
		refuse_method(s, route->methods);
	else
		route->handle(ctx, s, req, body);
	return true;
}
