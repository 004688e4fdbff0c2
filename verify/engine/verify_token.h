/*
 * verify_token: what an OAuth server answers who asks for an access token.
 *
 * Source: RFC 6749 section 5.1. Threads: any.
 */
#ifndef DERPKIT_VERIFY_TOKEN_H
#define DERPKIT_VERIFY_TOKEN_H

#include "bytes.h"
#include "verify_secret.h"

#include <stdint.h>

/* Reads {"access_token":...,"expires_in":3600}. *lasts_ms is at most a day, and
 * 0 where nothing usable is told. -1 with *why, and *token as it was: there is
 * none that can go into the head of a request. Wipe it. */
int verify_token_parse(struct slice body, struct verify_secret *token,
    uint64_t *lasts_ms, struct fail *why);

#endif
