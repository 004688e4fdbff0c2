/*
 * http_service: HTTP on the connections of a loop, for a program that speaks
 * nothing else there.
 *
 * It accepts, carries TLS, reads requests (http_server.h), hands each to its
 * handler, and bounds what clients can take: connections in all and from one
 * address, the time of a request, the bytes that wait to be handled. When all
 * connections are in use, the one that has been idle longest is closed for a
 * newcomer. One connection too many from an address is answered with 503: the
 * Go derper admits everybody when a connection to its admission controller is
 * refused, and nobody for such an answer.
 *
 * Life: http_service_new -> http_service_listen ... -> loop_run -> (drain) ->
 * http_service_free. Threads: loop-owned; counters from any.
 */
#ifndef DERPKIT_HTTP_SERVICE_H
#define DERPKIT_HTTP_SERVICE_H

#include "http_service_config.h"
#include "tls.h"

#define HTTP_SERVICE_LISTENERS_MAX 16

struct http_service;

/* Returns owned; NULL and the reason when memory is short. */
struct http_service *http_service_new(
    const struct http_service_config *config, struct fail *why);
/* Closes everything. NULL is fine. */
void http_service_free(struct http_service *s);

/* Serves what is accepted from fd, which it takes; over TLS if `tls`: the
 * context comes with http_service_use_tls, before the loop runs. -1 and the
 * reason. */
int http_service_listen(
    struct http_service *s, int fd, bool tls, struct fail *why);

/* The context of connections from now on, of which it takes one hold. */
void http_service_use_tls(struct http_service *s, struct tls_context *tls);

/* Accepts no more, answers what has been asked, closes what is idle, and stops
 * the loop when no connection is left, or after that time. */
void http_service_drain(struct http_service *s, uint64_t after_ms);

/* Borrowed; for any thread until http_service_free. */
const struct http_service_counters *http_service_counters(
    const struct http_service *s);

/* For handlers. */

/* The connection's, to answer with. Borrowed. */
struct http_server *http_service_server(struct http_service_conn *c);
/* Unset for a client of a unix socket. Borrowed. */
const struct netaddr *http_service_peer(const struct http_service_conn *c);
/* Answers what was put off by http_server_later; outside of the handler. */
void http_service_answer(
    struct http_service_conn *c, const struct http_server_answer *answer);

#endif
