/*
 * rate_limit: how much clients may send, and who has to wait.
 *
 * Every frame is charged to up to four pairs of token buckets: of its
 * connection, its node key, its source address, and of all. Those of a
 * connection are its worker's own; the others are shared by all workers, and
 * not touched while they have no limit. Those of a key and of an address
 * outlive their clients until they are full again (rate_shares.h): to connect
 * anew does not fill them. New limits replace all buckets by full ones, each
 * when it is next charged.
 *
 * Life: rate_limit_new -> rate_client_new, rate_client_charge ...,
 * rate_client_free -> rate_limit_free. Threads: a rate_limit may be used by
 * any; a rate_client by one at a time. Source: tailscale
 * derp/derpserver/derpserver.go (rateLimit).
 */
#ifndef DERPKIT_RATE_LIMIT_H
#define DERPKIT_RATE_LIMIT_H

#include "derp_key.h"
#include "netaddr.h"
#include "rate_config.h"

struct rate_limit;
struct rate_client;

/* For at most so many clients. Returns owned; NULL when memory is short. */
struct rate_limit *rate_limit_new(
    const struct rate_config *config, size_t clients_max);
/* After all its clients. */
void rate_limit_free(struct rate_limit *limit);

/* From here on these are the limits. */
void rate_limit_set(struct rate_limit *limit, const struct rate_config *config);
/* Those in force. */
struct rate_config rate_limit_get(struct rate_limit *limit);
/* Changes with rate_limit_set. */
unsigned rate_limit_generation(const struct rate_limit *limit);

/* A client of a limit, which is borrowed. Returns owned; NULL when memory is
 * short. */
struct rate_client *rate_client_new(struct rate_limit *limit,
    const struct derp_key *key, const struct netaddr *source, uint64_t now_us);
/* False when, for want of room, a key or an address that had spent something
 * was forgotten. */
bool rate_client_free(struct rate_client *c, uint64_t now_us);

/* Charges a frame of len bytes. Returns for how many microseconds it has to
 * wait, 0 for not at all, and on account of what. */
uint64_t rate_client_charge(
    struct rate_client *c, size_t len, uint64_t now_us, enum rate_scope *scope);

/* The same for what carries frames, as WebSocket does: bytes that are no part
 * of them, and packets without any. */
uint64_t rate_client_charge_framing(struct rate_client *c, size_t bytes,
    size_t packets, uint64_t now_us, enum rate_scope *scope);

/* More than rate_client_room ever says. */
#define RATE_ROOM_MAX ((size_t)1 << 30)
/* About how many bytes of frames could come now before one of them had to wait
 * for longer than wait_us; nothing is charged. */
size_t rate_client_room(
    struct rate_client *c, uint64_t wait_us, uint64_t now_us);

/* Gives back what a frame of len bytes was charged to limits that others share,
 * as of that generation, because it will not be handled: others would pay for
 * clients that leave while they wait. */
void rate_client_refund(struct rate_client *c, size_t len, unsigned generation);

#endif
