/*
 * json_text: foreign text as members of JSON reports.
 *
 * Threads: pure functions over the caller's objects.
 */
#ifndef DERPKIT_JSON_TEXT_H
#define DERPKIT_JSON_TEXT_H

#include "bytes.h"

#include <jansson.h>

/* A string; each byte that is not UTF-8 becomes U+FFFD. Returns owned; NULL
 * when memory is short. */
json_t *json_text_new(const char *text);
json_t *json_text_of(struct slice text);

/* Sets a member of the object to text, made valid. -1: memory is short. */
int json_text_set(json_t *object, const char *name, const char *text);

#endif
