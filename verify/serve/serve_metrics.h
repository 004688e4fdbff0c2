/*
 * serve_metrics: the counters in Prometheus' text format.
 *
 * Threads: loop-owned. Source: Prometheus, exposition formats, text 0.0.4.
 */
#ifndef DERPKIT_SERVE_METRICS_H
#define DERPKIT_SERVE_METRICS_H

#include "buf.h"
#include "serve_state.h"

#define SERVE_METRICS_MAX 524288 /* bytes: 64 sources with long names */

/* Appends all of them. -1 when memory is short. */
int serve_metrics_put(const struct serve_state *state, struct buf *text);

#endif
