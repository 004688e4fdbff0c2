/* doctor_firewall: whether rules of this machine drop what comes to the ports.
 *
 * Hints only: it reads the rules as nft lists them and judges what is plain in
 * them: a chain for incoming packets that drops by default, and accepts or
 * drops of a destination port. iptables' rules are listed by nft, too, but for
 * those of the legacy variant, which are looked at beside them: a packet has to
 * pass both. Source: libnftables-json(5). */
#include "doctor_checks.h"

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
	bool has_other;         /* it has other conditions */
	bool accepts, drops, jumps;
};

static void
read_match(
    struct rule *r, const json_t *match, const char *protocol, uint16_t port)
{
	const json_t *payload =
	    json_object_get(json_object_get(match, "left"), "payload");
	const char *of = json_member_text(payload, "protocol");
	const bool is_equal = strcmp(json_member_text(match, "op"), "!=") != 0;

	if (strcmp(json_member_text(payload, "field"), "dport") != 0) {
		r->has_other = true;
		return;
	}
	r->has_port = true;
	r->is_ours = (strcmp(of, protocol) == 0 || strcmp(of, "th") == 0) &&
	    names_port(json_object_get(match, "right"), port) == is_equal;
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
		r->accepts =
		    r->accepts || json_object_get(part, "accept") != NULL;
		r->drops = r->drops || json_object_get(part, "drop") != NULL ||
		    json_object_get(part, "reject") != NULL;
		r->jumps = r->jumps || json_object_get(part, "jump") != NULL ||
		    json_object_get(part, "goto") != NULL ||
		    json_object_get(part, "vmap") != NULL;
	}
}

/* Whether the rule is in a chain that incoming packets go through. */
static bool
is_input(const json_t *all, const json_t *rule, bool *drops)
{
	const json_t *item;
	size_t i;

	json_array_foreach(all, i, item)
	{
		const json_t *chain = json_object_get(item, "chain");

		if (chain == NULL ||
		    strcmp(json_member_text(chain, "hook"), "input") != 0)
			continue;
		if (rule == NULL) {
			*drops = *drops ||
			    strcmp(json_member_text(chain, "policy"), "drop") ==
				0;
			continue;
		}
		if (strcmp(json_member_text(chain, "name"),
			json_member_text(rule, "chain")) == 0 &&
		    strcmp(json_member_text(chain, "table"),
			json_member_text(rule, "table")) == 0 &&
		    strcmp(json_member_text(chain, "family"),
			json_member_text(rule, "family")) == 0)
			return true;
	}
	return false;
}

static void
judge(struct doctor_iptables_verdict *v, const json_t *all,
    const char *protocol, uint16_t port)
{
	const json_t *item;
	size_t i;

	*v = (struct doctor_iptables_verdict){ .accepts = false };
	(void)is_input(all, NULL, &v->drops_by_default);
	json_array_foreach(all, i, item)
	{
		const json_t *rule = json_object_get(item, "rule");
		bool ignored = false;
		struct rule r;

		if (rule == NULL)
			continue;
		read_rule(&r, rule, protocol, port);
		if (r.has_port && r.is_ours && r.accepts)
			v->accepts = true; /* in whatever chain */
		if (!is_input(all, rule, &ignored))
			continue;
		if (r.drops && (r.is_ours || (!r.has_port && !r.has_other)))
			v->drops = true;
		if (r.jumps)
			v->is_unclear = true;
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

static void
look_at(const struct doctor_subject *d, const struct rules *rules,
    const char *protocol, uint16_t port)
{
	const struct doctor_iptables *t = rules->legacy;
	struct doctor_iptables_verdict v;

	if (t == NULL) {
		judge(&v, rules->nft, protocol, port);
		tell(d, &v, protocol, port, "");
		return;
	}
	if (buf_len(&t->v4) > 0) {
		doctor_iptables_judge(&v, buf_slice(&t->v4), protocol, port);
		tell(d, &v, protocol, port, " (iptables-legacy)");
	}
	if (buf_len(&t->v6) > 0) {
		doctor_iptables_judge(&v, buf_slice(&t->v6), protocol, port);
		tell(d, &v, protocol, port, " (ip6tables-legacy)");
	}
}

static void
look_at_ports(const struct doctor_subject *d, const struct rules *rules)
{
	const struct server_setup *s = &d->found->setup;

	look_at(d, rules, "tcp", s->main_addr.port);
	if (s->use_http)
		look_at(d, rules, "tcp", s->http_addr.port);
	if (s->use_stun)
		look_at(d, rules, "udp", s->stun_addr.port);
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
