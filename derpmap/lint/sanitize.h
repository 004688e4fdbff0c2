/*
 * sanitize: text from a file, made fit to be printed.
 *
 * Keys and names in messages come from the file that is judged: whatever could
 * move a terminal's cursor, or is not UTF-8, is made visible. Threads: pure.
 */
#ifndef DERPKIT_SANITIZE_H
#define DERPKIT_SANITIZE_H

#include <stdbool.h>

/*
 * A copy of the text as valid UTF-8: other bytes become U+FFFD, and with
 * `printable` control characters become \xNN. Returns owned: free with free().
 * NULL when memory is short.
 */
char *sanitize_text(const char *text, bool printable);

#endif
