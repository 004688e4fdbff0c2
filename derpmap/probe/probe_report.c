/* probe_report: see probe_report.h. */
#include "probe_report.h"

#include <stdlib.h>

void
probe_report_clear(struct probe_report *report)
{
	for (size_t i = 0; i < report->visit_count; i++)
		probe_visit_clear(&report->visits[i]);
	for (size_t i = 0; i < report->pair_count; i++)
		probe_findings_clear(&report->pairs[i].findings);
	for (size_t i = 0; report->of_node != NULL && i < report->plan->n; i++)
		probe_findings_clear(&report->of_node[i]);
	free(report->visits);
	free(report->pairs);
	free(report->of_node);
	*report = (struct probe_report){ 0 };
}

struct probe_findings *
probe_report_of_node(struct probe_report *report, const struct probe_node *node)
{
	return &report->of_node[node - report->plan->nodes];
}

struct teller {
	void (*each)(void *ctx, const struct probe_finding_at *at);
	void *ctx;
};

static void
tell(const struct teller *t, const struct probe_findings *list,
    struct probe_finding_at at)
{
	for (size_t i = 0; i < list->n; i++) {
		at.finding = &list->v[i];
		t->each(t->ctx, &at);
	}
}

void
probe_report_each(const struct probe_report *report,
    void (*each)(void *ctx, const struct probe_finding_at *at), void *ctx)
{
	const struct teller t = { each, ctx };
	const struct probe_visit *v = report->visits;

	for (size_t i = 0; i < report->plan->n; i++) {
		const struct probe_node *node = &report->plan->nodes[i];

		tell(&t, &report->of_node[i],
		    (struct probe_finding_at){ .node = node });
		for (size_t j = 0; j < report->family_count; j++, v++)
			tell(&t, &v->findings,
			    (struct probe_finding_at){
				.node = node, .visit = v });
	}
	for (size_t i = 0; i < report->pair_count; i++)
		tell(&t, &report->pairs[i].findings,
		    (struct probe_finding_at){
			.node = report->pairs[i].from->node,
			.pair = &report->pairs[i] });
}

static void
count(void *ctx, const struct probe_finding_at *at)
{
	struct probe_totals *totals = ctx;

	totals->n[probe_kind_row(at->finding->kind)->severity]++;
}

struct probe_totals
probe_report_totals(const struct probe_report *report)
{
	struct probe_totals totals = { { 0 } };

	probe_report_each(report, count, &totals);
	return totals;
}

bool
probe_report_is_short(const struct probe_report *report)
{
	for (size_t i = 0; i < report->visit_count; i++)
		if (report->visits[i].findings.is_short)
			return true;
	for (size_t i = 0; i < report->pair_count; i++)
		if (report->pairs[i].findings.is_short)
			return true;
	for (size_t i = 0; i < report->plan->n; i++)
		if (report->of_node[i].is_short)
			return true;
	return false;
}
