/*
 * server_key: the relay's private key, and the file that it is in.
 *
 * Life: server_key_load -> server_key_clear. Threads: the main thread;
 * immutable afterwards.
 */
#ifndef DERPKIT_SERVER_KEY_H
#define DERPKIT_SERVER_KEY_H

#include "config.h"
#include "derp_key.h"

struct server_key {
	struct derp_private_key private_key;
	struct derp_key public_key;
	const char *path; /* borrowed from the configuration; "": no file */
	bool would_make;  /* tried only: there is no file yet */
};

/* Loads the key of the file that the configuration names, or makes one; with
 * `try` makes none (keyfile_try). -1 and the reason. */
int server_key_load(struct server_key *k, const struct config *config, bool try,
    struct fail *why);
/* Forgets the private key. Fine on { 0 }. */
void server_key_clear(struct server_key *k);

#endif
