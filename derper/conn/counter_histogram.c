/* counter_histogram: see counter_histogram.h. */
#include "counter_histogram.h"

/* A load and a store, as in counters_add. */
static void
add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(to,
	    atomic_load_explicit(to, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

void
counter_histogram_add(struct counter_histogram *h,
    const struct counter_histogram_bounds *bounds, uint64_t value)
{
	size_t i = 0;

	while (i < bounds->count && value > bounds->upper[i])
		i++;
	add(&h->buckets[i], 1);
	add(&h->sum, value);
}

void
counter_histogram_read(
    struct counter_histogram_values *sum, const struct counter_histogram *h)
{
	for (size_t i = 0; i <= COUNTER_HISTOGRAM_BOUNDS; i++)
		sum->buckets[i] +=
		    atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
	sum->sum += atomic_load_explicit(&h->sum, memory_order_relaxed);
}
