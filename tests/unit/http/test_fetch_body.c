/* fetch_body: gzip that is whole, that is not, and what only says it is. */
#include "check.h"

#include "fetch_body.h"

/* gzip of "hello": a head of 10 bytes, 7 of text, 8 of sum and length */
#define HELLO                                                                  \
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00" \
	"\x86\xa6\x10\x36\x05\x00\x00\x00"
#define HELLO_LEN (sizeof HELLO - 1)
#define BODY_MAX 100

static const struct body_case {
	const char *name;
	const char *coding;
	const char *bytes;
	size_t n;
	const char *text; /* as far as it is taken */
	bool is_whole;
} cases[] = {
	{ "no coding", "identity", "hello", 5, "hello", true },
	{ "another coding stays", "br", "hello", 5, "hello", true },
	{ "gzip", "gzip", HELLO, HELLO_LEN, "hello", true },
	{ "capitals", "GZip", HELLO, HELLO_LEN, "hello", true },
	{ "the old name", "x-gzip", HELLO, HELLO_LEN, "hello", true },
	{ "two members", "gzip", HELLO HELLO, 2 * HELLO_LEN, "hellohello",
	    true },
	{ "nothing at all", "gzip", "", 0, "", true },
	{ "without its last byte", "gzip", HELLO, HELLO_LEN - 1, "hello",
	    false },
	{ "without sum and length", "gzip", HELLO, HELLO_LEN - 8, "hello",
	    false },
	{ "cut in the text", "gzip", HELLO, HELLO_LEN - 12, "he", false },
	{ "cut in the head", "gzip", HELLO, 3, "", false },
	{ "cut in the second member", "gzip", HELLO HELLO, HELLO_LEN + 9,
	    "hello", false },
	{ "a wrong sum", "gzip",
	    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07"
	    "\x00\x86\xa6\x10\x37\x05\x00\x00\x00",
	    HELLO_LEN, "hello", false },
	{ "something after it", "gzip", HELLO "rest", HELLO_LEN + 4, "hello",
	    false },
	{ "not gzip", "gzip", "{\"Regions\": {}}", 15, "", false },
};

/* What is not gzip is taken as far as zlib gave it before it saw that. */
static bool
is_expected(const struct fetch_body *b, const char *text)
{
	const struct slice got = buf_slice(&b->text);

	return b->is_bad ? got.n <= strlen(text) &&
		(got.n == 0 || memcmp(got.p, text, got.n) == 0)
			 : slice_is(got, text);
}

static void
check_case(const struct body_case *c, size_t piece)
{
	struct fetch_body b;
	size_t at = 0;
	bool more = true;

	fetch_body_init(&b, BODY_MAX);
	fetch_body_code(&b, slice_str(c->coding));
	for (; more && at < c->n; at += piece)
		more = fetch_body_add(&b,
		    slice_of(
			c->bytes + at, c->n - at < piece ? c->n - at : piece));
	if (!is_expected(&b, c->text))
		fail_msg("%s in pieces of %zu: %.*s", c->name, piece,
		    (int)buf_len(&b.text), (const char *)buf_slice(&b.text).p);
	if ((fetch_body_fault(&b) == NULL) != c->is_whole)
		fail_msg("%s in pieces of %zu: %s", c->name, piece,
		    c->is_whole ? fetch_body_fault(&b) : "taken");
	check(more || b.is_bad);
	check(!b.is_cut && !b.no_memory);
	fetch_body_clear(&b);
}

static void
fetch_body_tells_what_is_not_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t piece = 1; piece < 60; piece += 4)
			check_case(&cases[i], piece);
}

static void
fetch_body_keeps_its_maximum(void **state)
{
	static const struct slice hello = { (const uint8_t *)HELLO, HELLO_LEN };
	struct fetch_body b;

	(void)state;
	fetch_body_init(&b, 7);
	fetch_body_code(&b, slice_str("gzip"));
	check(fetch_body_add(&b, hello));
	check(!fetch_body_add(&b, hello));
	check(b.is_cut);
	/* what is cut is not asked for its end */
	check_null(fetch_body_fault(&b));
	check(slice_is(buf_slice(&b.text), "hellohe"));
	/* the next response begins anew, and is plain */
	fetch_body_begin(&b);
	check(fetch_body_add(&b, slice_str("1234567")));
	check(!b.is_cut);
	check(!fetch_body_add(&b, slice_str("8")));
	check(b.is_cut);
	check(slice_is(buf_slice(&b.text), "1234567"));
	fetch_body_clear(&b);
	fetch_body_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetch_body_tells_what_is_not_whole),
		cmocka_unit_test(fetch_body_keeps_its_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
