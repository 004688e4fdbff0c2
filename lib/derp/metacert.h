/*
 * metacert: the certificate in which a relay tells its key.
 *
 * A relay appends it to its TLS chain, so that a client knows the server's key
 * before the first byte of DERP. Threads: any, no shared state. Source:
 * tailscale derp/derpserver (initMetacert).
 */
#ifndef DERPKIT_METACERT_H
#define DERPKIT_METACERT_H

#include "cert.h"
#include "derp_key.h"

#define METACERT_MAX CERT_NAMED_MAX /* bytes of DER that any fits in */

/*
 * Makes one: Ed25519, serial 2, issuer = subject = CN "derpkey" + 64 hex of the
 * server's public key, 30 days both ways (cert_make_named). DER goes to der, *n
 * bytes.
 */
int metacert_make(const struct derp_key *server,
    uint8_t der[static METACERT_MAX], size_t *n, struct fail *why);

#endif
