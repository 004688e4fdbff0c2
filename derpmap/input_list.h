/*
 * input_list: the files that words of a command line name.
 *
 * A word is a file, - for standard input, a folder (all *.yaml, *.yml and
 * *.json below it, hidden ones excepted), or a pattern of glob(7) when there is
 * no such file.
 *
 * Life: input_list_init -> input_list_add... -> input_list_clear. Blocking
 * (files). Threads: used by one.
 */
#ifndef DERPKIT_INPUT_LIST_H
#define DERPKIT_INPUT_LIST_H

#include "fail.h"

#include <stddef.h>

#define INPUT_LIST_MAX 100000 /* files of one call */

struct input_list {
	char **v; /* owned, each owned */
	size_t n, cap;
};

void input_list_init(struct input_list *l);

/* Adds what the word names, sorted by name. -1 with *why: nothing, too many, a
 * folder that cannot be read, or memory is short. */
int input_list_add(struct input_list *l, const char *word, struct fail *why);

void input_list_clear(struct input_list *l);

#endif
