/*
 * fetch_state: what `derpmap fetch` remembers beside the file it wrote, for
 * conditional requests: for each URL the validators of its last answer.
 *
 * A sidecar, OUTPUT.fetched, because JSON has no comments to keep it in, and
 * because a file that somebody has edited must be fetched again: the sidecar
 * names the SHA-256 of the file that it goes with. One that cannot be read, or
 * goes with something else, means: nothing is remembered. RFC 9110 section 13.
 *
 * Life: fetch_state_load or zeroed -> fetch_state_add ... -> fetch_state_save
 * -> fetch_state_clear. Threads: one at a time.
 */
#ifndef DERPKIT_FETCH_STATE_H
#define DERPKIT_FETCH_STATE_H

#include "bytes.h"
#include "fail.h"

struct fetch_validators {
	const char *etag, *last_modified; /* "" for none */
};

struct fetch_state {
	struct json_t *root; /* owned; NULL: nothing is remembered */
};

/* Reads the sidecar of the output file, whose present bytes are given. `how`
 * is what the file depends on besides the URLs: another value, and nothing is
 * remembered. */
void fetch_state_load(struct fetch_state *s, const char *output,
    struct slice bytes, const char *how);

/* Whether exactly these URLs, in this order, are remembered. */
bool fetch_state_is_for(
    const struct fetch_state *s, const char *const *urls, size_t count);

/* What is remembered of the n-th URL. Borrowed. */
struct fetch_validators fetch_state_get(const struct fetch_state *s, size_t n);

/* Appends a URL to an empty state, or one that was made so. A validator that is
 * not UTF-8 is not remembered. -1: memory is
 * short. */
int fetch_state_add(
    struct fetch_state *s, const char *url, struct fetch_validators v);

/* Writes the sidecar for the output with these bytes. -1 with *why. */
int fetch_state_save(const struct fetch_state *s, const char *output,
    struct slice bytes, const char *how, struct fail *why);

void fetch_state_clear(struct fetch_state *s);

#endif
