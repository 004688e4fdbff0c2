/* probe_json: see probe_json.h. */
#include "probe_json.h"

#include "probe_net.h"
#include "quote.h"

#include <jansson.h>

#define TEXT_MAX 1024

/* Foreign text may be no UTF-8: it is escaped then. NULL: memory is short. */
static json_t *
text_json(const char *text)
{
	char room[TEXT_MAX];
	struct writer w = writer_of(room, sizeof room);
	json_t *s = json_string(text);

	if (s != NULL)
		return s;
	quote_put(&w, slice_str(text));
	return json_stringn(room, w.n);
}

static json_t *
ms_json(uint64_t time_us)
{
	return time_us > 0 ? json_real((double)time_us / 1000) : json_null();
}

static json_t *
address_json(const struct netaddr *a, bool with_port)
{
	char text[NETADDR_TEXT];

	if (!a->is_set)
		return json_null();
	if (with_port)
		netaddr_format(a, text);
	else
		netaddr_format_ip(a, text);
	return json_string(text);
}

static const char *
state_name(enum probe_state state)
{
	static const char *const names[] = {
		[PROBE_SKIPPED] = "skipped",
		[PROBE_GOOD] = "good",
		[PROBE_ODD] = "odd",
		[PROBE_BAD] = "bad",
	};

	return names[state];
}

static const char *
admission_name(enum probe_admission admission)
{
	static const char *const names[] = {
		[PROBE_UNKNOWN] = "unknown",
		[PROBE_OPEN] = "anyone",
		[PROBE_MEMBERS] = "members",
		[PROBE_ADMITTED] = "admitted",
		[PROBE_REJECTED] = "rejected",
	};

	return names[admission];
}

static json_t *
result_json(const struct probe_result *r)
{
	return json_pack("{s:s, s:o}", "state", state_name(r->state), "ms",
	    ms_json(r->time_us));
}

static json_t *
steps_json(const struct probe_visit *v)
{
	json_t *o = json_object();

	for (enum probe_step i = 0; i < PROBE_STEP_COUNT; i++)
		if (json_object_set_new(o, probe_visit_step_name(i),
			result_json(&v->steps[i])) == -1) {
			json_decref(o);
			return NULL;
		}
	return o;
}

static json_t *
certificate_json(const struct probe_visit *v)
{
	const struct cert_info *leaf = &v->cert.leaf;

	if (!v->has_cert)
		return json_null();
	return json_pack("{s:s, s:o, s:o, s:o, s:b, s:I, s:I, s:i, s:b}",
	    "sha256", leaf->sha256, "names", text_json(leaf->names), "subject",
	    text_json(leaf->subject), "issuer", text_json(leaf->issuer),
	    "self_signed", leaf->self_signed, "not_before",
	    (json_int_t)leaf->not_before_s, "not_after",
	    (json_int_t)leaf->not_after_s, "served", (int)v->cert.count,
	    "metacert", v->cert.has_meta);
}

static json_t *
key_json(const struct probe_visit *v)
{
	char text[DERP_KEY_TEXT];

	if (!v->has_server)
		return json_null();
	derp_key_format(&v->server, text);
	return json_string(text);
}

static json_t *
visit_json(const struct probe_visit *v)
{
	return json_pack("{s:I, s:o, s:o, s:s, s:o, s:b, s:b, s:b, s:o, s:o, "
			 "s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
	    "region", (json_int_t)v->node->region, "node",
	    text_json(v->node->name), "host", text_json(v->node->host),
	    "family", probe_visit_family_name(v->family), "address",
	    address_json(&v->address, false), "off", v->is_off, "no_route",
	    v->no_route, "cut_short", v->cut_short, "steps", steps_json(v),
	    "tls_version",
	    v->tls_version[0] != '\0' ? text_json(v->tls_version) : json_null(),
	    "certificate", certificate_json(v), "server_key", key_json(v),
	    "admission", admission_name(v->admission), "mapped_address",
	    address_json(&v->mapped, true), "clock_skew_s",
	    v->has_skew ? json_integer((json_int_t)v->skew_s) : json_null(),
	    "server_header", text_json(v->software), "via_header",
	    text_json(v->proxy_via));
}

static json_t *
pair_json(const struct probe_pair *p)
{
	return json_pack("{s:I, s:o, s:o, s:s, s:o, s:b}", "region",
	    (json_int_t)p->from->node->region, "from",
	    text_json(p->from->node->name), "to", text_json(p->to->node->name),
	    "state", state_name(p->result.state), "ms",
	    ms_json(p->result.time_us), "cut_short", p->cut_short);
}

static void
add_finding(void *ctx, const struct probe_finding_at *at)
{
	const struct probe_finding *f = at->finding;
	const struct probe_kind_row *row = probe_kind_row(f->kind);
	json_t **list = ctx;
	json_t *o = json_pack(
	    "{s:s, s:s, s:I, s:o, s:o, s:o, s:s, s:o, s:o, s:s, s:s, s:o}",
	    "id", row->id, "severity", probe_severity_name(row->severity),
	    "region", (json_int_t)at->node->region, "node",
	    text_json(at->node->name), "to_node",
	    at->pair != NULL ? text_json(at->pair->to->node->name)
			     : json_null(),
	    "family",
	    at->visit != NULL
		? json_string(probe_visit_family_name(at->visit->family))
		: json_null(),
	    "title", row->title, "tried", text_json(f->tried), "got",
	    text_json(f->got), "means", row->means, "advice", row->advice,
	    "hint", f->hint[0] != '\0' ? text_json(f->hint) : json_null());

	if (*list != NULL && json_array_append_new(*list, o) == -1) {
		json_decref(*list);
		*list = NULL;
	}
}

static json_t *
findings_json(const struct probe_report *report)
{
	json_t *list = json_array();

	probe_report_each(report, add_finding, &list);
	return list;
}

static json_t *
visits_json(const struct probe_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->visit_count; i++)
		if (json_array_append_new(
			list, visit_json(&report->visits[i])) == -1) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
pairs_json(const struct probe_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->pair_count; i++)
		if (json_array_append_new(list, pair_json(&report->pairs[i])) ==
		    -1) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
region_json(const struct probe_region *r)
{
	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "region",
	    (json_int_t)r->node->region, "code",
	    text_json(r->node->region_code), "name",
	    text_json(r->node->region_name), "latency_ms",
	    ms_json(r->latency_us), "by",
	    r->latency_us == 0 ? json_null()
			       : json_string(r->by_stun ? "stun" : "https"));
}

static json_t *
regions_json(const struct probe_net *net)
{
	json_t *list = json_array();

	for (size_t i = 0; i < net->region_count; i++)
		if (json_array_append_new(
			list, region_json(&net->regions[i])) == -1) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *
net_json(const struct probe_report *report)
{
	struct probe_net net;
	json_t *varies, *o;

	if (probe_net_make(&net, report) == -1)
		return NULL;
	varies = net.varies == PROBE_VARY_UNKNOWN
	    ? json_null()
	    : json_boolean(net.varies == PROBE_VARY_YES);
	o = json_pack("{s:b, s:o, s:o, s:o, s:o}", "udp", net.udp, "ipv4",
	    address_json(&net.ipv4, true), "ipv6",
	    address_json(&net.ipv6, true), "mapping_varies_by_dest_ip", varies,
	    "regions", regions_json(&net));
	probe_net_clear(&net);
	return o;
}

int
probe_json(FILE *to, const struct probe_report *report, bool one_line)
{
	const struct probe_totals t = probe_report_totals(report);
	json_t *root = json_pack(
	    "{s:I, s:f, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "started",
	    (json_int_t)report->started_s, "took_s",
	    (double)report->took_ms / 1000, "errors", (int)t.n[PROBE_ERROR],
	    "warnings", (int)t.n[PROBE_WARNING], "infos", (int)t.n[PROBE_INFO],
	    "netcheck", net_json(report), "nodes", visits_json(report), "pairs",
	    pairs_json(report), "findings", findings_json(report));

	if (root == NULL)
		return -1;
	json_dumpf(root, to,
	    JSON_REAL_PRECISION(9) |
		(one_line ? JSON_COMPACT : JSON_INDENT(2)));
	fputc('\n', to);
	json_decref(root);
	return 0;
}
