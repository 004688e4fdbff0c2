/*
 * probe_report: all that a run has found; what the outputs are made from.
 *
 * Life: filled by probe_run -> read -> probe_report_clear. Threads: one at a
 * time.
 */
#ifndef DERPKIT_PROBE_REPORT_H
#define DERPKIT_PROBE_REPORT_H

#include "probe_visit.h"

/* A packet from a client of one node to a client of another. */
struct probe_pair {
	const struct probe_visit *from, *to; /* borrowed from the report */
	struct probe_result result;
	struct probe_findings findings;
	bool cut_short; /* the total time limit ended it */
};

struct probe_report {
	const struct probe_plan *plan; /* borrowed */
	struct probe_visit *visits;    /* owned; by node, then by family */
	size_t visit_count;
	size_t family_count;      /* visits per node */
	struct probe_pair *pairs; /* owned */
	size_t pair_count;
	/* of nodes as a whole: of_node[i] is about nodes[i]; owned */
	struct probe_findings *of_node;
	int64_t started_s; /* seconds since 1970 */
	uint64_t took_ms;
};

/* Frees; fine twice. */
void probe_report_clear(struct probe_report *report);

/* A finding and what it is about: visit is NULL for those of a node as a whole,
 * pair but for those of a pair. */
struct probe_finding_at {
	const struct probe_node *node;
	const struct probe_visit *visit;
	const struct probe_pair *pair;
	const struct probe_finding *finding;
};

/* Calls `each` with every finding, by node; those of pairs are last. */
void probe_report_each(const struct probe_report *report,
    void (*each)(void *ctx, const struct probe_finding_at *at), void *ctx);

/* How many findings of each severity there are. */
struct probe_totals {
	size_t n[PROBE_ERROR + 1]; /* by enum probe_severity */
};
struct probe_totals probe_report_totals(const struct probe_report *report);

/* Whether memory was short, so that findings are missing. */
bool probe_report_is_short(const struct probe_report *report);

/* The findings of a node as a whole. Borrowed. */
struct probe_findings *probe_report_of_node(
    struct probe_report *report, const struct probe_node *node);

#endif
