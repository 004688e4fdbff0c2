/* netaddr: see netaddr.h. */
#include "netaddr.h"

#include "num.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
	0xff };

/* The family of an address of such characters; AF_UNSPEC: it cannot be one,
 * like most of what is asked about, which are names. */
static int
family_of(struct slice text)
{
	int family = AF_INET;

	for (size_t i = 0; i < text.n; i++) {
		const uint8_t c = text.p[i], lower = c | 0x20;

		if (c == ':')
			family = AF_INET6;
		else if (c != '.' && !(c >= '0' && c <= '9') &&
		    !(lower >= 'a' && lower <= 'f'))
			return AF_UNSPEC;
	}
	return family;
}

int
netaddr_parse_ip(struct netaddr *a, struct slice text)
{
	const int family = family_of(text);
	struct netaddr got = { .is_set = true };
	char copy[INET6_ADDRSTRLEN];

	if (family == AF_UNSPEC || text.n == 0 || text.n >= sizeof copy)
		return -1;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	got.is_v4 = family == AF_INET;
	if (got.is_v4)
		memcpy(got.ip, v4_mapped, sizeof v4_mapped);
	/* inet_pton rejects leading zeros, as Go does */
	if (inet_pton(family, copy, got.is_v4 ? got.ip + 12 : got.ip) != 1)
		return -1;
	*a = got;
	return 0;
}

static int
parse_port(uint16_t *port, struct slice text)
{
	uint64_t n;

	if (slice_is(text, "https")) {
		*port = 443;
		return 0;
	}
	if (slice_is(text, "http")) {
		*port = 80;
		return 0;
	}
	if (num_parse_decimal(text, 65535, &n) == -1)
		return -1;
	*port = (uint16_t)n;
	return 0;
}

int
netaddr_parse_listen(struct netaddr *a, struct slice text)
{
	const uint8_t *colon = NULL;
	struct slice host, port;
	struct netaddr got = { 0 };

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == ':')
			colon = text.p + i;
	if (colon == NULL)
		return -1;
	host = slice_of(text.p, (size_t)(colon - text.p));
	port = slice_of(colon + 1, text.n - host.n - 1);
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = slice_of(host.p + 1, host.n - 2);
	else if (host.n > 0 && memchr(host.p, ':', host.n) != NULL)
		return -1;
	if (host.n > 0 && netaddr_parse_ip(&got, host) == -1)
		return -1;
	if (parse_port(&got.port, port) == -1)
		return -1;
	*a = got;
	return 0;
}

void
netaddr_format_ip(const struct netaddr *a, char out[static NETADDR_TEXT])
{
	if (!a->is_set)
		out[0] = '\0';
	else if (a->is_v4)
		inet_ntop(AF_INET, a->ip + 12, out, NETADDR_TEXT);
	else
		inet_ntop(AF_INET6, a->ip, out, NETADDR_TEXT);
}

void
netaddr_format(const struct netaddr *a, char out[static NETADDR_TEXT])
{
	char ip[NETADDR_TEXT];

	netaddr_format_ip(a, ip);
	if (a->is_set && !a->is_v4)
		snprintf(out, NETADDR_TEXT, "[%.46s]:%u", ip, a->port);
	else
		snprintf(out, NETADDR_TEXT, "%.46s:%u", ip, a->port);
}

void
netaddr_from_sockaddr(struct netaddr *a, const struct sockaddr_storage *s)
{
	*a = (struct netaddr){ 0 };
	if (s->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)s;

		memcpy(a->ip, v4_mapped, sizeof v4_mapped);
		memcpy(a->ip + 12, &in->sin_addr, 4);
		a->port = ntohs(in->sin_port);
		a->is_v4 = a->is_set = true;
	} else if (s->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)s;

		netaddr_from_ip16(
		    a, (const uint8_t *)&in->sin6_addr, ntohs(in->sin6_port));
	}
}

void
netaddr_from_ip16(struct netaddr *a, const uint8_t ip[static 16], uint16_t port)
{
	*a = (struct netaddr){ .port = port, .is_set = true };
	memcpy(a->ip, ip, sizeof a->ip);
	a->is_v4 = memcmp(ip, v4_mapped, sizeof v4_mapped) == 0;
}

socklen_t
netaddr_to_sockaddr(const struct netaddr *a, struct sockaddr_storage *s)
{
	memset(s, 0, sizeof *s);
	if (a->is_v4) {
		struct sockaddr_in *in = (struct sockaddr_in *)s;

		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip + 12, 4);
		return sizeof *in;
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)s;

	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(a->port);
	memcpy(&in6->sin6_addr, a->ip, 16);
	return sizeof *in6;
}

int
netaddr_parse_prefix(struct netaddr_prefix *p, struct slice text)
{
	struct slice ip, length;
	struct netaddr net;
	uint64_t bits;

	if (!slice_cut(text, '/', &ip, &length) ||
	    netaddr_parse_ip(&net, ip) == -1 ||
	    num_parse_decimal(length, net.is_v4 ? 32 : 128, &bits) == -1)
		return -1;
	*p = (struct netaddr_prefix){ .is_v4 = net.is_v4,
		.bits = (uint8_t)(bits + (net.is_v4 ? 96 : 0)) };
	memcpy(p->ip, net.ip, sizeof p->ip);
	return 0;
}

bool
netaddr_in_prefix(const struct netaddr *a, const struct netaddr_prefix *prefix)
{
	const size_t whole = prefix->bits / 8;
	const unsigned rest = prefix->bits % 8;

	if (!a->is_set || prefix->is_v4 != a->is_v4 ||
	    memcmp(a->ip, prefix->ip, whole) != 0)
		return false;
	return rest == 0 ||
	    (a->ip[whole] ^ prefix->ip[whole]) >> (8 - rest) == 0;
}

bool
netaddr_in(const struct netaddr *a, const char *prefix)
{
	struct netaddr_prefix p;

	if (netaddr_parse_prefix(&p, slice_str(prefix)) == -1) {
		assert(false && "bad prefix constant");
		return false;
	}
	return netaddr_in_prefix(a, &p);
}

bool
netaddr_is_loopback(const struct netaddr *a)
{
	return netaddr_in(a, "127.0.0.0/8") || netaddr_in(a, "::1/128") ||
	    netaddr_in(a, "::ffff:127.0.0.0/104");
}
