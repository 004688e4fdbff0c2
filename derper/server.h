/*
 * server: builds the workers, starts and reloads them, and takes them down.
 *
 * What all workers share: configuration, keys, the peer table, the admission
 * engine. Threads: made and freed by the main thread; the accessors are for
 * any thread and return what is immutable or safe to share.
 */
#ifndef DERPKIT_SERVER_H
#define DERPKIT_SERVER_H

#include "config.h"
#include "counters.h"
#include "derp_key.h"
#include "ip_limit.h"
#include "mailbox.h"
#include "registry.h"
#include "verify.h"

#include <stdatomic.h>

struct server;
struct worker;

/* Serves until SIGINT or SIGTERM. 0 for a clean stop, -1 and the reason when
 * it could not start. */
int server_run(const struct config *config, struct fail *why);

const struct config *server_config(const struct server *s);
const struct derp_private_key *server_private_key(const struct server *s);
const struct derp_key *server_public_key(const struct server *s);
struct registry *server_registry(struct server *s);
struct ip_limit *server_ip_limit(struct server *s);
/* NULL when everybody is admitted. */
struct verify *server_verify(struct server *s);
struct mailbox *server_mailbox(struct server *s, unsigned worker);
/* Bytes of batches under way to the worker; atomic. */
atomic_size_t *server_under_way(struct server *s, unsigned worker);
/* Addresses to listen on, ports chosen; NULL for a listener there is not. */
const struct netaddr *server_main_addr(const struct server *s);
const struct netaddr *server_http_addr(const struct server *s);
const struct netaddr *server_stun_addr(const struct server *s);
/* The TLS context in force at start; NULL: plain HTTP. Borrowed. */
struct tls_context *server_tls(const struct server *s);
/* The worker's own set. */
struct counters *server_counters(struct server *s, unsigned worker);

#endif
