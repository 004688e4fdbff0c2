/* probe_text: see probe_text.h. */
#include "probe_text.h"

#include "probe_net.h"
#include "probe_table.h"
#include "quote.h"

#include <inttypes.h>

#define SHOWN_MAX 400

static void
put(FILE *to, const char *text)
{
	char room[SHOWN_MAX];
	struct writer w = writer_of(room, sizeof room);

	quote_put(&w, slice_str(text));
	fwrite(w.p, 1, w.n, to);
}

static void
put_name(FILE *to, const struct probe_node *node)
{
	if (node->region_name[0] != '\0')
		put(to, node->region_name);
	else if (node->region_code[0] != '\0')
		put(to, node->region_code);
	else if (node->region != 0)
		fprintf(to, "region %" PRId64, node->region);
	else
		put(to, node->name);
}

static void
put_own(FILE *to, const char *name, const struct netaddr *a)
{
	char text[NETADDR_TEXT] = "(no answer)";

	if (a->is_set)
		netaddr_format(a, text);
	fprintf(to, "  * %s: %s%s\n", name, a->is_set ? "yes, " : "no ", text);
}

static void
put_net(FILE *to, const struct probe_net *net)
{
	static const char *const varies[] = {
		[PROBE_VARY_UNKNOWN] = "unknown",
		[PROBE_VARY_NO] = "false",
		[PROBE_VARY_YES] = "true",
	};

	fprintf(to, "  * UDP: %s\n", net->udp ? "true" : "false");
	put_own(to, "IPv4", &net->ipv4);
	put_own(to, "IPv6", &net->ipv6);
	fprintf(to, "  * MappingVariesByDestIP: %s\n", varies[net->varies]);
	if (net->region_count > 0 && net->regions[0].latency_us > 0) {
		fputs("  * Nearest DERP: ", to);
		put_name(to, net->regions[0].node);
		fputc('\n', to);
	}
	fputs("  * DERP latency:\n", to);
	for (size_t i = 0; i < net->region_count; i++) {
		const struct probe_region *r = &net->regions[i];

		fputs("      - ", to);
		put(to,
		    r->node->region_code[0] != '\0' ? r->node->region_code
						    : r->node->name);
		if (r->latency_us > 0)
			fprintf(to, ": %.*fms%s (",
			    r->latency_us < 1000 ? 2 : 1,
			    (double)r->latency_us / 1000,
			    r->by_stun ? "" : " by HTTPS");
		else
			fputs(": none (", to);
		put_name(to, r->node);
		fputs(")\n", to);
	}
}

struct printer {
	FILE *to;
	const struct probe_text_how *how;
};

static void
put_where(FILE *to, const struct probe_finding_at *at)
{
	put(to, at->node->name);
	if (at->pair != NULL) {
		fputs(" -> ", to);
		put(to, at->pair->to->node->name);
	}
	if (at->visit != NULL)
		fprintf(to, " %s", probe_visit_family_name(at->visit->family));
	if (at->node->region != 0)
		fprintf(to, " (region %" PRId64 ")", at->node->region);
}

static void
put_finding(void *ctx, const struct probe_finding_at *at)
{
	static const char *const colours[] = {
		[PROBE_INFO] = "\033[36m",
		[PROBE_WARNING] = "\033[33m",
		[PROBE_ERROR] = "\033[31m",
	};
	const struct printer *p = ctx;
	const struct probe_finding *f = at->finding;
	const struct probe_kind_row *row = probe_kind_row(f->kind);
	const bool colour = p->how->colour;

	if (row->severity == PROBE_INFO && !p->how->infos)
		return;
	fprintf(p->to, "\n%s%s%s: ", colour ? colours[row->severity] : "",
	    probe_severity_name(row->severity), colour ? "\033[0m" : "");
	put_where(p->to, at);
	fprintf(p->to, ": %s [%s]\n", row->title, row->id);
	fprintf(p->to, "  tried: %s\n  got:   %s\n", f->tried, f->got);
	fprintf(p->to, "  means: %s\n  do:    %s\n", row->means, row->advice);
	if (f->hint[0] != '\0')
		fprintf(p->to, "         %s\n", f->hint);
}

static void
put_pairs(FILE *to, const struct probe_report *report)
{
	if (report->pair_count == 0)
		return;
	fputs("\nBetween nodes of a region:\n", to);
	for (size_t i = 0; i < report->pair_count; i++) {
		const struct probe_pair *p = &report->pairs[i];

		fputs("  ", to);
		put(to, p->from->node->name);
		fputs(" -> ", to);
		put(to, p->to->node->name);
		if (p->result.state == PROBE_GOOD)
			fprintf(
			    to, ": %.1fms\n", (double)p->result.time_us / 1000);
		else
			fprintf(
			    to, ": %s\n", p->cut_short ? "not done" : "FAILS");
	}
}

static void
put_totals(FILE *to, const struct probe_report *report, bool infos)
{
	const struct probe_totals t = probe_report_totals(report);

	if (t.n[PROBE_ERROR] + t.n[PROBE_WARNING] == 0)
		fputs("\nEverything that was tried works", to);
	else
		fprintf(to, "\n%zu error%s, %zu warning%s", t.n[PROBE_ERROR],
		    t.n[PROBE_ERROR] == 1 ? "" : "s", t.n[PROBE_WARNING],
		    t.n[PROBE_WARNING] == 1 ? "" : "s");
	if (t.n[PROBE_INFO] > 0)
		fprintf(to, "; %zu info%s%s", t.n[PROBE_INFO],
		    t.n[PROBE_INFO] == 1 ? "" : "s",
		    infos ? "" : " (-v shows them)");
	fprintf(to, ". %zu node%s, %.1f s.\n", report->plan->n,
	    report->plan->n == 1 ? "" : "s", (double)report->took_ms / 1000);
}

int
probe_text(FILE *to, const struct probe_report *report,
    const struct probe_text_how *how)
{
	struct printer p = { to, how };
	struct probe_net net;

	if (probe_net_make(&net, report) == -1)
		return -1;
	fputs("Report:\n", to);
	put_net(to, &net);
	probe_net_clear(&net);
	fputc('\n', to);
	probe_table(to, report, how->colour);
	put_pairs(to, report);
	probe_report_each(report, put_finding, &p);
	put_totals(to, report, how->infos);
	return 0;
}
