/*
 * certs: the certificate in its folder, and reload when it changes.
 *
 * With -certmode letsencrypt and gcp the files are those that acme_service.h
 * writes; until there are any, the context has no certificate.
 *
 * With -certmode manual:
 * The file stem is the host name without every character outside
 * [A-Za-z0-9.-]. For a host name that is an IP address a missing pair is made
 * and self-signed, and the line to paste into a region map is logged at every
 * start if the certificate signed itself. certs_poll looks whether the files
 * changed; a bad new pair keeps the old context and says so. Threads: main
 * thread; blocking (files). Source: tailscale cmd/derper/cert.go.
 */
#ifndef DERPKIT_CERTS_H
#define DERPKIT_CERTS_H

#include "config.h"
#include "derp_key.h"
#include "pin.h"
#include "tls.h"

#define CERTS_PIN_TEXT (sizeof PIN_PREFIX + PIN_HEX)

struct certs;

/* Loads, or makes, the pair; with an ordered one, `challenge` is what the
 * authority is shown, borrowed for as long as contexts live. Returns owned;
 * NULL and the reason. */
struct certs *certs_open(const struct config *config,
    const struct derp_key *server, struct tls_challenge *challenge,
    struct fail *why);
/* The same, but makes neither pair nor folder: a pair that is missing and would
 * be made is not there then, and certs_would_make says so. */
struct certs *certs_try(const struct config *config,
    const struct derp_key *server, struct tls_challenge *challenge,
    struct fail *why);
bool certs_would_make(const struct certs *certs);
void certs_close(struct certs *certs);

/* Makes a new self-signed pair in place of one, for a host name that is an IP
 * address, and gives its pin (PIN_PREFIX and hex). Refuses to replace a
 * certificate that another authority signed. -1 and the reason. */
int certs_renew(const struct config *config, char pin[static CERTS_PIN_TEXT],
    struct fail *why);

/* Logs what the certificate is for, or that there is none, and warns when it is
 * out of date, soon will be, or is not valid yet. */
void certs_report(const struct certs *certs);

/* Warns again of the dates when a day has passed since the last time. */
void certs_remind(struct certs *certs, uint64_t now_ms);

/* The files, borrowed until certs_close. */
const char *certs_cert_file(const struct certs *certs);
const char *certs_key_file(const struct certs *certs);

/* When the certificate ends, in seconds since 1970; 0: unknown. */
int64_t certs_expiry_s(const struct certs *certs);

/* The context in force, borrowed until certs_close or a reload. */
struct tls_context *certs_context(const struct certs *certs);

/* Loads the pair again if the files changed, or in any case when forced. True
 * when there is a new context. A failure is logged once per change. */
bool certs_poll(struct certs *certs, bool force);

#endif
