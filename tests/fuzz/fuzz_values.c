/* The small values of lib/base that come out of files, flags and the net. */
#include "encode.h"
#include "fuzz.h"
#include "netaddr.h"
#include "num.h"
#include "utf8.h"

#include <stdbool.h>
#include <string.h>

/* What was parsed is written and parsed the same again. */
static void
check_addresses(struct slice in)
{
	struct sockaddr_storage s;
	struct netaddr a, b;
	char text[NETADDR_TEXT];

	if (netaddr_parse_ip(&a, in) == 0) {
		netaddr_format_ip(&a, text);
		FUZZ_CHECK(netaddr_parse_ip(&b, slice_str(text)) == 0);
		FUZZ_CHECK(a.is_v4 == b.is_v4);
		FUZZ_CHECK(memcmp(a.ip, b.ip, sizeof a.ip) == 0);
		netaddr_in(&a, "100.64.0.0/10");
		netaddr_in(&a, "fd7a:115c:a1e0::/48");
	}
	if (netaddr_parse_listen(&a, in) == 0) {
		netaddr_format(&a, text);
		FUZZ_CHECK(netaddr_parse_listen(&b, slice_str(text)) == 0);
		FUZZ_CHECK(a.port == b.port && a.is_set == b.is_set);
		netaddr_to_sockaddr(&a, &s);
	}
}

static void
check_numbers(struct slice in)
{
	uint64_t u;
	int64_t n;
	bool b;

	if (num_parse_int(in, -9, 1000, &n) == 0)
		FUZZ_CHECK(n >= -9 && n <= 1000);
	if (num_parse_decimal(in, 65535, &u) == 0)
		FUZZ_CHECK(u <= 65535);
	if (num_parse_duration_ms(in, &u) == 0)
		FUZZ_CHECK(u <= INT64_MAX / 1000000);
	num_parse_bool(in, &b);
}

static void
check_codecs(struct slice in)
{
	uint8_t out[48];
	char text[65];
	size_t n;

	if (decode_base64(out, sizeof out, &n, in) == 0) {
		FUZZ_CHECK(n <= sizeof out);
		FUZZ_CHECK(
		    encode_base64(text, sizeof text, slice_of(out, n)) == 0);
		FUZZ_CHECK(slice_is(in, text));
	}
	if (decode_hex(out, 8, in) == 0) {
		encode_hex(text, slice_of(out, 8));
		FUZZ_CHECK(slice_is_nocase(in, text));
	}
}

/* Well-formed text is what its code points make again. */
static void
check_utf8(struct slice in)
{
	bool valid = utf8_valid(in);
	uint8_t again[4];
	uint32_t code;
	size_t n;

	while ((n = utf8_next(in, &code)) > 0) {
		FUZZ_CHECK(n <= in.n && utf8_put(again, code) == n);
		FUZZ_CHECK(memcmp(again, in.p, n) == 0);
		in = slice_of(in.p + n, in.n - n);
	}
	FUZZ_CHECK(valid == (in.n == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = slice_of(data, n);

	check_addresses(in);
	check_numbers(in);
	check_codecs(in);
	check_utf8(in);
	return 0;
}
