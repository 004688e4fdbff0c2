/*
 * admit: DERPAdmitClientRequest and DERPAdmitClientResponse.
 *
 * The JSON that derper POSTs to a --verify-client-url and its answer. Source:
 * tailscale tailcfg/derpmap.go; headscale's POST /verify. Threads: pure
 * functions.
 */
#ifndef DERPKIT_ADMIT_H
#define DERPKIT_ADMIT_H

#include "derp_key.h"
#include "netaddr.h"

#define ADMIT_BODY_MAX 4096 /* bytes, both ways */
#define ADMIT_REQUEST_MAX 256

/* {"NodePublic":"nodekey:HEX","Source":"IP"}, exactly as the Go derper writes
 * it; Source is "" when source is NULL or unset. */
void admit_request_put(
    struct writer *w, const struct derp_key *key, const struct netaddr *source);
/* Reads a request as headscale does: names in any case, Source must be an
 * address or "", a missing or null NodePublic is the zero key. */
int admit_request_parse(struct slice body, struct derp_key *key,
    struct netaddr *source, struct fail *why);

/* {"Allow":true} and a newline. */
void admit_response_put(struct writer *w, bool allow);
/* The first JSON value of the body; a missing Allow is false. -1 when it is
 * not a JSON object or Allow is not a boolean. */
int admit_response_parse(struct slice body, bool *allow, struct fail *why);

#endif
