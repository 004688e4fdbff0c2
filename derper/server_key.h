/*
 * server_key: the relay's own key: of the key file, or with -dev a new one.
 *
 * Threads: start-up only; blocking (files).
 */
#ifndef DERPKIT_SERVER_KEY_H
#define DERPKIT_SERVER_KEY_H

#include "config.h"
#include "derp_key.h"
#include "fail.h"

/* The caller wipes the private key. -1 and the reason. */
int server_key_load(const struct config *config,
    struct derp_private_key *private_key, struct derp_key *public_key,
    struct fail *why);

#endif
