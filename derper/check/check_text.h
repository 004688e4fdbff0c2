/*
 * check_text: the document of check_json.h for people.
 *
 * Threads: the main thread's.
 */
#ifndef DERPKIT_CHECK_TEXT_H
#define DERPKIT_CHECK_TEXT_H

#include <jansson.h>
#include <stdio.h>

void check_text(FILE *to, const json_t *told);

#endif
