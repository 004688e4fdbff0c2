/* rules_port: judgements about ports, STUN, port 80 and certificate names. */
#include "rules.h"

#include "netaddr.h"

#include <string.h>

#define PIN_PREFIX "sha256-raw:"
#define PIN_HEX 64
#define PIN_HEX_LIKELY 40 /* this many hex digits are no name */
#define DERP_PORT 443     /* what 0 stands for */
#define STUN_PORT 3478    /* likewise; RFC 8489 section 18.2 */

static int64_t
derp_port_of(const struct derpmap_node *n)
{
	return n->derp_port.v == 0 ? DERP_PORT : n->derp_port.v;
}

static int64_t
stun_port_of(const struct derpmap_node *n)
{
	return n->stun_port.v == 0 ? STUN_PORT : n->stun_port.v;
}

static void
port_range(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->derp_port.v < 0 || n->derp_port.v > 65535)
		lint_found(l, lint_at(&n->derp_port.from, &n->from),
		    "derpport %lld is no port: clients cannot dial it",
		    (long long)n->derp_port.v);
}

void
rules_port_range(struct lint *l)
{
	lint_each_node(l, port_range);
}

static void
stun_port_range(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->stun_port.v < -1 || n->stun_port.v > 65535)
		lint_found(l, lint_at(&n->stun_port.from, &n->from),
		    "stunport %lld is no port: clients silently skip STUN "
		    "here",
		    (long long)n->stun_port.v)
		    ->fix = "write -1 when STUN is meant to be off";
}

void
rules_stun_port_range(struct lint *l)
{
	lint_each_node(l, stun_port_range);
}

/* How many nodes there are, and how many of them answer STUN. */
static size_t
count_stun(const struct derpmap *m, size_t *answering,
    const struct derpmap_node **last)
{
	size_t count = 0;

	*answering = 0;
	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (n->is_nil)
				continue;
			count++;
			*answering += n->stun_port.v >= 0;
			*last = n;
		}
	return count;
}

void
rules_stun_disabled(struct lint *l)
{
	const struct derpmap_node *last = NULL;
	size_t answering, count;

	count = count_stun(&l->load->map, &answering, &last);
	if (count == 0 || answering > 0 || !lint_whole(l))
		return;
	/* one node alone is often one part of the map that clients get */
	lint_found_as(l, count == 1 ? SEVERITY_INFO : SEVERITY_WARNING,
	    lint_at(&last->stun_port.from, &last->from),
	    "no node of the map answers STUN: without another map that has "
	    "some, clients find no direct paths and probe over HTTPS");
}

static void
stun_off(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->stun_port.v == -1)
		lint_found(l, lint_at(&n->stun_port.from, &n->from),
		    "STUN is off for this node: clients measure it by its "
		    "region's other nodes, or over HTTPS");
}

void
rules_stun_off(struct lint *l)
{
	const struct derpmap_node *last;
	size_t answering;

	count_stun(&l->load->map, &answering, &last);
	if (answering > 0)
		lint_each_node(l, stun_off);
}

static void
ports_equal(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (stun_port_of(n) == derp_port_of(n) && !n->stun_only.v)
		lint_found(l, lint_at(&n->stun_port.from, &n->from),
		    "STUN (UDP) and the relay (TCP) have the same port: fine "
		    "unless HTTP/3 is served there");
}

void
rules_ports_equal(struct lint *l)
{
	lint_each_node(l, ports_equal);
}

static void
derp_port_unusual(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (derp_port_of(n) != DERP_PORT && n->derp_port.v > 0 &&
	    n->derp_port.v <= 65535 && !n->stun_only.v)
		lint_found(l, lint_at(&n->derp_port.from, &n->from),
		    "the relay is not on port 443: strict networks block it, "
		    "and browser clients and the DNS fallback use 443 only");
}

void
rules_derp_port_unusual(struct lint *l)
{
	lint_each_node(l, derp_port_unusual);
}

static void
derp_port_http(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->derp_port.v == 3340 || n->derp_port.v == 8080)
		lint_found(l, lint_at(&n->derp_port.from, &n->from),
		    "on port %lld derper speaks plain HTTP unless it runs "
		    "with --certmode manual; clients always speak TLS",
		    (long long)n->derp_port.v);
}

void
rules_derp_port_http(struct lint *l)
{
	lint_each_node(l, derp_port_http);
}

static void
derp_port_80(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->derp_port.v == 80)
		lint_found(l, lint_at(&n->derp_port.from, &n->from),
		    "derpport is 80, but clients always speak TLS");
}

void
rules_derp_port_80(struct lint *l)
{
	lint_each_node(l, derp_port_80);
}

static void
port_swap(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	bool derp = n->derp_port.v == STUN_PORT;
	bool stun = n->stun_port.v == DERP_PORT;
	/* one alone may be meant: STUN on 443 passes more firewalls */
	enum severity severity =
	    derp && stun ? SEVERITY_WARNING : SEVERITY_INFO;

	(void)r;
	if (derp)
		lint_found_as(l, severity,
		    lint_at(&n->derp_port.from, &n->from),
		    "derpport is 3478, the usual port of STUN: swapped?");
	if (stun)
		lint_found_as(l, severity,
		    lint_at(&n->stun_port.from, &n->from),
		    "stunport is 443, the usual port of the relay: swapped?");
}

void
rules_port_swap(struct lint *l)
{
	lint_each_node(l, port_swap);
}

static void
can_port80_no_ipv4(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->can_port80.v && n->ipv4.v.n == 0)
		lint_found(l, lint_at(&n->can_port80.from, &n->from),
		    "canport80 has no effect without a literal ipv4");
}

void
rules_can_port80_no_ipv4(struct lint *l)
{
	lint_each_node(l, can_port80_no_ipv4);
}

static void
can_port80_none(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->can_port80.v && slice_is_nocase(n->ipv4.v, "none"))
		lint_found(l, lint_at(&n->can_port80.from, &n->from),
		    "canport80 with ipv4 none makes clients ask http://none/ "
		    "for captive portals");
}

void
rules_can_port80_none(struct lint *l)
{
	lint_each_node(l, can_port80_none);
}

static bool
good_pin(struct slice s)
{
	size_t prefix = strlen(PIN_PREFIX);

	if (!slice_starts(s, PIN_PREFIX) || s.n != prefix + PIN_HEX)
		return false;
	for (size_t i = prefix; i < s.n; i++)
		if (!(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	return true;
}

/* Whether it is meant as a fingerprint: sha256 in front, or hex digits with or
 * without colons and too many for a name. */
static bool
looks_like_pin(struct slice s)
{
	size_t digits = 0;

	if (s.n >= 6 && slice_is_nocase(slice_of(s.p, 6), "sha256"))
		return true;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == ':')
			continue;
		if (strchr("0123456789abcdefABCDEF", s.p[i]) == NULL ||
		    s.p[i] == 0)
			return false;
		digits++;
	}
	return digits >= PIN_HEX_LIKELY;
}

static void
cert_name_hash(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct slice name = n->cert_name.v;

	(void)r;
	if (!looks_like_pin(name) || good_pin(name))
		return;
	lint_found(l, lint_at(&n->cert_name.from, &n->from),
	    "a pin is \"sha256-raw:\" and 64 lower-case hex digits, compared "
	    "as text: this one matches no certificate")
	    ->fix = "copy it from the relay's log, or let derpmap generate "
		    "--from-derper write it";
}

void
rules_cert_name_hash(struct lint *l)
{
	lint_each_node(l, cert_name_hash);
}

static void
cert_name_scheme(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	struct slice name = n->cert_name.v;
	struct netaddr ip;

	(void)r;
	if (name.n == 0 || looks_like_pin(name) ||
	    netaddr_parse_ip(&ip, name) == 0)
		return;
	if (memchr(name.p, '/', name.n) != NULL ||
	    memchr(name.p, ':', name.n) != NULL)
		lint_found(l, lint_at(&n->cert_name.from, &n->from),
		    "certname holds more than a name: it is compared with the "
		    "certificate as it is")
		    ->fix = "write the bare name";
}

void
rules_cert_name_scheme(struct lint *l)
{
	lint_each_node(l, cert_name_scheme);
}

static void
cert_name_redundant(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->cert_name.v.n > 0 && slice_eq(n->cert_name.v, n->host_name.v))
		lint_found(l, lint_at(&n->cert_name.from, &n->from),
		    "certname is the same as hostname, which is the default");
}

void
rules_cert_name_redundant(struct lint *l)
{
	lint_each_node(l, cert_name_redundant);
}

static void
cert_name_and_insecure(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (n->cert_name.v.n > 0 && n->insecure_for_tests.v)
		lint_found(l, lint_at(&n->insecure_for_tests.from, &n->from),
		    "insecurefortests switches off the check that certname "
		    "asks for");
}

void
rules_cert_name_and_insecure(struct lint *l)
{
	lint_each_node(l, cert_name_and_insecure);
}

static void
pin_clients(struct lint *l, const struct derpmap_region *r,
    const struct derpmap_node *n)
{
	(void)r;
	if (good_pin(n->cert_name.v))
		lint_found(l, lint_at(&n->cert_name.from, &n->from),
		    "a pin needs clients from 1.82 on, better from 1.84, and "
		    "must be changed when the certificate is renewed");
}

void
rules_pin_clients(struct lint *l)
{
	lint_each_node(l, pin_clients);
}

void
rules_no_can_port80(struct lint *l)
{
	const struct derpmap *m = &l->load->map;
	const struct derpmap_node *first = NULL;

	for (size_t i = 0; i < m->region_count; i++)
		for (size_t j = 0; j < m->regions[i]->node_count; j++) {
			const struct derpmap_node *n = m->regions[i]->nodes[j];

			if (n->is_nil)
				continue;
			if (n->can_port80.v)
				return;
			if (first == NULL)
				first = n;
		}
	if (first != NULL && lint_whole(l))
		lint_found(l, derpmap_origin_pos(&first->from),
		    "no node has canport80: to look for captive portals, "
		    "clients ask Tailscale's hosts over HTTP");
}
