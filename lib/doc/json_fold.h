/*
 * json_fold: when two member names are the same to Go's encoding/json.
 *
 * Case is ignored for ASCII, and for the two letters outside ASCII that
 * Unicode folds into it: U+017F (long s) to s and U+212A (Kelvin sign) to k.
 * Names that we look for are ASCII, so nothing else can match.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_JSON_FOLD_H
#define DERPKIT_JSON_FOLD_H

#include "json_token.h"

/* Whether the name, a valid UTF-8 text, is the member `want` (ASCII). */
bool json_fold_eq(struct slice name, const char *want);

/* The same for a name as it is written, with quotes and escapes. */
bool json_fold_token_eq(const struct json_token *name, const char *want);

#endif
