/* probe_address: see probe_address.h. */
#include "probe_address.h"

#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *
literal_of(const struct probe_visit *v)
{
	return v->family == PROBE_IPV4 ? v->node->ipv4 : v->node->ipv6;
}

/* Go's netip sees ::ffff:a.b.c.d as IPv6, as netaddr does. */
static bool
is_of_family(const struct netaddr *a, enum probe_family family)
{
	return a->is_v4 == (family == PROBE_IPV4);
}

/* What of an answer is of the family. */
static void
keep_family(struct resolve_answer *out, const struct resolve_answer *all,
    enum probe_family family)
{
	out->n = 0;
	for (size_t i = 0; i < all->n; i++)
		if (is_of_family(&all->v[i], family))
			out->v[out->n++] = all->v[i];
}

static bool
has_address(const struct resolve_answer *answer, const struct netaddr *a)
{
	for (size_t i = 0; i < answer->n; i++)
		if (memcmp(answer->v[i].ip, a->ip, sizeof a->ip) == 0)
			return true;
	return false;
}

/* Whether the kernel knows a way there; nothing is sent. */
static bool
has_route(const struct netaddr *to)
{
	struct netaddr there = *to;
	struct sockaddr_storage s;
	socklen_t len;
	int fd, error = 0;

	there.port = 9;
	len = netaddr_to_sockaddr(&there, &s);
	fd = socket(s.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return errno != EAFNOSUPPORT;
	if (connect(fd, (const struct sockaddr *)&s, len) == -1)
		error = errno;
	close(fd);
	return error != ENETUNREACH && error != EADDRNOTAVAIL &&
	    error != EHOSTUNREACH && error != EAFNOSUPPORT;
}

/* The map has the address; what does DNS say? Other addresses of the family,
 * or none at all, are worth a word. */
static void
compare(struct probe_visit *v, const struct netaddr *literal,
    enum resolve_status status, const struct resolve_answer *all,
    const struct fail *why)
{
	char ours[NETADDR_TEXT], theirs[NETADDR_TEXT];
	struct resolve_answer dns;
	char tried[PROBE_TRIED_MAX];

	snprintf(tried, sizeof tried, "resolving %s", v->node->host);
	netaddr_format_ip(literal, ours);
	keep_family(&dns, all, v->family);
	if (status == RESOLVE_NONE) {
		probe_finding_add(&v->findings, PROBE_DNS_LITERAL_ONLY, tried,
		    "%s", why->text);
	} else if (status == RESOLVE_OK && dns.n > 0 &&
	    !has_address(&dns, literal)) {
		netaddr_format_ip(&dns.v[0], theirs);
		probe_finding_add(&v->findings, PROBE_DNS_DIFFERS, tried,
		    "%s, but %s is %s in the map", theirs,
		    probe_visit_family_name(v->family), ours);
		v->steps[PROBE_STEP_ADDRESS].state = PROBE_ODD;
	}
}

static void
choose(struct probe_visit *v, struct resolve_answer *candidates,
    enum resolve_status status, const struct resolve_answer *all,
    const struct fail *why)
{
	struct probe_result *step = &v->steps[PROBE_STEP_ADDRESS];
	const struct slice literal = slice_str(literal_of(v));
	char tried[PROBE_TRIED_MAX];
	struct netaddr a;

	if (literal.n > 0) {
		if (netaddr_parse_ip(&a, literal) == -1 ||
		    !is_of_family(&a, v->family)) {
			v->is_off = true;
			return;
		}
		step->state = PROBE_GOOD;
		candidates->v[0] = a;
		candidates->n = 1;
		compare(v, &a, status, all, why);
		return;
	}
	keep_family(candidates, all, v->family);
	if (candidates->n > 0) {
		step->state = PROBE_GOOD;
	} else if (status != RESOLVE_OK) {
		snprintf(tried, sizeof tried, "resolving %s", v->node->host);
		probe_finding_add(
		    &v->findings, PROBE_DNS_FAILED, tried, "%s", why->text);
		step->state = PROBE_BAD;
	}
}

void
probe_address(const struct probe_context *c, struct resolve_answer *candidates)
{
	struct probe_visit *v = c->visit;
	const uint64_t start_us = clock_now_us();
	struct resolve_answer all = { .n = 0 };
	struct fail why = { 0 };
	enum resolve_status status;

	candidates->n = 0;
	status = resolve_name(
	    v->node->host, probe_visit_deadline(c, PROBE_DNS_MS), &all, &why);
	v->steps[PROBE_STEP_ADDRESS].time_us = clock_now_us() - start_us;
	if (status != RESOLVE_OK && probe_visit_is_over(c))
		return;
	choose(v, candidates, status, &all, &why);
	if (candidates->n == 0)
		return;
	v->address = candidates->v[0];
	v->no_route = !has_route(&v->address);
	if (v->no_route)
		candidates->n = 0;
}
