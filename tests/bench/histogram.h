/*
 * histogram: counts of durations, and quantiles out of them.
 *
 * Log-linear buckets: 64 per power of two, so a quantile is off by less than
 * 1 %, from a nanosecond to half an hour in 18 kB. Fixed size, no allocation.
 * Threads: a plain value.
 */
#ifndef DERPKIT_HISTOGRAM_H
#define DERPKIT_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_OCTAVES 35
#define HISTOGRAM_BUCKETS (HISTOGRAM_OCTAVES * 64 + 64)

struct histogram {
	uint64_t count; /* values recorded */
	uint64_t max_ns;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Counts one duration; what is beyond the last bucket goes into it. */
void histogram_add(struct histogram *h, uint64_t ns);

/* Adds all of `from`. */
void histogram_merge(struct histogram *h, const struct histogram *from);

/* The duration (ns) that a share of q (0 to 1) of the values does not exceed;
 * 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *h, double q);

#endif
