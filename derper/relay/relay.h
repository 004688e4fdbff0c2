/*
 * relay: what the relay's part of all workers shares, and what each worker has
 * of it for itself.
 *
 * Threads: relay_shared is immutable while workers run, and what it points to
 * may be used from any of them; a struct relay is loop-owned.
 */
#ifndef DERPKIT_RELAY_H
#define DERPKIT_RELAY_H

#include "crossing.h"
#include "departures.h"
#include "derp_key.h"
#include "log.h"
#include "rtt_sampler.h"
#include "watchers.h"

struct rate_limit;
struct registry;
struct relay;
struct verify_current;
struct worker;

/* What all nodes of a mesh know; wipe it. */
struct relay_mesh_key {
	uint8_t b[DERP_KEY];
	bool is_set;
};

/* All pointers are borrowed. */
struct relay_shared {
	const struct derp_private_key *private_key;
	const struct derp_key *public_key;
	struct registry *registry;
	struct verify_current *verify; /* NULL: everybody is admitted */
	struct crossing_shared *crossing;
	struct rate_limit *rate_limit;  /* NULL: clients have no limits */
	struct relay_mesh_key mesh_key; /* not set: nobody is a mesh peer */
	struct presence *presence;      /* NULL without a mesh key */
	/* each worker's, by its index; set before workers run */
	struct relay *relays[CROSSING_WORKERS_MAX];
	uint64_t drain_timeout_ms; /* as told to clients at shutdown */
	bool log_connections;      /* a line for each that comes or goes */
	bool sample_rtt;           /* rtt_sampler.h */
};

/* One per worker. */
struct relay {
	const struct relay_shared *shared;
	struct worker *worker;    /* borrowed */
	struct crossing crossing; /* frames on their way to other workers */
	struct departures departures;
	struct watchers watchers;
	unsigned links_withdrawing; /* links of a mesh whose keys leave */
	struct rtt_sampler rtt;
	struct log_limit log_client; /* lines that clients can cause */
	/* of who is admitted unasked, and who is put off the relay: limits of
	 * their own, so that no flood of other lines hides them */
	struct log_limit log_fail_open, log_revoked;
};

/* The relay's part of the worker, which it borrows. Returns owned; NULL when
 * memory is short. */
struct relay *relay_new(
    const struct relay_shared *shared, struct worker *worker);
/* After the workers have been freed. */
void relay_free(struct relay *relay);

/* How long the frame at p is: for worker_config.frame_len. */
size_t relay_frame_len(const uint8_t *p);

#endif
