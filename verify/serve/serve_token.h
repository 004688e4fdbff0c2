/*
 * serve_token: who may ask: the bearer tokens of a file.
 *
 * The file has one token a line, so that a new one can be added before the old
 * one goes; blank lines and lines that begin with # are not read. A request
 * names its token in one of three ways: "Authorization: Bearer TOKEN"; the
 * password of "Authorization: Basic", which the Go derper sends for
 * https://any:TOKEN@host/verify; or the path /verify/TOKEN. Tokens are kept as
 * hashes, and all are compared in constant time. Life: serve_tokens_load ->
 * serve_tokens_accept ... -> serve_tokens_free. Threads: immutable.
 */
#ifndef DERPKIT_SERVE_TOKEN_H
#define DERPKIT_SERVE_TOKEN_H

#include "fail.h"
#include "http1.h"

#define SERVE_TOKENS_MAX 16 /* in one file */
#define SERVE_TOKEN_BYTES_MIN 16
#define SERVE_TOKEN_BYTES_MAX 256
#define SERVE_TOKEN_PATH "/verify/" /* what a token in a path follows */

struct serve_tokens;

/* Reads the file. NULL and the reason when it cannot be read, has no token, or
 * one that is too short or is not of letters, digits and "-._~". Returns owned.
 * Blocking. */
struct serve_tokens *serve_tokens_load(const char *path, struct fail *why);
/* NULL is fine. */
void serve_tokens_free(struct serve_tokens *t);

/* Whether the request names one of them. */
bool serve_tokens_accept(
    const struct serve_tokens *t, const struct http1_request *req);

#endif
