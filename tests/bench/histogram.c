/* histogram: see histogram.h. */
#include "histogram.h"

#include <stddef.h>

#define LINEAR_BITS 6 /* 64 buckets per octave */

static size_t
bucket_of(uint64_t ns)
{
	unsigned shift = 0;
	size_t i;

	if (ns >= 2U << LINEAR_BITS)
		shift = 63U - LINEAR_BITS - (unsigned)__builtin_clzll(ns);
	i = ((size_t)shift << LINEAR_BITS) + (size_t)(ns >> shift);
	return i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1;
}

/* The middle of a bucket. */
static uint64_t
value_of(size_t i)
{
	size_t shift = 0;
	uint64_t base;

	if (i >= 2U << LINEAR_BITS)
		shift = (i >> LINEAR_BITS) - 1;
	base = (uint64_t)(i - (shift << LINEAR_BITS)) << shift;
	return base + (((uint64_t)1 << shift) >> 1);
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	h->count++;
	h->buckets[bucket_of(ns)]++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

void
histogram_merge(struct histogram *h, const struct histogram *from)
{
	h->count += from->count;
	if (from->max_ns > h->max_ns)
		h->max_ns = from->max_ns;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->buckets[i] += from->buckets[i];
}

uint64_t
histogram_quantile(const struct histogram *h, double q)
{
	uint64_t want = (uint64_t)(q * (double)h->count + 0.5);
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	if (want == 0)
		want = 1;
	/* the last bucket has no upper end: the maximum stands for it */
	for (size_t i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->buckets[i];
		if (seen >= want)
			return value_of(i) < h->max_ns ? value_of(i)
						       : h->max_ns;
	}
	return h->max_ns;
}
