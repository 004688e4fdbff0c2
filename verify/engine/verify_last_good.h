/*
 * verify_last_good: the last good set of a source, in a file, so that a relay
 * that is restarted while the source is away still knows its members.
 *
 * A file is text: a line "derpkit-last-good 1 TIME COUNT", then one for each
 * node, "HEX EXPIRES FLAGS NAME". It is written whole or not at all
 * (newfile.h), for its owner only. A file with an error in it is not used.
 *
 * Threads: pure, but for the file system, on which they block.
 */
#ifndef DERPKIT_VERIFY_LAST_GOOD_H
#define DERPKIT_VERIFY_LAST_GOOD_H

#include "bytes.h"
#include "verify_set.h"
#include "verify_source.h"

#include <limits.h>

#define VERIFY_LAST_GOOD_ID 17 /* bytes of text, with the NUL */

/* What identifies a source among those of its kind: argument, role, and what
 * only its kind has, as the key that it asks with. Hexadecimal digits. */
void verify_last_good_id(const struct verify_source_config *row,
    char id[static VERIFY_LAST_GOOD_ID]);

/* The file of a source in the folder: its name is made of the kind and the id.
 * -1: the path is too long. */
int verify_last_good_path(const char *folder,
    const struct verify_source_config *row, char path[static PATH_MAX]);

/* Writes the set, which was true at true_s (seconds since 1970). -1 with *why.
 */
int verify_last_good_save(const char *path, const struct verify_set *set,
    int64_t true_s, struct fail *why);

/* A sealed set, owned by the caller. NULL: there is none (*why is empty then)
 * or it cannot be used. */
struct verify_set *verify_last_good_load(
    const char *path, int64_t *true_s, struct fail *why);

/* The same from text. */
struct verify_set *verify_last_good_parse(
    struct slice text, int64_t *true_s, struct fail *why);

#endif
