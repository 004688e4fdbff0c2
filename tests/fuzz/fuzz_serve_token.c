/* The token of a request: what is accepted names the token, whole. */
#include "fuzz.h"
#include "serve_token.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char token[] = "0123456789abcdef";

static struct serve_tokens *
tokens(void)
{
	static struct serve_tokens *t;
	char path[] = "/tmp/derpkit-fuzz-XXXXXX";
	int fd;

	if (t != NULL)
		return t;
	FUZZ_CHECK(sodium_init() != -1);
	fd = mkstemp(path);
	FUZZ_CHECK(fd != -1);
	FUZZ_CHECK(write(fd, token, sizeof token - 1) == sizeof token - 1);
	close(fd);
	t = serve_tokens_load(path, NULL);
	unlink(path);
	FUZZ_CHECK(t != NULL);
	return t;
}

/* Whether the text ends in the token. */
static bool
ends_in_it(struct slice text)
{
	const size_t n = sizeof token - 1;

	return text.n >= n && memcmp(text.p + text.n - n, token, n) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct http1_request req;
	struct slice header, scheme, rest;
	size_t used;

	if (http1_request_parse(slice_of(data, n), &req, &used) != HTTP1_OK ||
	    !serve_tokens_accept(tokens(), &req))
		return 0;
	header = http1_header(req.headers, req.header_count, "Authorization");
	slice_cut(header, ' ', &scheme, &rest);
	FUZZ_CHECK(ends_in_it(req.path) || slice_is_nocase(scheme, "Basic") ||
	    (slice_is_nocase(scheme, "Bearer") && ends_in_it(rest)));
	return 0;
}
