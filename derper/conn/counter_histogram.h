/*
 * counter_histogram: how often values lay within bounds, for metrics.
 *
 * Like a counter: one thread adds, anybody may read. Life: all zero at first.
 * Threads: counter_histogram_add by one; atomic.
 */
#ifndef DERPKIT_COUNTER_HISTOGRAM_H
#define DERPKIT_COUNTER_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define COUNTER_HISTOGRAM_BOUNDS 16

/* Upper bounds, each with the values that equal it, in rising order. */
struct counter_histogram_bounds {
	size_t count;
	uint64_t upper[COUNTER_HISTOGRAM_BOUNDS];
};

/* A bucket for each bound, and in the next one what is above all of them. */
struct counter_histogram {
	_Atomic uint64_t buckets[COUNTER_HISTOGRAM_BOUNDS + 1];
	_Atomic uint64_t sum;
};

/* The same as plain values. */
struct counter_histogram_values {
	uint64_t buckets[COUNTER_HISTOGRAM_BOUNDS + 1];
	uint64_t sum;
};

/* Only the thread that owns it. */
void counter_histogram_add(struct counter_histogram *h,
    const struct counter_histogram_bounds *bounds, uint64_t value);

/* Adds what it holds now to *sum. Any thread. */
void counter_histogram_read(
    struct counter_histogram_values *sum, const struct counter_histogram *h);

#endif
