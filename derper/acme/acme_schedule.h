/*
 * acme_schedule: when a certificate is renewed, and when after a failure.
 *
 * Threads: pure functions. Source: golang.org/x/crypto/acme/autocert
 * (renewal), RFC 9773 4.2.
 */
#ifndef DERPKIT_ACME_SCHEDULE_H
#define DERPKIT_ACME_SCHEDULE_H

#include "acme_answer.h"
#include "acme_client.h"

/* When the certificate that is valid from..to (seconds since 1970) is renewed:
 * when a third of its life is left, or 30 days if that is less, and up to a
 * tenth of that earlier; share (0 <= share < 1) says how much. What the
 * authority suggests (NULL: nothing) goes before, but is never later than a
 * tenth of its life before the end, nor, as one may suggest the past for ever
 * and the relay be started again and again, in the first twentieth. */
int64_t acme_schedule_renewal(int64_t from_s, int64_t to_s,
    const struct acme_window *suggested, double share);

/* How long to wait after so many failures in a row (at least 1), the last of
 * them of that kind: longer each time, up to a bound by kind, never less than
 * what the authority asks for, and up to a fifth more by share. */
uint64_t acme_schedule_retry_ms(enum acme_fault fault, unsigned failures,
    unsigned retry_after_s, double share);

/* When to ask for suggestions again, after the authority's Retry-After (0: not
 * said). */
uint64_t acme_schedule_ask_ms(unsigned retry_after_s);

#endif
