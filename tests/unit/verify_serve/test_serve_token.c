/* serve_token: files of tokens, and where a request may name one. */
#include "check.h"

#include "encode.h"
#include "serve_token.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ONE "0123456789abcdef"
#define TWO "Tok-en._~ABCDEFG"

static struct serve_tokens *
load(const char *text, struct fail *why)
{
	char path[] = "/tmp/derpkit-tokens-XXXXXX";
	struct serve_tokens *t;
	int fd = mkstemp(path);

	check(fd != -1);
	check_int(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	*why = (struct fail){ 0 };
	t = serve_tokens_load(path, why);
	unlink(path);
	return t;
}

static bool
accepts(const struct serve_tokens *t, const char *target, const char *header)
{
	struct http1_request req;
	char text[1024];
	size_t used;

	snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: h\r\n%s%s%s\r\n",
	    target, header != NULL ? "Authorization: " : "",
	    header != NULL ? header : "", header != NULL ? "\r\n" : "");
	check_int(http1_request_parse(slice_str(text), &req, &used), HTTP1_OK);
	return serve_tokens_accept(t, &req);
}

static bool
accepts_basic(const struct serve_tokens *t, const char *credentials)
{
	char encoded[1024], header[1100];

	check_int(
	    encode_base64(encoded, sizeof encoded, slice_str(credentials)), 0);
	snprintf(header, sizeof header, "Basic %s", encoded);
	return accepts(t, "/verify", header);
}

static void
serve_tokens_are_found_where_they_may_be(void **state)
{
	struct fail why;
	struct serve_tokens *t = load("# relays\n\n " ONE " \r\n" TWO, &why);

	(void)state;
	check_text(why.text, "");
	check(accepts(t, "/verify", "Bearer " ONE));
	check(accepts(t, "/verify", "bEARER   " TWO " "));
	check(accepts(t, "/verify/" ONE, NULL));
	check(accepts(t, "/verify/" TWO, "Bearer no"));
	check(accepts_basic(t, "any:" ONE));
	check(accepts_basic(t, ":" TWO));
	check(!accepts(t, "/verify", NULL));
	check(!accepts(t, "/verify/", NULL));
	check(!accepts(t, "/verify/" ONE "/", NULL));
	check(!accepts(t, "/verify/?" ONE, NULL));
	check(!accepts(t, "/metrics/" ONE, NULL));
	check(!accepts(t, "/verify", "Bearer"));
	check(!accepts(t, "/verify", "Bearer "));
	check(!accepts(t, "/verify", "Bearer " ONE "0"));
	check(!accepts(t, "/verify", "Bearer 0123456789ABCDEF"));
	check(!accepts(t, "/verify", "Bearer # relays"));
	check(!accepts(t, "/verify", "Digest " ONE));
	check(!accepts_basic(t, ONE));
	check(!accepts_basic(t, ONE ":"));
	check(!accepts_basic(t, "a:b:" ONE));
	check(!accepts(t, "/verify", "Basic " ONE));
	serve_tokens_free(t);
}

static void
check_bad(const char *text, const char *reason)
{
	struct fail why;

	check_null(load(text, &why));
	check_contains(why.text, reason);
}

static void
serve_tokens_load_refuses(void **state)
{
	char many[2048] = "", longest[300] = "";
	struct fail why = { 0 };
	struct serve_tokens *t;

	(void)state;
	check_bad("", "not one token");
	check_bad("# " ONE "\n\n", "not one token");
	check_bad(ONE "\n0123456789abcde\n", "has 15 characters");
	check_bad(ONE " x", "characters other than");
	check_bad(ONE "/x", "characters other than");
	check_bad(ONE "\xc3\xa4", "characters other than");
	memset(longest, 'a', SERVE_TOKEN_BYTES_MAX);
	t = load(longest, &why);
	check(t != NULL);
	serve_tokens_free(t);
	longest[SERVE_TOKEN_BYTES_MAX] = 'a';
	check_bad(longest, "has 257 characters");
	for (int i = 0; i < SERVE_TOKENS_MAX; i++)
		strcat(many, ONE "\n");
	t = load(many, &why);
	check(t != NULL);
	serve_tokens_free(t);
	strcat(many, ONE "\n");
	check_bad(many, "more than 16 tokens");
	why = (struct fail){ 0 };
	check_null(serve_tokens_load("/nowhere/tokens", &why));
	check_contains(why.text, "/nowhere/tokens: No such file");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serve_tokens_are_found_where_they_may_be),
		cmocka_unit_test(serve_tokens_load_refuses),
	};

	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
