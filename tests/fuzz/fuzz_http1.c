/* Heads of requests and responses, whole and cut short. */
#include "fuzz.h"
#include "http1.h"

static void
check_inside(struct slice part, struct slice in)
{
	if (part.n > 0)
		FUZZ_CHECK(part.p >= in.p && part.p + part.n <= in.p + in.n);
}

static void
check_headers(const struct http1_header *h, size_t count, struct slice in)
{
	FUZZ_CHECK(count <= HTTP1_HEADERS_MAX);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(h[i].name.n > 0);
		check_inside(h[i].name, in);
		check_inside(h[i].value, in);
		http1_has_token(h[i].value, "upgrade");
	}
	http1_header(h, count, "Host");
}

/* A head that is whole must not be whole earlier, nor change later. */
static void
check_used(struct slice in, size_t used)
{
	struct http1_request req;
	size_t again;

	FUZZ_CHECK(used > 0 && used <= in.n && used <= HTTP1_HEAD_MAX);
	FUZZ_CHECK(in.p[used - 1] == '\n');
	FUZZ_CHECK(http1_request_parse(slice_of(in.p, used), &req, &again) ==
	    HTTP1_OK);
	FUZZ_CHECK(again == used);
	FUZZ_CHECK(http1_request_parse(
		       slice_of(in.p, used - 1), &req, &again) == HTTP1_MORE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n);
	struct http1_response res;
	struct http1_request req;
	size_t used;

	if (http1_request_parse(in, &req, &used) == HTTP1_OK) {
		FUZZ_CHECK(req.method.n > 0 && req.path.n > 0);
		check_headers(req.headers, req.header_count, in);
		check_used(in, used);
	}
	if (http1_response_parse(in, &res, &used) == HTTP1_OK) {
		FUZZ_CHECK(res.status >= 100 && res.status <= 999);
		FUZZ_CHECK(used > 0 && used <= n);
		check_headers(res.headers, res.header_count, in);
	}
	return 0;
}
