/*
 * status_facts: all that is told of a relay, gathered at one moment.
 *
 * Life: status_facts_gather -> read -> status_facts_clear. Threads: any but a
 * worker, one at a time.
 */
#ifndef DERPKIT_STATUS_FACTS_H
#define DERPKIT_STATUS_FACTS_H

#include "counters.h"
#include "netaddr.h"
#include "registry.h"
#include "status_ring.h"
#include "status_snapshot.h"
#include "verify.h"
#include "verify_member.h"

struct relay_shared;

#define STATUS_LISTENERS_MAX 3

struct status_listener {
	const char *what; /* "DERP over TLS" */
	struct netaddr addr;
};

/* What is known from the start on; immutable. Everything is borrowed. */
struct status_relay {
	const char *hostname; /* "": none */
	uint64_t started_ms;  /* of clock_now_ms */
	unsigned workers;
	uint64_t connections_max;
	struct status_listener listeners[STATUS_LISTENERS_MAX];
	size_t listener_count;
	const struct relay_shared *shared;
	const struct counters_array *counters;
	/* seconds since 1970; NULL: plain HTTP */
	const _Atomic int64_t *certificate_expires_s;
};

/* A source of admission. */
struct status_source {
	/* "node list FILE", escaped (quote.h), cut if it is too long */
	char label[512];
	struct verify_member_stats stats;
};

struct status_facts {
	/* borrowed until cleared */
	const struct status_relay *relay;
	const struct status_ring *ring;
	const struct status_snapshot *snapshot;
	/* at this moment */
	int64_t now_s; /* seconds since 1970 */
	uint64_t uptime_s;
	int64_t started_s; /* as this clock would have had it */
	bool draining;
	int64_t certificate_expires_s; /* 0: no TLS, or not known */
	struct counter_values counters;
	struct registry_stats registry;
	struct status_slot recent; /* the last whole slot, or the first one */
	bool admits_all;
	struct status_source sources[VERIFY_SOURCES_MAX];
	size_t source_count;
	/* nodes that they name, held */
	struct verify_set *sets[VERIFY_SOURCES_MAX];
	size_t set_count;
};

/* ring and snapshot are borrowed until status_facts_clear. */
void status_facts_gather(struct status_facts *f,
    const struct status_relay *relay, const struct status_ring *ring,
    const struct status_snapshot *snapshot, uint64_t now_ms);
void status_facts_clear(struct status_facts *f);

/* What a source calls the node; "" when none does. Borrowed until cleared. */
const char *status_facts_name(
    const struct status_facts *f, const struct derp_key *key);

#endif
