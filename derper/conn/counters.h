/*
 * counters: what the relay has done, per worker.
 *
 * Each worker has a set of its own, on cache lines of its own, and is the only
 * one to write to it; anybody may read. An addition is a load and a store, with
 * no locked instruction. The reader sums the sets, so that no worker is asked
 * and none has to answer.
 *
 * A gauge goes up and down on the worker that the connection lives on, so each
 * worker's is exact at the moment at which it is read. Names are those of
 * upstream's metrics without the derp_ prefix where it has the same one. Life:
 * counters_new -> counters_add by the workers, counters_sum by anybody ->
 * counters_free. Threads: a set is written by one thread; atomic.
 */
#ifndef DERPKIT_COUNTERS_H
#define DERPKIT_COUNTERS_H

#include "counter_histogram.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packets that were dropped for a reason; of these, disco packets; the bytes of
 * the frames of all of them, and of the disco packets. */
#define COUNTERS_OF_DROPS(X, reason) \
	X(reason)                    \
	X(reason##_disco)            \
	X(reason##_bytes)            \
	X(reason##_disco_bytes)

#define COUNTERS(X)                                                        \
	X(accepts)              /* connections that logged in to DERP */   \
	X(connections)          /* TCP connections accepted */             \
	X(accept_delays)        /* times that newcomers had to wait */     \
	X(proxy_headers)        /* PROXY headers that were believed */     \
	X(proxy_refused)        /* closed: no good PROXY header */         \
	X(refused_limit)        /* closed at once: a connection limit */   \
	X(evicted_duplicates)   /* ended: too many of their key */         \
	X(refused_memory)       /* closed: no memory, or a limit of it */  \
	X(shed_before_login)    /* ended for a newcomer: no free slot */   \
	X(shed_handshakes)      /* ended: too many TLS handshakes */       \
	X(out_of_fds)           /* accepting paused: out of descriptors */ \
	X(tls_failed)           /* handshakes that failed */               \
	X(tls_got_http)         /* plain HTTP on the TLS port */           \
	X(tls_no_name)          /* handshakes without a server name */     \
	X(http_refused)         /* no request: 400, 431, or not in time */ \
	X(derp_without_upgrade) /* requests for /derp */                   \
	X(websocket_accepts)    /* connections that speak it */            \
	X(websocket_refused)    /* handshakes */                           \
	/* connections closed for what came, but for the pings */          \
	X(websocket_bad_frames)                                            \
	X(websocket_text)                                                  \
	X(websocket_too_large)                                             \
	X(websocket_too_many_frames)                                       \
	X(websocket_pings)                                                 \
	X(websocket_pings_unanswered) /* for want of room */               \
	X(login_failed)       /* bad or missing ClientInfo, time-outs */   \
	X(rejected)           /* by admission */                           \
	X(admitted_fail_open) /* the controller was unreachable */         \
	X(revoked)            /* closed: may no longer use the relay */    \
	X(read_failed)        /* TLS or socket errors while reading */     \
	X(bad_frames)         /* connections closed for a bad frame */     \
	X(unknown_frames)     /* ignored frames */                         \
	X(packets_received)   /* SendPacket in */                          \
	X(bytes_received)     /* their payload */                          \
	X(packets_sent)       /* RecvPacket out */                         \
	X(payload_sent)       /* its bytes: packets without their heads */ \
	X(bytes_sent)         /* bytes of frames handed to sockets */      \
	X(received_disco)     /* of packets_received */                    \
	COUNTERS_OF_DROPS(X, dropped_unknown_dest)                         \
	COUNTERS_OF_DROPS(X, dropped_unknown_dest_on_fwd)                  \
	COUNTERS_OF_DROPS(X, dropped_gone_disconnected)                    \
	/* oldest dropped: queue full */                                   \
	COUNTERS_OF_DROPS(X, dropped_queue_head)                           \
	/* newest dropped: a byte limit */                                 \
	COUNTERS_OF_DROPS(X, dropped_queue_tail)                           \
	X(dropped_at_crossing) /* of these: another worker is behind */    \
	X(got_ping)                                                        \
	X(sent_pong)                                                       \
	X(peer_gone_disconnected_frames)                                   \
	X(peer_gone_not_here_frames)                                       \
	X(write_timeouts)      /* clients closed: took no bytes */         \
	X(watchers)            /* gauge: mesh peers that watch */          \
	X(watchers_refused)    /* too many */                              \
	X(watchers_given_up)   /* ended: too slow */                       \
	X(peer_present_frames) /* to watchers */                           \
	X(packets_forwarded_in)                                            \
	X(packets_forwarded_out)                                           \
	X(closed_by_mesh)         /* connections ended by ClosePeer */     \
	X(multiforwarder_created) /* keys at several other relays */       \
	X(multiforwarder_deleted)                                          \
	X(forwarder_deleted_other) /* by a relay that had not the key */   \
	X(mesh_links)              /* gauge: to other relays */            \
	X(mesh_keys)               /* gauge: that these say they have */   \
	X(mesh_keys_refused)       /* beyond the limit of a link */        \
	X(mesh_connects)           /* links that were established */       \
	X(mesh_failed)             /* that were not, or broke */           \
	X(crossed)                 /* packets for other workers */         \
	X(turns)                   /* loop turns */                        \
	X(pauses)                  /* turns put off to batch more */       \
	/* frames that waited, by whose limit it was for; rate_gate.h */   \
	X(rate_limit_per_client_waited)                                    \
	X(rate_limit_per_key_waited)                                       \
	X(rate_limit_per_address_waited)                                   \
	X(rate_limit_total_waited)                                         \
	X(rate_limited_clients) /* clients of which one ever did */        \
	X(rate_limit_forgotten) /* keys, addresses: rate_shares.h */       \
	X(stun_success)                                                    \
	X(stun_not_stun)                                                   \
	X(stun_write_failed)                                               \
	X(stun_ipv4) /* of stun_success */                                 \
	X(bootstrap_dns_requests)                                          \
	X(bootstrap_dns_published_hits)                                    \
	X(bootstrap_dns_published_misses)                                  \
	X(bootstrap_dns_unpublished_hits)                                  \
	X(bootstrap_dns_unpublished_misses)                                \
	X(bootstrap_dns_unpublished_percent_misses)                        \
	X(bootstrap_dns_queried_domains) /* different ones */              \
	X(http_requests)                                                   \
	X(tunnels) /* gauge: of CONNECT */                                 \
	X(tunnels_opened)                                                  \
	X(tunnels_refused)     /* too many, or a shortage */               \
	X(tunnels_failed)      /* the target was not reached */            \
	X(tunnels_forbidden)   /* of these: for its addresses */           \
	X(tunnel_bytes)        /* carried, both ways */                    \
	X(current_connections) /* gauge: logged in */                      \
	X(current_home)        /* gauge: of these, home connections */     \
	X(current_departures)  /* gauge: keys whose receivers are told */  \
	X(current_not_ideal)   /* gauge: of connections; a better relay */ \
	X(home_moves_in)       /* became home, not at the login */         \
	X(home_moves_out)                                                  \
	X(tls12_handshakes) /* that were completed */                      \
	X(tls13_handshakes)                                                \
	X(tls12_requests) /* HTTP */                                       \
	X(tls13_requests)                                                  \
	X(tls12_clients) /* gauge: logged in */                            \
	X(tls13_clients) /* gauge */                                       \
	/* gauges: as of the last turn */                                  \
	X(memory_output)       /* bytes that clients leave unread */       \
	X(memory_input)        /* of theirs that is not whole */           \
	X(memory_before_login) /* held for those who are not logged in */  \
	X(handshakes_now)      /* TLS handshakes in progress */            \
	/* samples of round-trip times, rtt_sampler.h */                   \
	X(rtt_10ms)                                                        \
	X(rtt_20ms)                                                        \
	X(rtt_50ms)                                                        \
	X(rtt_100ms)                                                       \
	X(rtt_150ms)                                                       \
	X(rtt_250ms)                                                       \
	X(rtt_500ms)                                                       \
	X(rtt_inf)                                                         \
	X(rtt_error)                                                       \
	X(rtt_non_tcp)                                                     \
	/* gauge: of the time that packets wait, see worker_note_wait */   \
	X(queue_wait_ns)

/* Histograms, with their bounds in counters.c. */
#define COUNTERS_HISTOGRAMS(X)                                  \
	X(write_frames)   /* frames per flush */                \
	X(mesh_batch)     /* changes per message to watchers */ \
	X(mesh_loops)     /* such messages per turn */          \
	X(stun_answer_us) /* from a turn's begin to its answers */

/* Bytes that no two sets share: a cache line and the one that processors load
 * beside it. */
#define COUNTERS_ALIGN 128

/* The set of one worker; atomic. */
struct counters {
#define COUNTER_FIELD(name) _Atomic uint64_t name;
	COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
#define COUNTER_HISTOGRAM(name) struct counter_histogram name;
	COUNTERS_HISTOGRAMS(COUNTER_HISTOGRAM)
#undef COUNTER_HISTOGRAM
};

/* The same as plain values: what was read at one time. */
struct counter_values {
#define COUNTER_FIELD(name) uint64_t name;
	COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
#define COUNTER_HISTOGRAM(name) struct counter_histogram_values name;
	COUNTERS_HISTOGRAMS(COUNTER_HISTOGRAM)
#undef COUNTER_HISTOGRAM
};

#define COUNTER_BOUNDS(name) \
	extern const struct counter_histogram_bounds counters_bounds_##name;
COUNTERS_HISTOGRAMS(COUNTER_BOUNDS)
#undef COUNTER_BOUNDS

struct counters_array;

/* `count` sets, all zero, each on cache lines of its own. Returns owned; NULL
 * when memory is short. */
struct counters_array *counters_new(size_t count);
void counters_free(struct counters_array *a);

/* The i-th set; borrowed until counters_free. */
struct counters *counters_at(struct counters_array *a, size_t i);

/* Adds to one counter of a set. Only the thread that owns the set. */
static inline void
counters_add(_Atomic uint64_t *counter, uint64_t n)
{
	atomic_store_explicit(counter,
	    atomic_load_explicit(counter, memory_order_relaxed) + n,
	    memory_order_relaxed);
}

/* Counts packets of one kind that were dropped for a reason, and the bytes of
 * their frames. Only the thread that owns the set. */
#define COUNTERS_DROP(set, reason, disco, packets, bytes)            \
	do {                                                         \
		counters_add(&(set)->reason, (packets));             \
		counters_add(&(set)->reason##_bytes, (bytes));       \
		if (!(disco))                                        \
			break;                                       \
		counters_add(&(set)->reason##_disco, (packets));     \
		counters_add(&(set)->reason##_disco_bytes, (bytes)); \
	} while (0)

/* Sets a gauge of a set. Only the thread that owns the set. */
static inline void
counters_set(_Atomic uint64_t *gauge, uint64_t value)
{
	atomic_store_explicit(gauge, value, memory_order_relaxed);
}

/* Subtracts from a gauge of a set. Only the thread that owns the set. */
static inline void
counters_subtract(_Atomic uint64_t *gauge, uint64_t n)
{
	counters_add(gauge, (uint64_t)0 - n);
}

/* Adds what one set holds now to *sum. Any thread. */
void counters_read(struct counter_values *sum, const struct counters *set);

/* The sum of all sets now. Any thread. current_home is never above
 * current_connections, nor that above accepts, whatever happens meanwhile. */
struct counter_values counters_sum(const struct counters_array *a);

/* How often the set's worker has received packets, sent them, or handed them to
 * another worker. Any thread. */
static inline uint64_t
counters_passed(const struct counters *set)
{
	return atomic_load_explicit(
		   &set->packets_received, memory_order_relaxed) +
	    atomic_load_explicit(&set->packets_sent, memory_order_relaxed) +
	    atomic_load_explicit(&set->crossed, memory_order_relaxed);
}
/* The same of all workers. Any thread. */
uint64_t counters_passed_all(const struct counters_array *a);

/* Bytes in which any one of them can be told. */
#define COUNTERS_TEXT_MIN 96

/* "name=value name=value ..." of those that are not zero, from number *at on (0
 * at first), as many as fit into cap; *at is the next one then. False: there
 * are no more. */
bool counters_format(
    const struct counter_values *v, size_t *at, char *out, size_t cap);

#endif
