/* rules_online: judgements about what is seen of relays over the network, with
 * --online. */
#include "rule_groups.h"

#include "hostname.h"
#include "pin.h"
#include "relay_sight.h"

#include <string.h>

#define DAY_S INT64_C(86400)
#define EXPIRY_DAYS 30
/* Authorities renew what lives shorter than this with another certificate. */
#define SHORT_LIFE_DAYS 30

/* What was seen of the node; NULL: nothing. */
static const struct relay_sight *
sight_of(const struct rule_run *run, const struct derpmap_node *n)
{
	const struct relay_sight *s =
	    run->sights != NULL ? relay_sights_find(run->sights, n) : NULL;

	return s != NULL && s->is_tried ? s : NULL;
}

/* --- DNS --- */

static bool
is_among(const struct host_addresses *all, const struct netaddr *ip)
{
	for (size_t i = 0; i < all->n; i++)
		if (memcmp(all->v[i].ip, ip->ip, sizeof ip->ip) == 0)
			return true;
	return false;
}

/* An address of the family, or NULL. */
static const struct netaddr *
first_of(const struct host_addresses *all, bool is_v4)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].is_v4 == is_v4)
			return &all->v[i];
	return NULL;
}

static void
dns_disagrees(struct rule_run *run, const struct derpmap_node *n,
    const struct rule_address *a)
{
	const struct relay_sight *s = sight_of(run, n);
	const struct netaddr *other;
	char text[NETADDR_TEXT];

	if (s == NULL || !s->is_name || !a->is_ip || a->ip.is_v4 != a->is_v4 ||
	    is_among(&s->dns, &a->ip))
		return;
	other = first_of(&s->dns, a->is_v4);
	if (other == NULL)
		return;
	netaddr_format_ip(other, text);
	rule_found(run, rule_pos(&a->text->from, &n->from),
	    "%s is not among the addresses that DNS has for the host name, "
	    "such as %s: clients connect to this one",
	    a->field, text)
	    ->fix = "write the relay's address, or correct DNS";
}

/* --- port 80 --- */

static void
port80_false(struct rule_run *run, const struct derpmap_node *n)
{
	const struct relay_sight *s = sight_of(run, n);
	const struct doc_pos at = rule_pos(&n->can_port80.from, &n->from);

	if (s == NULL)
		return;
	switch (s->port80.state) {
	case PORT80_UNTRIED:
	case PORT80_GOOD:
		return;
	case PORT80_SILENT:
		rule_found_as(run, SEVERITY_WARNING, at,
		    "nothing answers on port 80 of ipv4, seen from here: %s",
		    s->port80.text)
		    ->fix = "open port 80, or remove canport80";
		return;
	case PORT80_WRONG:
		rule_found(run, at,
		    "port 80 of ipv4 %s: all clients take that for a captive "
		    "portal",
		    s->port80.text)
		    ->fix = "let derper have port 80 (-http-port 80), or "
			    "remove canport80";
		return;
	}
}

/* --- certificates --- */

static bool
has_pin(const struct derpmap_node *n)
{
	return pin_is_valid(n->cert_name.v);
}

/* Whether the certificate is the one that is pinned. */
static bool
is_pinned(const struct derpmap_node *n, const struct tls_sight *t)
{
	char pin[PIN_TEXT];

	pin_format(pin, t->cert.leaf.sha256);
	return slice_is(n->cert_name.v, pin);
}

static struct doc_pos
cert_name_at(const struct derpmap_node *n)
{
	return rule_pos(&n->cert_name.from, &n->from);
}

static void
pin_expiry(struct rule_run *run, const struct derpmap_node *n)
{
	const struct relay_sight *s = sight_of(run, n);
	const struct tls_sight *t;
	int64_t days, life;

	if (s == NULL || !s->tls.has_cert || !has_pin(n) ||
	    !is_pinned(n, &s->tls))
		return;
	t = &s->tls;
	days = (t->cert.leaf.not_after_s - run->sights->now_s) / DAY_S;
	life = (t->cert.leaf.not_after_s - t->cert.leaf.not_before_s) / DAY_S;
	if (!t->cert.leaf.self_signed && life < SHORT_LIFE_DAYS)
		rule_found(run, cert_name_at(n),
		    "the pinned certificate is an authority's and lives for "
		    "%lld days: the next one has another pin, and all clients "
		    "are cut off",
		    (long long)life)
		    ->fix = "remove certname: clients trust the authority";
	else if (t->cert.leaf.not_after_s > run->sights->now_s &&
	    days < EXPIRY_DAYS)
		rule_found(run, cert_name_at(n),
		    "the pinned certificate expires in %lld days, and with it "
		    "all clients are cut off",
		    (long long)days)
		    ->fix = "renew it, and change the pin";
}

static void
pin_chain(struct rule_run *run, const struct derpmap_node *n)
{
	const struct relay_sight *s = sight_of(run, n);

	if (s == NULL || !s->tls.has_cert || !has_pin(n))
		return;
	if (!is_pinned(n, &s->tls))
		rule_found(run, cert_name_at(n),
		    "the relay's certificate is another one: " PIN_PREFIX "%s",
		    s->tls.cert.leaf.sha256)
		    ->fix = "check on the relay's host that this is its pin, "
			    "and write it";
	else if (s->tls.cert.count > 1)
		rule_found(run, cert_name_at(n),
		    "the relay sends %u certificates, and clients accept a pin "
		    "only when it is one",
		    s->tls.cert.count)
		    ->fix = "remove certname, or the chain from the relay's "
			    "certificate file";
}

/* The name that clients look for in the certificate. */
static struct slice
checked_name(const struct derpmap_node *n)
{
	return n->cert_name.v.n > 0 && !has_pin(n) ? n->cert_name.v
						   : n->host_name.v;
}

/* The certificate is what is wrong. false: something else is. */
static bool
found_bad_cert(struct rule_run *run, const struct derpmap_node *n,
    const struct tls_sight *t, struct doc_pos at)
{
	const int64_t now = run->sights->now_s;

	if (t->cert.leaf.not_after_s < now)
		rule_found(run, at,
		    "the relay's certificate expired %lld days ago: no client "
		    "takes it",
		    (long long)((now - t->cert.leaf.not_after_s) / DAY_S))
		    ->fix = "renew it";
	else if (t->cert.leaf.not_before_s > now)
		rule_found(run, at,
		    "the relay's certificate is valid in %lld days only: no "
		    "client takes it before, or a clock is wrong",
		    (long long)((t->cert.leaf.not_before_s - now) / DAY_S));
	else if (t->cert.leaf.names[0] == '\0')
		rule_found(run, at,
		    "the relay's certificate has a common name only: clients "
		    "look at subject alternative names")
		    ->fix = "make one with subjectAltName";
	else if (!t->fits)
		rule_found(run, at, "the relay's certificate is not for %.*s",
		    RULE_SHOWN(checked_name(n)));
	else if (t->cert.leaf.self_signed && !has_pin(n))
		rule_found(run, at,
		    "the relay's certificate is signed by itself: no client "
		    "trusts it")
		    ->fix =
		    rule_fix(run, "pin it: certname: \"" PIN_PREFIX "%s\"",
			t->cert.leaf.sha256);
	else
		return false;
	return true;
}

static void
found_refused(struct rule_run *run, const struct derpmap_node *n,
    const struct tls_sight *t, struct doc_pos at)
{
	/* T10 has it */
	if (t->has_cert && has_pin(n) &&
	    (!is_pinned(n, t) || t->cert.count > 1))
		return;
	if (t->has_cert && found_bad_cert(run, n, t, at))
		return;
	if (t->needs_no_name)
		rule_found(run, at,
		    "TLS fails when a client says which name it wants, and "
		    "comes about without: something on the way filters by "
		    "name (%s)",
		    t->text)
		    ->fix = "use the address as hostname, with a pin";
	else
		rule_found(
		    run, at, "clients cannot connect by TLS: %s", t->text);
}

static void
tls_refused(struct rule_run *run, const struct derpmap_node *n)
{
	const struct relay_sight *s = sight_of(run, n);
	const struct doc_pos at = rule_pos(&n->host_name.from, &n->from);

	if (s == NULL)
		return;
	switch (s->tls.state) {
	case TLS_ACCEPTED:
		return;
	case TLS_UNTRIED:
		if (s->is_name && s->dns.n == 0 && s->dns.error[0] != '\0' &&
		    n->ipv4.v.n == 0 && n->ipv6.v.n == 0)
			rule_found_as(run,
			    s->dns.is_unknown ? SEVERITY_ERROR
					      : SEVERITY_WARNING,
			    at, "the host name has no address: %s",
			    s->dns.error);
		return;
	case TLS_UNREACHABLE:
		rule_found_as(run, SEVERITY_WARNING, at,
		    "the relay cannot be reached from here, at %s: %s",
		    s->tls.address, s->tls.text);
		return;
	case TLS_REFUSED:
		found_refused(run, n, &s->tls, at);
		return;
	}
}

#define TLSDIAL "tailscale net/tlsdial/tlsdial.go"

static const struct rule rules[] = {
	{ "A14", "ip-dns-disagree", SEVERITY_WARNING, RULE_ANY,
	    { .address = dns_disagrees }, "an address that DNS does not have",
	    "Clients connect to the address in the map. Only --online can "
	    "tell.",
	    RULE_DERPHTTP },
	{ "T03", "canport80-false", SEVERITY_ERROR, RULE_ANY,
	    { .node = port80_false },
	    "canport80, and port 80 does not answer as clients want",
	    "Anything but status 204 with the response to the challenge is a "
	    "captive portal for clients. Only --online can tell.",
	    RULE_CAPTIVE },
	{ "T09", "pin-expiry", SEVERITY_WARNING, RULE_ANY,
	    { .node = pin_expiry }, "a pinned certificate that ends soon",
	    "All clients are cut off then. Certificates of an authority that "
	    "live for days must not be pinned. Only --online can tell.",
	    TLSDIAL "; tailscale issue 18955" },
	{ "T10", "pin-chain", SEVERITY_ERROR, RULE_ANY, { .node = pin_chain },
	    "the relay's certificate is not what is pinned",
	    "Clients accept the one certificate with that fingerprint, alone. "
	    "Only --online can tell.",
	    TLSDIAL "; tailscale issue 15579" },
	{ "T12", "tls-refused", SEVERITY_ERROR, RULE_ANY,
	    { .node = tls_refused },
	    "a relay that clients cannot connect to by TLS",
	    "Its certificate is expired, not valid yet, for another name, "
	    "without alternative names or trusted by nobody, its TLS is older "
	    "than 1.2, or something on the way filters. A relay that cannot "
	    "be reached from here is a warning. Only --online can tell.",
	    TLSDIAL "; tailscale issues 3701, 2619, 9787, 4082" },
};

const struct rule_group rules_online = { rules,
	sizeof rules / sizeof rules[0] };
