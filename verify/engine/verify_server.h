/*
 * verify_server: a server that lists nodes for who has a key: its URL, the
 * roots of its certificate, where the key is.
 *
 * Life: verify_server_init -> verify_server_url, verify_server_key ... ->
 * verify_server_clear. Threads: immutable once initialized.
 */
#ifndef DERPKIT_VERIFY_SERVER_H
#define DERPKIT_VERIFY_SERVER_H

#include "verify_secret.h"
#include "verify_source.h"

struct verify_server {
	char *base_url;                /* owned; without a slash at its end */
	char *ca_file;                 /* owned; or NULL */
	char *key_file, *key_variable; /* owned; one of them is NULL */
	struct fetch_client *client;   /* owned; for one thread */
};

/* The options of the configuration that it reads: rows of the table of a kind
 * with that name. */
#define VERIFY_SERVER_OPTIONS(kind)                                         \
	{ "key-file", VERIFY_OPTION_FILE, "FILE",                           \
		"the key for " kind " is the first line of this file",      \
		kind "-key-file", "verify-" kind "-key-file" },             \
	{                                                                   \
		"key-variable", VERIFY_OPTION_TEXT, "NAME",                 \
		    "the key for " kind " is in this environment variable", \
		    kind "-key-variable", "verify-" kind "-key-variable"    \
	}

/* Reads roots and key once, so that a mistake is told at the start. -1 with
 * *why; clear it all the same. */
int verify_server_init(struct verify_server *s, const char *base_url,
    const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why);
void verify_server_clear(struct verify_server *s);

/* The URL of a path ("/api/v1/node"). Returns owned: free; NULL when memory is
 * short. */
char *verify_server_url(const struct verify_server *s, const char *path);

/* The key as it is now. -1 with *why. Wipe it. */
int verify_server_key(
    const struct verify_server *s, struct verify_secret *key, struct fail *why);

#endif
