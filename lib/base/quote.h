/*
 * quote: foreign text made safe to show on a terminal or in a log line.
 *
 * What a client, a file or another server sends may hold line ends, escape
 * sequences (ESC, or CSI as U+009B or a raw 0x9b byte), and characters that
 * turn or hide text (U+202E and its kind). All text of that origin goes through
 * this module before it is printed. Escapes are those of Go's %q, because
 * upstream's log lines have them: \n \t \r \" \\ \x9b (a byte that is not
 * UTF-8) \u202e \U000e0001.
 *
 * Threads: pure functions. Source: Go strconv.Quote; Unicode general category
 * Cf and UAX 9 for what turns text.
 */
#ifndef DERPKIT_QUOTE_H
#define DERPKIT_QUOTE_H

#include "bytes.h"

/* Bytes of foreign text that a log line shows; the rest becomes "...". */
#define QUOTE_SHOWN 64
/* Room for quote_text's result: each byte as \xNN, where the last one may begin
 * a character that is shown as \UNNNNNNNN; quotes, dots, NUL. */
#define QUOTE_TEXT (QUOTE_SHOWN * 4 + 6 + 2 + 3 + 1)

/* Writes the text in double quotes, escaped, and cut after QUOTE_SHOWN bytes
 * (never within a character) with "..." after the closing quote. Returns out,
 * so that it can be used in the arguments of a printf. */
const char *quote_text(char out[static QUOTE_TEXT], struct slice text);

/* The longest escape for its bytes is \xNN for one. */
#define QUOTE_PUT_GROWTH 4

/* Appends the whole text to w, escaped, but without quotes around it and with
 * quotes and backslashes as they are: for text that is shown as text, as in a
 * message. Takes at most QUOTE_PUT_GROWTH times the bytes of the text; ends
 * early, with w failed, when there is no room. */
void quote_put(struct writer *w, struct slice text);

#endif
