/*
 * dial_cert: what a DERP client looks at in a relay's certificates itself.
 *
 * Threads: any. Source: tailscale net/tlsdial (SetConfigExpectedCertHash).
 */
#ifndef DERPKIT_DIAL_CERT_H
#define DERPKIT_DIAL_CERT_H

#include "fail.h"

#include <openssl/x509.h>
#include <stdbool.h>

#define DIAL_CERT_CN_MAX 256
#define DIAL_CERT_META_PREFIX "derpkey" /* a DERP metacert's CN begins so */

/* The subject's common name; "" when there is none. */
void dial_cert_common_name(const X509 *cert, char out[static DIAL_CERT_CN_MAX]);

/* Whether its common name says that it is a metacert. */
bool dial_cert_is_meta(const X509 *cert);

/* Judges a chain by the SHA-256 of its certificate (64 lower-case hex), which
 * must also be valid now and for the name. Metacerts are skipped, exactly one
 * other certificate may be there. -1 and the reason. */
int dial_cert_judge_pin(struct stack_st_X509 *chain, const char *pin,
    const char *name, struct fail *why);

#endif
