/*
 * bootstrap_resolver: looks up the names of bootstrap_dns, again and again.
 *
 * On a thread of its own, as the system's resolver blocks. Life:
 * bootstrap_resolver_start -> bootstrap_resolver_stop, which waits for nothing:
 * a look-up that is under way ends by itself later. Threads: the main thread.
 * Source: tailscale cmd/derper/bootstrap_dns.go.
 */
#ifndef DERPKIT_BOOTSTRAP_RESOLVER_H
#define DERPKIT_BOOTSTRAP_RESOLVER_H

#include "fail.h"

struct bootstrap_dns;
struct bootstrap_resolver;

#define BOOTSTRAP_RESOLVER_ROUND_S 600 /* from one round to the next */
#define BOOTSTRAP_RESOLVER_NAME_MS 10000

/* `names` is borrowed until the stop. NULL and the reason. */
struct bootstrap_resolver *bootstrap_resolver_start(
    struct bootstrap_dns *names, struct fail *why);
/* NULL is fine. */
void bootstrap_resolver_stop(struct bootstrap_resolver *r);

#endif
