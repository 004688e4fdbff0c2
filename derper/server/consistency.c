/* consistency: see consistency.h. */
#include "consistency.h"

#include "counters.h"
#include "registry.h"
#include "verify_current.h"

#include <inttypes.h>

/* Counts are read one after the other while clients come and go: they only have
 * to agree once. */
#define TRIES 1000

struct problems {
	struct writer *w;
	bool any;
};

static struct writer *
next_problem(struct problems *p)
{
	if (p->any)
		writer_printf(p->w, ", ");
	p->any = true;
	return p->w;
}

/* DIFFERS: upstream compares connections with keys, and fails when a key has
 * two connections. */
static void
check_connections(const struct consistency *c, struct problems *p)
{
	uint64_t counted = 0, registered = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		const struct registry_stats stats = registry_stats(c->registry);

		counted = counters_sum(c->counters).current_connections;
		registered = stats.local - stats.duplicate_keys +
		    stats.duplicate_connections;
		if (counted == registered)
			return;
	}
	writer_printf(next_problem(p),
	    "counted connections = %" PRIu64
	    " != the registry says of %" PRIu64,
	    counted, registered);
}

static void
check_source(struct verify_member *m, struct problems *p)
{
	struct verify_member_stats stats;

	verify_member_stats(m, &stats);
	if (verify_member_is_spared(m))
		writer_printf(next_problem(p), "%s does not answer",
		    verify_member_label(m));
	else if (stats.keeps_set && !stats.feed.has_set)
		writer_printf(next_problem(p), "%s has not been read yet",
		    verify_member_label(m));
	else if (stats.keeps_set && stats.feed.fault != VERIFY_FAULT_NONE)
		writer_printf(next_problem(p),
		    "%s cannot be read; what it last said is %" PRIu64 " s old",
		    verify_member_label(m), stats.feed.age_ms / 1000);
}

static void
check_sources(void *ctx, struct verify *v)
{
	const struct verify_sources *sources = verify_get_sources(v);

	for (size_t i = 0; i < sources->count; i++)
		check_source(sources->list[i], ctx);
}

bool
consistency_check(const struct consistency *c, struct writer *problems)
{
	struct problems p = { .w = problems };

	check_connections(c, &p);
	if (c->verify != NULL)
		verify_current_use(c->verify, check_sources, &p);
	return !p.any;
}
