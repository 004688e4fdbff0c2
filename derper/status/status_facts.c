/* status_facts: see status_facts.h. */
#include "status_facts.h"

#include "clock.h"
#include "quote.h"
#include "relay.h"
#include "verify_current.h"

static void
add_source(struct status_facts *f, struct verify_member *member)
{
	struct status_source *source = &f->sources[f->source_count++];
	struct verify_set *set = verify_member_hold(member);
	struct writer w = writer_of(source->label, sizeof source->label - 1);

	quote_put(&w, slice_str(verify_member_label(member)));
	source->label[w.n] = '\0';
	verify_member_stats(member, &source->stats);
	if (set != NULL)
		f->sets[f->set_count++] = set;
}

static void
add_sources(void *ctx, struct verify *v)
{
	const struct verify_sources *sources = verify_get_sources(v);

	for (size_t i = 0; i < sources->count; i++)
		add_source(ctx, sources->list[i]);
}

void
status_facts_gather(struct status_facts *f, const struct status_relay *relay,
    const struct status_ring *ring, const struct status_snapshot *snapshot,
    uint64_t now_ms)
{
	struct verify_current *verify = relay->shared->verify;

	*f = (struct status_facts){ .relay = relay,
		.ring = ring,
		.snapshot = snapshot,
		.now_s = clock_wall_s(),
		.uptime_s = (now_ms - relay->started_ms) / 1000,
		.admits_all = verify == NULL,
		.counters = counters_sum(relay->counters),
		.registry = registry_stats(relay->shared->registry) };
	f->started_s = f->now_s - (int64_t)f->uptime_s;
	if (relay->certificate_expires_s != NULL)
		f->certificate_expires_s = atomic_load_explicit(
		    relay->certificate_expires_s, memory_order_relaxed);
	f->recent = ring->count > 0
	    ? *status_ring_at(ring, ring->count - 1)
	    : status_ring_current(ring, &f->counters, now_ms);
	if (verify != NULL)
		verify_current_use(verify, add_sources, f);
}

void
status_facts_clear(struct status_facts *f)
{
	for (size_t i = 0; i < f->set_count; i++)
		verify_set_drop(f->sets[i]);
	f->set_count = 0;
}

const char *
status_facts_name(const struct status_facts *f, const struct derp_key *key)
{
	struct verify_set_node node;

	for (size_t i = 0; i < f->set_count; i++)
		if (verify_set_find(f->sets[i], key, &node) &&
		    node.name[0] != '\0')
			return node.name;
	return "";
}
