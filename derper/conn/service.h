/*
 * service: what one worker does: accepts connections, works in turns, sheds
 * load, shuts down.
 *
 * Life: service_new -> service_run (a thread) -> service_free, then
 * worker_free. Threads: loop-owned, but for what is said to be otherwise.
 */
#ifndef DERPKIT_SERVICE_H
#define DERPKIT_SERVICE_H

#include "conn.h"
#include "listener.h"
#include "tls.h"

struct accept_limit;
struct service;

/* A listening address, and what connections to it speak at first. */
struct service_port {
	struct netaddr addr;
	/* A listening socket that is there already, borrowed: all services that
	 * are given it accept from it. 0: each binds one of its own. */
	int given_fd;
	bool tls;
	struct accept_limit *accept_limit; /* borrowed; NULL: none */
	/* Gives the connection its first protocol (conn_become) and deadline.
	 * -1 when memory is short. */
	int (*accepted)(void *ctx, struct conn *conn);
	void *ctx;
};

#define SERVICE_PORTS_MAX 8
/* Unsent bytes in the kernel beyond which our queue is the better place: there
 * old packets can be dropped. One chunk keeps the socket busy. */
#define SERVICE_NOT_SENT_LOW_WATER 131072

struct service_config {
	struct worker *worker;                        /* borrowed */
	struct service_port ports[SERVICE_PORTS_MAX]; /* port_count of them */
	size_t port_count;
	/* Who sends a PROXY header before anything else: proxy_from_count of
	 * them, borrowed. */
	const struct netaddr_prefix *proxy_from;
	size_t proxy_from_count;
	struct tls_context *tls; /* a share is taken; NULL: no port has TLS */
	/* what sockets inherit */
	uint64_t keepalive_ms, user_timeout_ms;
};

/* Opens the ports. Returns owned; NULL and the reason. */
struct service *service_new(
    const struct service_config *config, struct fail *why);
/* Ends all connections. After the thread has ended. */
void service_free(struct service *s);

/* Runs until it is told to stop; for a thread: ctx is the service. */
void *service_run(void *ctx);
/* Stops at once. Any thread. */
void service_stop(struct service *s);

/* From here on new connections use ctx, a share that the service takes. Any
 * thread. -1 when memory is short: it goes on with what it has. */
int service_use_tls(struct service *s, struct tls_context *ctx);
/* Accepts nothing more, tells those connected, and stops when they have got
 * what was sent, or after timeout_ms. Any thread. Stops at once when memory is
 * short. */
void service_drain(struct service *s, uint64_t timeout_ms);
/* Accepts nothing more, tells those connected that they should go, and closes
 * those who do not, evenly over that time so that they do not all come to
 * another relay at once. It goes on running until service_drain or
 * service_stop. Any thread. -1 when memory is short. */
int service_retire(struct service *s, uint64_t within_ms);

#endif
