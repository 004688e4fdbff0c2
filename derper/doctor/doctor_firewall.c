/* doctor_firewall: whether rules of this machine drop what comes to the ports.
 *
 * Hints only: it reads the rules as nft lists them and judges what is plain in
 * them: a chain for incoming packets that drops by default, and accepts or
 * drops of a destination port. iptables' rules are listed by nft, too, but for
 * those of the legacy variant, which are looked at beside them: a packet has to
 * pass both. Source: libnftables-json(5). */
#include "doctor_checks.h"

#include "doctor_address.h"
#include "doctor_iptables.h"
#include "doctor_program.h"
#include "json_member.h"

#include <string.h>

#define LIST_MS 5000

static const char name[] = "firewall";

/* Whether a value of nft's names the port: 443, a range, or a set of these. */
static bool
names_port(const json_t *value, uint16_t port)
{
	const json_t *range = json_object_get(value, "range");
	const json_t *set = json_object_get(value, "set");
	const json_t *one;
	size_t i;

	if (json_is_integer(value))
		return json_integer_value(value) == port;
	if (json_array_size(range) == 2)
		return json_integer_value(json_array_get(range, 0)) <= port &&
		    port <= json_integer_value(json_array_get(range, 1));
	json_array_foreach(set, i, one) if (!json_is_object(one) ||
	    json_object_get(one, "range") != NULL)
	{
		if (names_port(one, port))
			return true;
	}
	return false;
}

struct rule {
	bool has_port, is_ours; /* it is about a port; about this one */
	bool is_of_other;       /* it is about another protocol */
	bool has_other;         /* it has other conditions */
	bool accepts, drops, jumps;
};

static bool
names_protocol(const json_t *value, const char *protocol)
{
	const char *text = json_string_value(value);
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(value, "set"), i, one)
	{
		const char *of = json_string_value(one);

		if (of != NULL && strcmp(of, protocol) == 0)
			return true;
	}
	return text != NULL && strcmp(text, protocol) == 0;
}

/* Whether it is a match of the protocol that is transported. */
static bool
is_of_protocol(const json_t *match)
{
	const json_t *left = json_object_get(match, "left");
	const char *meta =
	    json_member_text(json_object_get(left, "meta"), "key");
	const char *field =
	    json_member_text(json_object_get(left, "payload"), "field");

	return strcmp(meta, "l4proto") == 0 || strcmp(field, "protocol") == 0 ||
	    strcmp(field, "nexthdr") == 0;
}

static void
read_match(
    struct rule *r, const json_t *match, const char *protocol, uint16_t port)
{
	const json_t *payload =
	    json_object_get(json_object_get(match, "left"), "payload");
	const json_t *right = json_object_get(match, "right");
	const char *of = json_member_text(payload, "protocol");
	const bool is_equal = strcmp(json_member_text(match, "op"), "!=") != 0;

	if (is_of_protocol(match)) {
		if (names_protocol(right, protocol) != is_equal)
			r->is_of_other = true;
		return;
	}
	if (strcmp(json_member_text(payload, "field"), "dport") != 0) {
		r->has_other = true;
		return;
	}
	r->has_port = true;
	r->is_ours = (strcmp(of, protocol) == 0 || strcmp(of, "th") == 0) &&
	    names_port(right, port) == is_equal;
}

/* What a rule may have that is not a condition. Those of iptables that nft does
 * not know ("xt") are read as one. */
static bool
is_condition(const json_t *part)
{
	static const char *const others[] = { "counter", "log", "accept",
		"drop", "reject", "jump", "goto", "vmap", "continue",
		"return" };

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (json_object_get(part, others[i]) != NULL)
			return false;
	return true;
}

static void
read_rule(
    struct rule *r, const json_t *rule, const char *protocol, uint16_t port)
{
	const json_t *part;
	size_t i;

	*r = (struct rule){ .has_port = false };
	json_array_foreach(json_object_get(rule, "expr"), i, part)
	{
		const json_t *match = json_object_get(part, "match");

		if (match != NULL)
			read_match(r, match, protocol, port);
		else if (is_condition(part))
			r->has_other = true;
		r->accepts =
		    r->accepts || json_object_get(part, "accept") != NULL;
		r->drops = r->drops || json_object_get(part, "drop") != NULL ||
		    json_object_get(part, "reject") != NULL;
		r->jumps = r->jumps || json_object_get(part, "jump") != NULL ||
		    json_object_get(part, "goto") != NULL ||
		    json_object_get(part, "vmap") != NULL;
	}
}

static bool
is_of_chain(const json_t *rule, const json_t *chain)
{
	return strcmp(json_member_text(chain, "name"),
		   json_member_text(rule, "chain")) == 0 &&
	    strcmp(json_member_text(chain, "table"),
		json_member_text(rule, "table")) == 0 &&
	    strcmp(json_member_text(chain, "family"),
		json_member_text(rule, "family")) == 0;
}

/* The hook of the chain that the rule is in; "": only other chains call it. */
static const char *
hook_of(const json_t *all, const json_t *rule)
{
	const json_t *item;
	size_t i;

	json_array_foreach(all, i, item)
	{
		const json_t *chain = json_object_get(item, "chain");

		if (chain != NULL && is_of_chain(rule, chain))
			return json_member_text(chain, "hook");
	}
	return "";
}

/* Whether what is not dropped in the chain before is accepted by a rule that is
 * for all packets. */
static bool
accepts_all(const json_t *all, const json_t *chain, const char *protocol)
{
	const json_t *item;
	struct rule r;
	size_t i;

	json_array_foreach(all, i, item)
	{
		const json_t *rule = json_object_get(item, "rule");

		if (rule == NULL || !is_of_chain(rule, chain))
			continue;
		read_rule(&r, rule, protocol, 0);
		if (r.accepts && !r.has_port && !r.has_other && !r.is_of_other)
			return true;
	}
	return false;
}

static bool
drops_by_default(const json_t *all, const char *protocol)
{
	const json_t *item;
	size_t i;

	json_array_foreach(all, i, item)
	{
		const json_t *chain = json_object_get(item, "chain");

		if (strcmp(json_member_text(chain, "hook"), "input") == 0 &&
		    strcmp(json_member_text(chain, "policy"), "drop") == 0 &&
		    !accepts_all(all, chain, protocol))
			return true;
	}
	return false;
}

/* A drop of some packets, as of one sender's, says nothing of the others. */
static void
judge_rule(
    struct doctor_iptables_verdict *v, const struct rule *r, bool is_input)
{
	if (!r->is_of_other && r->has_port && r->is_ours && r->accepts)
		v->accepts = true;
	if (!is_input)
		return;
	if (!r->is_of_other && r->drops && !r->has_other &&
	    (r->is_ours || !r->has_port))
		v->drops = true;
	if (r->jumps)
		v->is_unclear = true;
}

static void
judge(struct doctor_iptables_verdict *v, const json_t *all,
    const char *protocol, uint16_t port)
{
	const json_t *item;
	size_t i;

	*v = (struct doctor_iptables_verdict){
		.drops_by_default = drops_by_default(all, protocol),
	};
	json_array_foreach(all, i, item)
	{
		const json_t *rule = json_object_get(item, "rule");
		const char *hook;
		struct rule r;

		if (rule == NULL)
			continue;
		hook = hook_of(all, rule);
		read_rule(&r, rule, protocol, port);
		/* a chain without a hook may be called for what comes in */
		if (hook[0] == '\0' || strcmp(hook, "input") == 0)
			judge_rule(v, &r, hook[0] != '\0');
	}
}

/* `of` is which rules say so. */
static void
tell(const struct doctor_subject *d, const struct doctor_iptables_verdict *v,
    const char *protocol, uint16_t port, const char *of)
{
	const bool is_dropped =
	    v->drops || (v->drops_by_default && !v->accepts);

	if (v->accepts || !is_dropped)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "%s %u: %s%s", protocol, port,
		    v->accepts ? "a rule accepts it" : "no rule drops it", of);
	else
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "accept it before that: see nft list ruleset, "
		    "iptables-legacy -S, ufw allow, firewall-cmd --add-port",
		    "%s %u: %s%s%s", protocol, port,
		    v->drops ? "a rule drops it"
			     : "the input chain drops by default, and no rule "
			       "accepts it",
		    of,
		    v->is_unclear ? " (as far as can be told: other chains "
				    "are called)"
				  : "");
}

/* What is judged by: one of the two. */
struct rules {
	const json_t *nft;
	const struct doctor_iptables *legacy;
};

/* Legacy rules are of one family each: those of one that the relay does not
 * listen for do not matter. */
static void
look_at(const struct doctor_subject *d, const struct rules *rules,
    const char *protocol, const struct netaddr *addr)
{
	const struct doctor_iptables *t = rules->legacy;
	struct doctor_iptables_verdict v;

	if (t == NULL) {
		judge(&v, rules->nft, protocol, addr->port);
		tell(d, &v, protocol, addr->port, "");
		return;
	}
	if (buf_len(&t->v4) > 0 && doctor_address_has_family(addr, true)) {
		doctor_iptables_judge(
		    &v, buf_slice(&t->v4), protocol, addr->port);
		tell(d, &v, protocol, addr->port, " (iptables-legacy)");
	}
	if (buf_len(&t->v6) > 0 && doctor_address_has_family(addr, false)) {
		doctor_iptables_judge(
		    &v, buf_slice(&t->v6), protocol, addr->port);
		tell(d, &v, protocol, addr->port, " (ip6tables-legacy)");
	}
}

static void
look_at_ports(const struct doctor_subject *d, const struct rules *rules)
{
	const struct server_setup *s = &d->found->setup;

	look_at(d, rules, "tcp", &s->main_addr);
	if (s->use_http)
		look_at(d, rules, "tcp", &s->http_addr);
	if (s->use_stun)
		look_at(d, rules, "udp", &s->stun_addr);
}

static void
look_at_nft(const struct doctor_subject *d)
{
	static const char *const words[] = { "nft", "-j", "list", "ruleset",
		NULL };
	struct fail why = { 0 };
	json_t *root = NULL;
	struct buf out;

	if (doctor_program_run(words, LIST_MS, &out, &why) == 0) {
		root = json_loadb(
		    (const char *)buf_slice(&out).p, buf_len(&out), 0, NULL);
		if (root == NULL)
			fail_set(&why, "nft does not print JSON");
	}
	buf_clear(&out);
	if (root == NULL)
		doctor_report_add(d->report, name, DOCTOR_SKIPPED, NULL,
		    "rules of this machine cannot be read: %s", why.text);
	else
		look_at_ports(d,
		    &(struct rules){
			.nft = json_object_get(root, "nftables") });
	json_decref(root);
}

void
doctor_firewall(const struct doctor_subject *d)
{
	struct doctor_iptables legacy;

	look_at_nft(d);
	if (!doctor_iptables_read(&legacy))
		return;
	look_at_ports(d, &(struct rules){ .legacy = &legacy });
	doctor_iptables_clear(&legacy);
}
