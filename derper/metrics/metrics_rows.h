/*
 * metrics_rows: the table of metrics.
 *
 * Threads: immutable.
 */
#ifndef DERPKIT_METRICS_ROWS_H
#define DERPKIT_METRICS_ROWS_H

#include "counters.h"
#include "process_stats.h"
#include "rate_config.h"
#include "registry.h"
#include "verify.h"

#include <stddef.h>

/* All that rows refer to, read at one moment. */
struct metrics_values {
	struct counter_values counters;
	struct verify_counters verify;
	struct process_use process;
	struct metrics_budget {
		uint64_t output, before_login; /* bytes, of all workers */
	} budget;
	uint64_t queue_wait_ns; /* the mean of all workers */
	uint64_t workers, files, max_files, log_dropped;
	uint64_t started_s, boot_s, uptime_s; /* seconds since 1970; seconds */
	uint64_t certificate_expires_s;
	struct rate rate_limit; /* of one client */
	uint64_t acme_issued, acme_failed, acme_next_s;
	/* what is left of a sum, and payloads of packets without the heads of
	 * their frames */
	uint64_t received_other, stun_ipv6;
	uint64_t dropped_other[5], dropped_other_bytes[5],
	    dropped_disco_bytes[5];
	uint64_t dropped_destination, dropped_memory; /* packets */
	struct registry_stats registry;
	uint64_t clients_total;
	uint64_t one, zero;
};

enum metrics_type {
	METRICS_COUNTER,
	METRICS_GAUGE,
	METRICS_UNTYPED, /* upstream gives no type */
};

enum metrics_unit {
	METRICS_WHOLE,
	METRICS_NS,       /* nanoseconds, told as seconds */
	METRICS_NS_AS_MS, /* told as milliseconds */
};

struct metrics_row {
	const char *name;   /* rows of one name follow each other */
	const char *labels; /* "kind=\"disco\""; NULL: none */
	enum metrics_type type;
	enum metrics_unit unit;
	size_t at;        /* of the value in struct metrics_values */
	const char *json; /* path in upstream's /debug/vars, as in
			     "derp.accepts"; NULL: it has none */
	const char *help; /* of the first row of a name */
};

extern const struct metrics_row metrics_rows[];
extern const size_t metrics_row_count;

/* A histogram, after all rows. */
struct metrics_histogram {
	const char *name;
	size_t at; /* of struct counter_histogram_values */
	const struct counter_histogram_bounds *bounds;
	double unit; /* of a value, in that of the metric */
	const char *help;
};

extern const struct metrics_histogram metrics_histograms[];
extern const size_t metrics_histogram_count;

#endif
