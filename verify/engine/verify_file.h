/*
 * verify_file: the node-list file as a source, which verify_kinds.c lists. This
 * header has what the command line needs of it.
 */
#ifndef DERPKIT_VERIFY_FILE_H
#define DERPKIT_VERIFY_FILE_H

#include "verify_nodes.h"

#include <stdbool.h>

/* Reads a node-list file once; "-" is standard input, which must not be without
 * a byte unless allow_empty: so ends a program before the pipe that failed.
 * NULL and the reason, with "FILE:LINE: " before it. Blocks on the file system.
 * Returns owned: verify_nodes_free. */
struct verify_nodes *verify_file_load(
    const char *path, bool allow_empty, struct fail *why);

#endif
