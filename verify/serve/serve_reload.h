/*
 * serve_reload: the files of the admission server that are read again when they
 * change: certificate, key, tokens.
 *
 * Life: serve_reload_open -> serve_reload_load -> serve_reload_poll ....
 * Threads: main; blocking (files).
 */
#ifndef DERPKIT_SERVE_RELOAD_H
#define DERPKIT_SERVE_RELOAD_H

#include "filestamp.h"
#include "serve_token.h"
#include "tls.h"

struct serve_reload {
	const char *cert_file, *key_file, *token_file; /* borrowed; or NULL */
	struct filestamp seen[3]; /* of these, as last tried */
};

/* The names are borrowed; cert and key are both NULL or neither. -1 and the
 * reason when they are not. */
int serve_reload_open(struct serve_reload *r, const char *cert_file,
    const char *key_file, const char *token_file, struct fail *why);

/* Reads all: *tls and *tokens are owned by the caller, and NULL where there is
 * no such file. -1 and the reason. */
int serve_reload_load(struct serve_reload *r, struct tls_context **tls,
    struct serve_tokens **tokens, struct fail *why);

/* Reads those that have changed, or all when forced. What is bad is logged and
 * left NULL, as is what has not changed. */
void serve_reload_poll(struct serve_reload *r, bool forced,
    struct tls_context **tls, struct serve_tokens **tokens);

#endif
