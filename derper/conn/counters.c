/* counters: see counters.h. */
#include "counters.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A set, filled up to whole cache lines. */
struct padded_counters {
	_Alignas(COUNTERS_ALIGN) struct counters set;
};

/* These are upstream's. */
const struct counter_histogram_bounds counters_bounds_write_frames = { 16,
	{ 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 25, 50, 100 } };
const struct counter_histogram_bounds counters_bounds_mesh_batch = { 11,
	{ 0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 } };
const struct counter_histogram_bounds counters_bounds_mesh_loops = { 8,
	{ 0, 1, 2, 5, 10, 20, 50, 100 } };
const struct counter_histogram_bounds counters_bounds_stun_answer_us = { 10,
	{ 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 100000 } };

struct counters_array {
	size_t count;
	struct padded_counters sets[];
};

static_assert(sizeof(struct padded_counters) % COUNTERS_ALIGN == 0,
    "two sets share no cache line");

struct counters_array *
counters_new(size_t count)
{
	struct counters_array *a;
	size_t size;

	if (count > (SIZE_MAX - sizeof *a) / sizeof a->sets[0])
		return NULL;
	size = sizeof *a + count * sizeof a->sets[0];
	a = aligned_alloc(COUNTERS_ALIGN, size);
	if (a == NULL)
		return NULL;
	memset(a, 0, size);
	a->count = count;
	return a;
}

void
counters_free(struct counters_array *a)
{
	free(a);
}

struct counters *
counters_at(struct counters_array *a, size_t i)
{
	assert(i < a->count);
	return &a->sets[i].set;
}

void
counters_read(struct counter_values *sum, const struct counters *set)
{
#define COUNTER_READ(name) \
	sum->name += atomic_load_explicit(&set->name, memory_order_relaxed);
	COUNTERS(COUNTER_READ)
#undef COUNTER_READ
#define COUNTER_READ(name) counter_histogram_read(&sum->name, &set->name);
	COUNTERS_HISTOGRAMS(COUNTER_READ)
#undef COUNTER_READ
}

struct counter_values
counters_sum(const struct counters_array *a)
{
	struct counter_values sum = { 0 };

	for (size_t i = 0; i < a->count; i++)
		counters_read(&sum, &a->sets[i].set);
	/* logins and ends between two of these reads: there are no more home
	 * connections than connections, nor more of these than logins */
	if (sum.current_connections > sum.accepts)
		sum.accepts = sum.current_connections;
	if (sum.current_home > sum.current_connections)
		sum.current_home = sum.current_connections;
	return sum;
}

uint64_t
counters_passed_all(const struct counters_array *a)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < a->count; i++)
		sum += counters_passed(&a->sets[i].set);
	return sum;
}

bool
counters_format(
    const struct counter_values *v, size_t *at, char *out, size_t cap)
{
	static const struct {
		const char *name;
		size_t at;
	} all[] = {
#define COUNTER_ROW(name) { #name, offsetof(struct counter_values, name) },
		COUNTERS(COUNTER_ROW)
#undef COUNTER_ROW
	};
	size_t used = 0;
	uint64_t value;
	int n;

	assert(cap >= COUNTERS_TEXT_MIN);
	out[0] = '\0';
	for (; *at < sizeof all / sizeof all[0]; (*at)++) {
		memcpy(&value, (const char *)v + all[*at].at, sizeof value);
		if (value == 0)
			continue;
		n = snprintf(out + used, cap - used, "%s%s=%llu",
		    used > 0 ? " " : "", all[*at].name,
		    (unsigned long long)value);
		if ((size_t)n >= cap - used) {
			out[used] = '\0';
			break;
		}
		used += (size_t)n;
	}
	return used > 0;
}
