/*
 * verify_whois: what a tailscaled's answer about one key means.
 *
 * Source: tailscale ipn/localapi/localapi.go (serveWhoIs), and what the Go
 * derper makes of it, derp/derpserver/derpserver.go (verifyClient). Threads:
 * pure.
 */
#ifndef DERPKIT_VERIFY_WHOIS_H
#define DERPKIT_VERIFY_WHOIS_H

#include "fetch.h"
#include "verify_answer.h"

struct verify_whois {
	bool denies_expired; /* a key that has run out */
	int64_t now_s;       /* since 1970 */
};

/* Sets *answer. key is the text of the key that was asked about. */
void verify_whois_judge(const struct verify_whois *w,
    const struct fetch_response *response, const char *key,
    struct verify_answer *answer);

#endif
