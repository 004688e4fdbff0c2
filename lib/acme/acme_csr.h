/*
 * acme_csr: a certificate request for one DNS name or IP address.
 *
 * Threads: pure functions. Source: RFC 2986, RFC 8555 7.4, RFC 8738.
 */
#ifndef DERPKIT_ACME_CSR_H
#define DERPKIT_ACME_CSR_H

#include "acme_key.h"

/* Appends the request in DER: no subject, one subject alternative name. -1 when
 * memory is short or OpenSSL fails. */
int acme_csr_make(
    const struct acme_key *key, const char *name, bool is_ip, struct buf *der);

#endif
