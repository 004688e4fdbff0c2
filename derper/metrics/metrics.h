/*
 * metrics: what the relay tells monitoring systems.
 *
 * The counters of all workers, the process, and the state of the relay, under
 * the names that upstream's derper gives them and, for what it does not count,
 * under derpkit_. A metric is one row in metrics_rows.c. Life: metrics_open ->
 * metrics_text, metrics_json ... -> metrics_close. Threads: metrics_open,
 * metrics_sample and metrics_set_certificate by the main thread; the rest by
 * any.
 * Source: tailscale tsweb/varz, derp/derpserver; Prometheus text format 0.0.4.
 */
#ifndef DERPKIT_METRICS_H
#define DERPKIT_METRICS_H

#include "acme_counts.h"
#include "bytes.h"
#include "counters.h"
#include "metrics_rows.h"
#include "process_stats.h"
#include "rate_limit.h"
#include "verify_current.h"

struct registry;

#define METRICS_SAMPLE_MS 10000

struct metrics {
	/* immutable after metrics_open; borrowed */
	const struct counters_array *counters;
	const struct registry *registry;
	struct rate_limit *rate_limit;  /* NULL: there is none */
	struct verify_current *verify;  /* NULL: everybody is admitted */
	const struct acme_counts *acme; /* NULL: nothing is ordered */
	uint64_t workers;
	struct metrics_budget budget;
	struct process_stats process;

	/* written by the main thread; atomic */
	_Atomic uint64_t files;                /* open descriptors */
	_Atomic int64_t certificate_expires_s; /* since 1970; 0: no TLS */
	uint64_t sampled_ms; /* by the main thread only; 0: not yet */
};

/* Starts from what was set in *m; all else zero. */
void metrics_open(struct metrics *m);
void metrics_close(struct metrics *m);

/* Counts what costs too much at each request, when it is time again. */
void metrics_sample(struct metrics *m, uint64_t now_ms);

void metrics_set_certificate(struct metrics *m, int64_t expires_s);

/* All metrics as Prometheus reads them. */
void metrics_text(const struct metrics *m, struct writer *w);

/* The same as upstream's /debug/vars; ours are in "derpkit". */
void metrics_json(const struct metrics *m, struct writer *w);

#endif
