/*
 * json_memory: memory for jansson that tells when it was short.
 *
 * jansson does not say so itself: a text that could not grow loses characters,
 * and an object that could not be made is a syntax error, so that a shortage of
 * ours looks like a fault of whoever has written the text. Between
 * json_memory_begin and json_memory_end all fails after the first failure, so
 * that no part of a text is read as the whole of it. A program installs it
 * when it starts: json_set_alloc_funcs(json_memory_malloc, free). Threads: any;
 * each has its own state.
 */
#ifndef DERPKIT_JSON_MEMORY_H
#define DERPKIT_JSON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* malloc. */
void *json_memory_malloc(size_t n);

void json_memory_begin(void);

/* Whether memory was short since then. False where it is not installed. */
bool json_memory_end(void);

#endif
