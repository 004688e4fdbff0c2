/*
 * verify_id: what must be equal so that one answer is good for two questions.
 *
 * Threads: pure.
 */
#ifndef DERPKIT_VERIFY_ID_H
#define DERPKIT_VERIFY_ID_H

#include "derp_key.h"
#include "keytable.h"
#include "netaddr.h"

/* The key, and where a source is told the client's address, that too. client
 * may be NULL. */
void verify_id_make(bool reads_client, const struct derp_key *key,
    const struct netaddr *client, uint8_t id[static KEYTABLE_KEY]);

#endif
