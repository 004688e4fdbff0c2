/*
 * load_report: what a run has found, as one JSON object.
 *
 * The members are described in schemas/bench.schema.json ("run").
 * Threads: main only.
 */
#ifndef DERPKIT_LOAD_REPORT_H
#define DERPKIT_LOAD_REPORT_H

#include "crowd.h"
#include "flow.h"
#include "probe.h"
#include "usage.h"

struct report {
	const char *mode;
	const struct load *load; /* borrowed */
	const char *cipher;      /* static */
	bool own_records;        /* of derp-load */
	bool relay_watched;      /* usage.relay_us means something */
	bool has_flow, has_crowd;
	struct usage usage; /* over the measuring window */
	struct flow_counts flow;
	uint64_t logins, failures, lost_clients;
	struct probe_worker *probe; /* owned; NULL: none */
	struct fail why;            /* of the first broken connection */
};

/* Adds one worker's results. */
void report_add_flow(struct report *r, const struct flow_worker *w);
void report_add_crowd(struct report *r, const struct crowd_worker *w);

/* Prints the object and a newline; frees the probe. */
void report_print(struct report *r);

#endif
