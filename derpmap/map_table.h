/*
 * map_table: a map for people to look at.
 *
 * Threads: pure functions but for the stream.
 */
#ifndef DERPKIT_MAP_TABLE_H
#define DERPKIT_MAP_TABLE_H

#include "derpmap.h"

#include <stdio.h>

/* One line a node, in columns. -1: memory is short. */
int map_table_print(FILE *to, const struct derpmap *m, bool colour);

/* Each region with its fields, its nodes with theirs below. -1 as above. */
int map_table_tree(FILE *to, const struct derpmap *m, bool colour);

#endif
