/* proxy_header: both versions, in pieces, and what they may not be. */
#include "check.h"

#include "proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define ADDRESSES4 "\xc0\x00\x02\x01\xc6\x33\x64\x01\xdc\x04\x01\xbb"
#define BYTES(text) slice_of(text, sizeof(text) - 1)

/* Whole with something after it, and in each of its parts. */
static void
good(struct slice header, enum proxy_result result, const char *want)
{
	uint8_t more[PROXY_HEADER_MAX + 1];
	char text[NETADDR_TEXT] = "";
	struct fail why = { 0 };
	struct netaddr source;
	size_t used;

	for (size_t n = 0; n < header.n; n++)
		check_int(proxy_header_parse(
			      slice_of(header.p, n), &source, &used, &why),
		    PROXY_MORE);
	memcpy(more, header.p, header.n);
	more[header.n] = 'x';
	check_int(proxy_header_parse(
		      slice_of(more, header.n + 1), &source, &used, &why),
	    result);
	check_size(used, header.n);
	if (source.is_set)
		netaddr_format(&source, text);
	check_text(text, want);
	check_text(why.text, "");
}

static void
refused(struct slice header, const char *want)
{
	struct fail why = { 0 };
	struct netaddr source;
	size_t used;

	check_int(proxy_header_parse(header, &source, &used, &why), PROXY_BAD);
	check_contains(why.text, want);
	check(!source.is_set);
}

static void
proxy_header_reads_lines(void **state)
{
	(void)state;
	good(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"),
	    PROXY_CLIENT, "192.0.2.1:56324");
	good(BYTES("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"), PROXY_CLIENT,
	    "[2001:db8::1]:0");
	good(BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6401 7 443\r\n"),
	    PROXY_CLIENT, "192.0.2.1:7");
	good(BYTES("PROXY UNKNOWN\r\n"), PROXY_UNKNOWN, "");
	good(BYTES("PROXY UNKNOWN ffff:: what ever\r\n"), PROXY_UNKNOWN, "");
	refused(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 2\n"), "CRLF");
	refused(BYTES("PROXY\r\n"), "PROXY");
	refused(BYTES("PROXY UDP4 192.0.2.1 198.51.100.1 1 2\r\n"), "neither");
	refused(BYTES("PROXY TCP4 ::1 ::2 1 2\r\n"), "not of its family");
	refused(BYTES("PROXY TCP6 192.0.2.1 ::2 1 2\r\n"), "of its family");
	refused(BYTES("PROXY TCP4 ::ffff:192.0.2.1 192.0.2.2 1 2\r\n"),
	    "of its family");
	refused(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1\r\n"), "two ports");
	refused(BYTES("PROXY TCP4  192.0.2.1 198.51.100.1 1 2\r\n"), "two");
	refused(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3\r\n"), "two");
	refused(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 01 2\r\n"), "port");
	refused(BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 1 65536\r\n"), "port");
	refused(BYTES("GET / HTTP/1.1\r\n"), "no PROXY header");
	refused(
	    BYTES("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
	    "more than 107 bytes");
}

static void
proxy_header_reads_version_2(void **state)
{
	(void)state;
	good(BYTES(SIGNATURE "\x21\x11\x00\x0c" ADDRESSES4), PROXY_CLIENT,
	    "192.0.2.1:56324");
	good(BYTES(SIGNATURE "\x21\x11\x00\x10" ADDRESSES4 "\x04\x00\x01z"),
	    PROXY_CLIENT, "192.0.2.1:56324");
	good(BYTES(SIGNATURE
		 "\x21\x21\x00\x24"
		 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
		 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x07\x01\xbb"),
	    PROXY_CLIENT, "[2001:db8::1]:7");
	good(BYTES(SIGNATURE "\x20\x11\x00\x0c" ADDRESSES4), PROXY_LOCAL, "");
	good(BYTES(SIGNATURE "\x20\x00\x00\x00"), PROXY_LOCAL, "");
	good(BYTES(SIGNATURE "\x21\x00\x00\x00"), PROXY_UNKNOWN, "");
	good(BYTES(SIGNATURE "\x21\x31\x00\x02zz"), PROXY_UNKNOWN, "");
	refused(BYTES(SIGNATURE "\x21\x12\x00\x0c" ADDRESSES4), "neither TCP");
	refused(BYTES(SIGNATURE "\x21\x41\x00\x0c" ADDRESSES4), "neither TCP");
	refused(BYTES(SIGNATURE "\x21\x21\x00\x0c" ADDRESSES4), "too short");
	refused(BYTES(SIGNATURE "\x11\x11\x00\x0c"), "version");
	refused(BYTES(SIGNATURE "\x22\x11\x00\x0c"), "command");
	refused(BYTES(SIGNATURE "\x21\x11\x03\xf1"), "1024");
	refused(BYTES("\r\n\r\n\0\r\nQUIX"), "no PROXY header");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proxy_header_reads_lines),
		cmocka_unit_test(proxy_header_reads_version_2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
