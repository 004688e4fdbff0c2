/*
 * server_worker: one worker of the relay with all that is on it: relaying, the
 * sockets it serves, STUN.
 *
 * Life: { 0 } -> server_worker_open -> service_run in a thread ->
 * server_worker_close; then the worker is freed and, when those of all workers
 * are, the relay. Threads: the main thread, while the worker does not run.
 */
#ifndef DERPKIT_SERVER_WORKER_H
#define DERPKIT_SERVER_WORKER_H

#include "http_conn.h"
#include "relay.h"
#include "server_ports.h"
#include "worker.h"

#include <pthread.h>

struct stun_server;

struct server_worker {
	struct worker *worker;                       /* owned */
	struct relay *relay;                         /* owned */
	struct service *service;                     /* owned */
	struct stun_server *stun[SERVER_PORTS_SAME]; /* owned; NULL without */
	struct http_port main_port, http_port;
	pthread_t id;
};

/* All borrowed for as long as the worker lives. */
struct server_worker_config {
	const struct config *config;
	const struct server_ports *ports;
	const struct worker_config *worker;
	struct counters *counters; /* this worker's */
	struct relay_shared *relay;
	struct mailbox **mailboxes; /* of all workers: its own is put there */
	const struct http_site *site;
	struct accept_limit *accept_limit; /* NULL: none */
	struct tls_context *tls;           /* NULL: plain HTTP */
};

/* Makes worker number i and opens its sockets. -1 and the reason; close it all
 * the same. */
int server_worker_open(struct server_worker *w,
    const struct server_worker_config *config, unsigned i, struct fail *why);
/* Ends all connections and closes the sockets. After its thread has ended. */
void server_worker_close(struct server_worker *w);

#endif
