/*
 * probe_metrics: the report as Prometheus text, for the textfile collector of
 * node_exporter.
 *
 * Threads: any, each with its own buffer. Source: Prometheus exposition format
 * 0.0.4.
 */
#ifndef DERPKIT_PROBE_METRICS_H
#define DERPKIT_PROBE_METRICS_H

#include "buf.h"
#include "probe_report.h"

#define PROBE_METRICS_MAX ((size_t)256 << 20) /* bytes */

/* Appends it. -1: memory is short. */
int probe_metrics(struct buf *out, const struct probe_report *report);

#endif
