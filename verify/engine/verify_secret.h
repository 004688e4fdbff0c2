/*
 * verify_secret: an API key or the like, from a file or the environment.
 *
 * Never from a command line, which everybody on the host can read, and never in
 * a message. It is read each time that it is used, so that it can be replaced
 * while the program runs. Life: verify_secret_load -> verify_secret_wipe.
 * Threads: any.
 */
#ifndef DERPKIT_VERIFY_SECRET_H
#define DERPKIT_VERIFY_SECRET_H

#include "fail.h"

#include <stdbool.h>

#define VERIFY_SECRET_MAX 1024 /* bytes */

/* Where it is. One of the two, the other NULL; borrowed. */
struct verify_secret_place {
	const char *file;     /* its first line is the secret */
	const char *variable; /* of the environment */
};

struct verify_secret {
	char text[VERIFY_SECRET_MAX + 1];
};

/* -1 and *why when it cannot be read, is empty, too long, or has a byte that no
 * secret has: it goes into the head of a request. Blocks on the file system. */
int verify_secret_load(const struct verify_secret_place *place,
    struct verify_secret *secret, struct fail *why);

void verify_secret_wipe(struct verify_secret *secret);

/* Whether everybody on this host may read the file. */
bool verify_secret_is_exposed(const struct verify_secret_place *place);

#endif
