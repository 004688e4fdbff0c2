/* status_page: see status_page.h. */
#include "status_page.h"

#include "status.h"
#include "worker.h"

#include <stdlib.h>

struct page {
	struct status_ask ask;  /* first member */
	struct mailbox *worker; /* borrowed: where the answer goes */
	const char *headers;    /* of the answer; a constant */
	/* loop-owned by the worker; NULL: the connection has ended */
	struct http_server *server;
};

static void
conn_gone(void *arg)
{
	struct page *page = arg;

	page->server = NULL;
}

/* On the worker again. */
static void
deliver(void *ctx, struct message *m)
{
	struct page *page = (struct page *)m;
	const struct status_ask *ask = &page->ask;

	(void)ctx;
	if (page->server != NULL)
		http_server_answer(page->server,
		    &(struct http_server_answer){ .status = ask->code,
			.type = ask->type,
			.headers = page->headers,
			.body = status_ask_body(ask) });
	status_ask_free(&page->ask);
}

static void
drop(struct message *m)
{
	status_ask_free((struct status_ask *)m);
}

static void
page_done(struct status_ask *ask)
{
	struct page *page = (struct page *)ask;

	ask->message = (struct message){ .handle = deliver, .drop = drop };
	mailbox_post(page->worker, &ask->message, &ask->message);
}

void
status_page(void *ctx, const struct worker *worker, struct http_server *s,
    const struct http1_request *req, const char *headers)
{
	const bool is_json = slice_is(req->path, "/debug/status.json");
	struct status_query query;
	struct page *page;
	const char *bad;

	if (!status_query_parse(&query,
		is_json ? STATUS_QUERY_JSON : STATUS_QUERY_HTML, req->query,
		&bad)) {
		http_server_error(s, 400, bad);
		return;
	}
	page = calloc(1, sizeof *page);
	if (page == NULL) {
		http_server_error(s, 503, "out of memory");
		return;
	}
	page->ask.query = query;
	page->ask.done = page_done;
	page->worker = worker->mailbox;
	page->headers = headers;
	page->server = s;
	http_server_later(
	    s, &(struct http_server_promise){ .gone = conn_gone, .arg = page });
	status_post(ctx, &page->ask);
}
