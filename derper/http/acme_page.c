/* acme_page: see acme_page.h. */
#include "acme_page.h"

#include "netaddr.h"

#include <string.h>

#define FOLDER "/.well-known/acme-challenge/"

/* Whether both are the same name, or the same address however it is written.
 */
static bool
is_same(struct slice name, const char *host)
{
	struct netaddr a, b;

	if (slice_is_nocase(name, host))
		return true;
	return netaddr_parse_ip(&a, name) == 0 &&
	    netaddr_parse_ip(&b, slice_str(host)) == 0 &&
	    memcmp(a.ip, b.ip, sizeof a.ip) == 0;
}

/* Whether "NAME", "NAME:port" or "[IPV6]:port" is the host. */
static bool
is_for_host(struct slice text, const char *host)
{
	struct reader r = { .rest = text };
	struct slice name = text, rest;

	if (slice_starts(text, "[")) {
		(void)reader_u8(&r);
		slice_cut(r.rest, ']', &name, &rest);
		return is_same(name, host);
	}
	if (is_same(text, host))
		return true;
	slice_cut(text, ':', &name, &rest);
	return is_same(name, host);
}

bool
acme_page_handle(const struct acme_page *page, struct http_server *s,
    const struct http1_request *req)
{
	const struct slice host = req->authority.n > 0
	    ? req->authority
	    : http1_header(req->headers, req->header_count, "Host");
	char text[ACME_PAGE_TEXT_MAX];
	struct writer w = writer_of(text, sizeof text);
	struct reader r = { .rest = req->path };

	if (page->find == NULL || !slice_starts(req->path, FOLDER))
		return false;
	(void)reader_take(&r, sizeof FOLDER - 1);
	if (!is_for_host(host, page->host))
		http_server_error(s, 403, "not the name of this relay");
	else if (!page->find(page->ctx, r.rest, &w))
		http_server_error(s, 404, "no such challenge");
	else
		http_server_answer(s,
		    &(struct http_server_answer){ .status = 200,
			.type = "application/octet-stream",
			.body = writer_slice(&w) });
	return true;
}
