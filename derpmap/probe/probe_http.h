/*
 * probe_http: what a node answers over HTTP: latency check, the upgrade that
 * was refused, captive portal check.
 *
 * Threads: any; blocking.
 */
#ifndef DERPKIT_PROBE_HTTP_H
#define DERPKIT_PROBE_HTTP_H

#include "dial.h"
#include "probe_visit.h"

/* Asks for /derp/latency-check over the connection, which is of no use after
 * it; reads clock, software and proxies out of the headers. */
void probe_http_latency(const struct probe_context *c, struct dial *d);

/* Asks for the upgrade over the connection and says what came instead of 101.
 * For when a DERP client has failed: `reason` is what it said. */
void probe_http_upgrade(
    const struct probe_context *c, struct dial *d, const char *reason);

/* The captive portal check on port 80. */
void probe_http_portal(const struct probe_context *c);

/* Seconds since 1970 of a Date header (IMF-fixdate, RFC 9110 section 5.6.7);
 * -1: it is not one. */
int64_t probe_http_date(struct slice text);

#endif
