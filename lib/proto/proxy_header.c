/* proxy_header: see proxy_header.h. */
#include "proxy_header.h"

#include "num.h"

#include <string.h>

static const uint8_t signature[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a,
	0x51, 0x55, 0x49, 0x54, 0x0a };
static const char v1_start[] = "PROXY ";

#define V2_HEAD 16 /* bytes before the addresses */
#define VERSION_2 2
enum { COMMAND_LOCAL, COMMAND_PROXY };
enum { FAMILY_UNSPECIFIED, FAMILY_INET, FAMILY_INET6, FAMILY_UNIX };
enum { TRANSPORT_UNSPECIFIED, TRANSPORT_STREAM };

/* Whether the bytes begin as the text does, as far as they go. */
static bool
may_begin_with(struct slice in, const void *text, size_t n)
{
	return memcmp(in.p, text, in.n < n ? in.n : n) == 0;
}

static enum proxy_result
bad(struct fail *why, const char *text)
{
	fail_set(why, "%s", text);
	return PROXY_BAD;
}

/* The next word of a line, which ends with a blank or the line. */
static bool
next_word(struct slice *rest, struct slice *word)
{
	(void)slice_cut(*rest, ' ', word, rest);
	return word->n > 0;
}

static bool
parse_port(struct slice text, uint16_t *port)
{
	uint64_t n;

	if ((text.n > 1 && text.p[0] == '0') ||
	    num_parse_decimal(text, UINT16_MAX, &n) == -1)
		return false;
	*port = (uint16_t)n;
	return true;
}

/* "TCP4 192.0.2.1 198.51.100.1 56324 443", or "UNKNOWN" and anything. */
static enum proxy_result
parse_line(struct slice line, struct netaddr *source, struct fail *why)
{
	struct slice family, from, to, from_port, to_port;
	struct netaddr client, server;
	bool is_v4;

	(void)next_word(&line, &family);
	if (slice_is(family, "UNKNOWN"))
		return PROXY_UNKNOWN;
	is_v4 = slice_is(family, "TCP4");
	if (!is_v4 && !slice_is(family, "TCP6"))
		return bad(why, "neither TCP4, TCP6 nor UNKNOWN");
	if (!next_word(&line, &from) || !next_word(&line, &to) ||
	    !next_word(&line, &from_port) || !next_word(&line, &to_port) ||
	    line.n > 0)
		return bad(why, "not two addresses and two ports");
	if (netaddr_parse_ip(&client, from) == -1 ||
	    netaddr_parse_ip(&server, to) == -1 || client.is_v4 != is_v4 ||
	    server.is_v4 != is_v4)
		return bad(why, "an address that is not of its family");
	if (!parse_port(from_port, &client.port) ||
	    !parse_port(to_port, &server.port))
		return bad(why, "a bad port");
	/* IPv4 ones may be written as IPv6 ones, of which all would be in one
	 * prefix and share its limits */
	netaddr_from_ip16(source, client.ip, client.port);
	return PROXY_CLIENT;
}

static enum proxy_result
parse_v1(
    struct slice in, struct netaddr *source, size_t *used, struct fail *why)
{
	const size_t start = sizeof v1_start - 1;
	const struct slice seen =
	    slice_of(in.p, in.n < PROXY_V1_MAX ? in.n : PROXY_V1_MAX);
	const uint8_t *end = memchr(seen.p, '\n', seen.n);
	size_t len;

	if (end == NULL)
		return in.n < PROXY_V1_MAX
		    ? PROXY_MORE
		    : bad(why, "a line of more than 107 bytes");
	len = (size_t)(end - seen.p);
	if (len <= start || seen.p[len - 1] != '\r')
		return bad(why, "a line that does not end with CRLF");
	*used = len + 1;
	return parse_line(
	    slice_of(seen.p + start, len - 1 - start), source, why);
}

/* The client's address, after which is what is not for us. */
static enum proxy_result
parse_addresses(unsigned family, struct slice body, struct netaddr *source,
    struct fail *why)
{
	struct reader r = { .rest = body };
	uint8_t ip[16] = { [10] = 0xff, [11] = 0xff };
	const bool is_v4 = family == FAMILY_INET;

	reader_copy(&r, is_v4 ? ip + 12 : ip, is_v4 ? 4 : 16);
	(void)reader_take(&r, is_v4 ? 4 : 16);
	netaddr_from_ip16(source, ip, reader_u16(&r));
	(void)reader_u16(&r);
	if (!r.failed)
		return PROXY_CLIENT;
	*source = (struct netaddr){ 0 };
	return bad(why, "too short for its addresses");
}

static enum proxy_result
parse_v2(
    struct slice in, struct netaddr *source, size_t *used, struct fail *why)
{
	struct reader r = { .rest = in };
	unsigned version, family;
	struct slice body;
	size_t len;

	(void)reader_take(&r, sizeof signature);
	version = reader_u8(&r);
	family = reader_u8(&r);
	len = reader_u16(&r);
	if (r.failed)
		return PROXY_MORE;
	if (version >> 4 != VERSION_2 || (version & 15) > COMMAND_PROXY)
		return bad(why, "unknown version or command");
	if (len > PROXY_HEADER_MAX - V2_HEAD)
		return bad(why, "longer than 1024 bytes");
	body = reader_take(&r, len);
	if (r.failed)
		return PROXY_MORE;
	*used = V2_HEAD + len;
	if ((version & 15) == COMMAND_LOCAL)
		return PROXY_LOCAL;
	if (family >> 4 == FAMILY_UNSPECIFIED || family >> 4 == FAMILY_UNIX)
		return PROXY_UNKNOWN;
	if (family >> 4 > FAMILY_UNIX || (family & 15) != TRANSPORT_STREAM)
		return bad(why, "neither TCP over IPv4 nor over IPv6");
	return parse_addresses(family >> 4, body, source, why);
}

enum proxy_result
proxy_header_parse(
    struct slice in, struct netaddr *source, size_t *used, struct fail *why)
{
	*source = (struct netaddr){ 0 };
	*used = 0;
	if (in.n == 0)
		return PROXY_MORE;
	if (may_begin_with(in, v1_start, sizeof v1_start - 1))
		return parse_v1(in, source, used, why);
	if (may_begin_with(in, signature, sizeof signature))
		return parse_v2(in, source, used, why);
	return bad(why, "no PROXY header");
}
