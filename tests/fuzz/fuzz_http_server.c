/* Requests with and without bodies, in one piece and cut in two: the handler
 * sees the same, and every answer is whole. The first byte says how. */
#include "fuzz.h"
#include "http_router.h"

struct owner {
	struct http_server server;
	size_t body_max;
	unsigned requests;
	size_t body_bytes;
	bool finished;
};

static void
answer(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	struct owner *o = ctx;
	const struct http_server_promise none = { 0 };
	const struct http_server_answer a = { .status = 200, .body = body };

	o->body_bytes += body.n;
	if (slice_is(req->method, "STREAM") &&
	    http_server_stream(s, &a, &none) == HTTP_SERVER_ROOM) {
		(void)http_server_chunk(s, body);
		http_server_stream_end(s);
	} else {
		http_server_answer(s, &a);
	}
}

static const struct http_route routes[] = {
	{ .path = "/", .handle = answer },
	{ .path = "/post", .methods = "POST, STREAM", .handle = answer },
};
static const struct http_router router = { routes, 2 };

static void
request(void *ctx, struct http_server *s, const struct http1_request *req,
    struct slice body)
{
	struct owner *o = ctx;

	FUZZ_CHECK(body.n <= o->body_max);
	o->requests++;
	if (!http_router_clean(s, req) &&
	    !http_router_handle(&router, 1, o, s, req, body))
		http_server_error(s, 404, "Not Found");
}

static size_t
body_max(void *ctx, const struct http1_request *req)
{
	(void)req;
	return ((struct owner *)ctx)->body_max;
}

static size_t
unsent(void *ctx)
{
	(void)ctx;
	return 0;
}

static int
write_bytes(void *ctx, struct slice bytes)
{
	struct owner *o = ctx;

	FUZZ_CHECK(!o->finished && bytes.n > 0);
	return 0;
}

static void
finish(void *ctx)
{
	struct owner *o = ctx;

	FUZZ_CHECK(!o->finished);
	o->finished = true;
}

static void
abort_now(void *ctx, const char *why)
{
	(void)ctx;
	(void)why;
}

static void
pause_reading(void *ctx, bool paused)
{
	(void)ctx;
	FUZZ_CHECK(!paused); /* every answer is given at once */
}

static void
deadline(void *ctx, uint64_t after_ms)
{
	(void)ctx;
	(void)after_ms;
}

static const struct http_server_events events = { .body_max = body_max,
	.request = request,
	.unsent = unsent,
	.write = write_bytes,
	.finish = finish,
	.abort = abort_now,
	.pause = pause_reading,
	.deadline = deadline };

/* Hands in the bytes up to `cut`, then all that was not used. */
static struct owner
serve(struct slice in, size_t cut, size_t max)
{
	struct owner o = { .body_max = max };
	size_t used;

	http_server_open(&o.server, &events, &o);
	used = http_server_input(&o.server, slice_of(in.p, cut));
	FUZZ_CHECK(used <= cut);
	FUZZ_CHECK(http_server_input(&o.server,
		       slice_of(in.p + used, in.n - used)) <= in.n - used);
	http_server_close(&o.server);
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct owner whole, cut;
	struct slice in;

	if (n < 1)
		return 0;
	in = slice_of(data + 1, n - 1);
	whole = serve(in, in.n, data[0] & 1 ? 64 : 0);
	cut = serve(in, in.n * data[0] / 255, data[0] & 1 ? 64 : 0);
	/* more reads may see more requests: the limit is per read */
	if (whole.requests < HTTP_SERVER_REQUESTS_MAX) {
		FUZZ_CHECK(whole.requests == cut.requests);
		FUZZ_CHECK(whole.body_bytes == cut.body_bytes);
		FUZZ_CHECK(whole.finished == cut.finished);
	}
	return 0;
}
