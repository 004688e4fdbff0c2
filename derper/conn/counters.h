/*
 * counters: what the relay has done, per worker.
 *
 * Each worker counts for itself, without atomics, in its own struct; whoever
 * wants the sum asks the workers by message. Names are those of upstream's
 * metrics without the derp_ prefix where it has the same one. Threads:
 * loop-owned; sums are plain values.
 */
#ifndef DERPKIT_COUNTERS_H
#define DERPKIT_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#define COUNTERS(X)                                                    \
	X(accepts)          /* connections that logged in to DERP */   \
	X(connections)      /* TCP connections accepted */             \
	X(refused_limit)    /* closed at once: a connection limit */   \
	X(refused_memory)   /* closed: no memory, or a limit of it */  \
	X(out_of_fds)       /* accepting paused: out of descriptors */ \
	X(tls_failed)       /* handshakes that failed */               \
	X(http_refused)     /* no request: 400, 431, or not in time */ \
	X(login_failed)     /* bad or missing ClientInfo, time-outs */ \
	X(rejected)         /* by admission */                         \
	X(read_failed)      /* TLS or socket errors while reading */   \
	X(bad_frames)       /* connections closed for a bad frame */   \
	X(unknown_frames)   /* ignored frames */                       \
	X(packets_received) /* SendPacket in */                        \
	X(bytes_received)   /* their payload */                        \
	X(packets_sent)     /* RecvPacket out */                       \
	X(bytes_sent)       /* bytes of frames handed to sockets */    \
	X(dropped_unknown_dest)                                        \
	X(dropped_gone_disconnected)                                   \
	X(dropped_queue_head) /* oldest dropped: queue full */         \
	X(dropped_queue_tail) /* newest dropped: a byte limit */       \
	X(got_ping)                                                    \
	X(sent_pong)                                                   \
	X(peer_gone_disconnected_frames)                               \
	X(peer_gone_not_here_frames)                                   \
	X(write_timeouts) /* clients closed: took no bytes */          \
	X(crossed)        /* packets for other workers */              \
	X(turns)          /* loop turns */                             \
	X(pauses)         /* turns put off to batch more */            \
	X(stun_success)                                                \
	X(stun_not_stun)                                               \
	X(http_requests)                                               \
	X(current_connections) /* gauge: logged in */                  \
	X(current_home)        /* gauge: of these, home connections */

struct counters {
#define COUNTER_FIELD(name) uint64_t name;
	COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

/* Adds all of `from` to `to`. */
void counters_add(struct counters *to, const struct counters *from);

/* "name=value name=value ..." of those that are not zero, cut at cap. */
void counters_format(const struct counters *c, char *out, size_t cap);

#endif
