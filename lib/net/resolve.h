/*
 * resolve: the addresses of a host name, with a deadline.
 *
 * The system's resolver blocks for as long as it likes. It runs on a thread of
 * its own here, and who asks waits until the deadline only; a thread that is
 * still waiting for its answer then ends by itself later. At most
 * RESOLVE_PENDING_MAX of them exist at a time. Threads: any.
 */
#ifndef DERPKIT_RESOLVE_H
#define DERPKIT_RESOLVE_H

#include "fail.h"
#include "netaddr.h"

#include <stdatomic.h>

#define RESOLVE_MAX 32 /* addresses that are kept, in the resolver's order */
#define RESOLVE_PENDING_MAX 256
#define RESOLVE_NAME_MAX 255 /* bytes */

struct resolve_answer {
	struct netaddr v[RESOLVE_MAX]; /* each once; ports are 0 */
	size_t n;
};

/* What one purpose may have of these threads, so that the others find some,
 * too: { .max = n } at first. It lives as long as the process. Atomic. */
struct resolve_share {
	atomic_uint pending;
	unsigned max; /* immutable */
};

enum resolve_status {
	RESOLVE_OK,
	RESOLVE_NONE,     /* the name does not exist, or has no address */
	RESOLVE_FAILED,   /* no resolver answered, or it has a fault */
	RESOLVE_TIMEOUT,  /* not until the deadline */
	RESOLVE_SHORTAGE, /* memory or threads are short here */
};

/* Looks up both families, whatever this machine has itself; an IP address is
 * its own answer. *why says what failed. deadline_ms is clock_now_ms's. */
enum resolve_status resolve_name(const char *name, uint64_t deadline_ms,
    struct resolve_answer *answer, struct fail *why);
/* The same within a share: a shortage when that is used up. */
enum resolve_status resolve_name_within(struct resolve_share *share,
    const char *name, uint64_t deadline_ms, struct resolve_answer *answer,
    struct fail *why);

#endif
