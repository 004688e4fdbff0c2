/* go_url: see go_url.h. Source: Go 1.26 net/url and net, documented and
 * observed behaviour. */
#include "go_url.h"

#include "netaddr.h"
#include "num.h"

#include <string.h>

enum part { PART_HOST, PART_ZONE, PART_OTHER };

static struct slice
from(struct slice s, size_t at)
{
	return slice_of(s.p + at, s.n - at);
}

static struct slice
until(struct slice s, size_t at)
{
	return slice_of(s.p, at);
}

/* Index of the first or last such byte; s.n when there is none. */
static size_t
first_of(struct slice s, char c)
{
	const uint8_t *found = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return found != NULL ? (size_t)(found - s.p) : s.n;
}

static size_t
last_of(struct slice s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == (uint8_t)c)
			return i - 1;
	return s.n;
}

static bool
has(struct slice s, char c)
{
	return first_of(s, c) < s.n;
}

static bool
is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Whether a host may have the byte without an escape. */
static bool
is_host_byte(uint8_t c)
{
	return is_letter(c) || is_digit(c) ||
	    (c != '\0' && strchr("-_.~!$&'()*+,;=:[]<>\"", c) != NULL);
}

/* The value of the escape that s begins with; -1 when it is not valid in this
 * part. */
static int
escape_value(struct slice s, enum part part, struct fail *why)
{
	int high = s.n > 1 ? num_hex_digit(s.p[1]) : -1;
	int low = s.n > 2 ? num_hex_digit(s.p[2]) : -1;
	bool is_percent = slice_starts(s, "%25");
	int value = high * 16 + low;

	if (high < 0 || low < 0 ||
	    (part == PART_HOST && high < 8 && !is_percent) ||
	    (part == PART_ZONE && !is_percent && value != ' ' &&
		!is_host_byte((uint8_t)value)))
		return fail_set(why, "invalid URL escape \"%.*s\"",
		    s.n < 3 ? (int)s.n : 3, (const char *)s.p);
	return value;
}

/* Appends the unescaped text to *to. */
static int
unescape(struct writer *to, struct slice s, enum part part, struct fail *why)
{
	for (size_t i = 0; i < s.n; i++) {
		int value = s.p[i];

		if (value == '%') {
			value = escape_value(from(s, i), part, why);
			if (value < 0)
				return -1;
			i += 2;
		} else if (part != PART_OTHER && value < 0x80 &&
		    !is_host_byte((uint8_t)value)) {
			return fail_set(why,
			    "invalid character \"%c\" in host name", value);
		}
		writer_u8(to, (uint8_t)value);
	}
	return 0;
}

/* Checks the escapes of what is not kept. */
static int
check_escapes(struct slice s, struct fail *why)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '%' &&
		    escape_value(from(s, i), PART_OTHER, why) < 0)
			return -1;
	return 0;
}

/* "" or ":" and digits. */
static int
check_port(struct slice s, struct fail *why)
{
	bool valid = s.n == 0 || s.p[0] == ':';

	for (size_t i = 1; i < s.n; i++)
		valid &= is_digit(s.p[i]);
	return valid ? 0
		     : fail_set(why, "invalid port \"%.*s\" after host",
			   s.n < 100 ? (int)s.n : 100, (const char *)s.p);
}

/* What is in the brackets: an IPv6 address, with or without a zone. */
static int
check_literal(struct slice s, struct fail *why)
{
	struct netaddr ip;
	struct slice address, zone;
	bool has_zone = slice_cut(s, '%', &address, &zone);

	if (netaddr_parse_ip(&ip, address) == -1 || (has_zone && zone.n == 0))
		return fail_set(why, "invalid host: not an IP address");
	return ip.is_v4 ? fail_set(why, "invalid IP-literal") : 0;
}

static int
parse_literal(struct writer *to, struct slice host, struct fail *why)
{
	size_t close = last_of(host, ']'), zone;
	struct slice name, port;
	size_t start = to->n;

	if (close == host.n)
		return fail_set(why, "missing ']' in host");
	name = slice_of(host.p + 1, close - 1);
	port = from(host, close + 1);
	if (check_port(port, why) == -1)
		return -1;
	for (zone = 0; zone < name.n; zone++)
		if (slice_starts(from(name, zone), "%25"))
			break;
	writer_u8(to, '[');
	if (unescape(to, until(name, zone), PART_HOST, why) == -1 ||
	    unescape(to, from(name, zone), PART_ZONE, why) == -1 ||
	    check_literal(
		slice_of(to->p + start + 1, to->n - start - 1), why) == -1)
		return -1;
	writer_u8(to, ']');
	writer_bytes(to, port.p, port.n);
	return 0;
}

static int
parse_host(
    struct go_url *u, struct writer *to, struct slice host, struct fail *why)
{
	size_t open = last_of(host, '['), colon = first_of(host, ':');
	bool is_http =
	    slice_is(u->scheme, "http") || slice_is(u->scheme, "https");

	if (open < host.n && open > 0)
		return fail_set(why, "invalid IP-literal");
	if (open == 0 && host.n > 0)
		return parse_literal(to, host, why);
	if (colon < host.n) {
		if (!is_http)
			colon = last_of(host, ':');
		if (check_port(from(host, colon), why) == -1)
			return -1;
	}
	return unescape(to, host, PART_HOST, why);
}

static int
check_userinfo(struct slice s, struct fail *why)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_letter(s.p[i]) && !is_digit(s.p[i]) &&
		    (s.p[i] == '\0' ||
			strchr("-._:~!$&'()*+,;=%@", s.p[i]) == NULL))
			return fail_set(why, "invalid userinfo");
	return check_escapes(s, why);
}

static int
parse_authority(
    struct go_url *u, struct arena *a, struct slice s, struct fail *why)
{
	size_t at = last_of(s, '@');
	struct slice host = at < s.n ? from(s, at + 1) : s;
	uint8_t *room = arena_alloc(a, host.n + 2, 1);
	struct writer to = writer_of(room, host.n + 2);

	if (room == NULL)
		return fail_set(why, "not enough memory");
	if (parse_host(u, &to, host, why) == -1)
		return -1;
	u->host = writer_slice(&to);
	return at < s.n ? check_userinfo(until(s, at), why) : 0;
}

/* Takes the scheme off *rest. */
static int
parse_scheme(
    struct go_url *u, struct arena *a, struct slice *rest, struct fail *why)
{
	size_t n = 0;
	char *lower;

	while (n < rest->n &&
	    (is_letter(rest->p[n]) ||
		(n > 0 &&
		    (is_digit(rest->p[n]) || rest->p[n] == '+' ||
			rest->p[n] == '-' || rest->p[n] == '.'))))
		n++;
	if (n == rest->n || rest->p[n] != ':')
		return 0;
	if (n == 0)
		return fail_set(why, "missing protocol scheme");
	lower = arena_text(a, (const char *)rest->p, n);
	if (lower == NULL)
		return fail_set(why, "not enough memory");
	for (size_t i = 0; i < n; i++)
		if (lower[i] >= 'A' && lower[i] <= 'Z')
			lower[i] = (char)(lower[i] | 0x20);
	u->scheme = slice_of(lower, n);
	*rest = from(*rest, n + 1);
	return 0;
}

static int
parse_rest(
    struct go_url *u, struct arena *a, struct slice rest, struct fail *why)
{
	struct slice segment, path, query;

	slice_cut(rest, '?', &rest, &query);
	if (!slice_starts(rest, "/")) {
		if (u->scheme.n > 0)
			return 0; /* opaque */
		slice_cut(rest, '/', &segment, &path);
		if (has(segment, ':'))
			return fail_set(why,
			    "first path segment in URL cannot contain colon");
	}
	if (slice_starts(rest, "//") &&
	    (u->scheme.n > 0 || !slice_starts(rest, "///"))) {
		rest = from(rest, 2);
		path = from(rest, first_of(rest, '/'));
		if (parse_authority(u, a, until(rest, rest.n - path.n), why) ==
		    -1)
			return -1;
		rest = path;
	}
	return check_escapes(rest, why);
}

int
go_url_parse(
    struct go_url *u, struct arena *a, struct slice text, struct fail *why)
{
	struct slice rest, fragment;

	*u = (struct go_url){ .scheme = { NULL, 0 } };
	slice_cut(text, '#', &rest, &fragment);
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] < 0x20 || rest.p[i] == 0x7f)
			return fail_set(
			    why, "invalid control character in URL");
	if (parse_scheme(u, a, &rest, why) == -1 ||
	    parse_rest(u, a, rest, why) == -1)
		return -1;
	return check_escapes(fragment, why);
}

int
go_url_split_host_port(
    struct slice text, struct slice *host, struct slice *port, struct fail *why)
{
	size_t colon = last_of(text, ':'), close;

	if (colon == text.n)
		return fail_set(why, "missing port in address");
	*port = from(text, colon + 1);
	if (text.p[0] != '[') {
		*host = until(text, colon);
		if (has(*host, ':'))
			return fail_set(why, "too many colons in address");
		if (has(text, '[') || has(text, ']'))
			return fail_set(why, "unexpected bracket in address");
		return 0;
	}
	close = first_of(text, ']');
	if (close == text.n)
		return fail_set(why, "missing ']' in address");
	if (close + 1 == text.n ||
	    (close + 1 != colon && text.p[close + 1] != ':'))
		return fail_set(why, "missing port in address");
	if (close + 1 != colon)
		return fail_set(why, "too many colons in address");
	*host = slice_of(text.p + 1, close - 1);
	if (has(*host, '[') || has(*port, '[') || has(*port, ']'))
		return fail_set(why, "unexpected bracket in address");
	return 0;
}
