/*
 * derper_words: how a relay is started, from whatever starts it: a systemd
 * unit, a shell script, a Compose file, a command line.
 *
 * The words of the text are looked at, whatever the form: an option of derper
 * is the same in all of them, and so is an environment variable DERP_NAME.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_DERPER_WORDS_H
#define DERPKIT_DERPER_WORDS_H

#include "bytes.h"

/* Whether a byte stands between words, in whatever form. */
bool derper_words_separate(uint8_t c);

/* A setting of derper in the text: --verify-clients=false, -verify-client-url
 * URL, DERP_VERIFY_CLIENTS=true or DERP_VERIFY_CLIENTS: "true". */
struct derper_word {
	struct slice value; /* borrowed from the text; empty: none is given */
	size_t offset;      /* of the setting in the text */
};

/* Finds the last setting of that name ("verify-clients"); an option goes
 * before a variable. False: there is none. */
bool derper_words_find(
    struct slice text, const char *name, struct derper_word *word);

/* Whether a switch is on: given, and not as false. */
bool derper_words_is_on(struct slice text, const char *name);

/* The next variable DERP_NAME from *at on that is set, its name in
 * word->value; moves *at to behind it. False: there is none. */
bool derper_words_next_variable(
    struct slice text, size_t *at, struct derper_word *word);

/* Where derper is named first, or else one of its variables; false: nowhere. */
bool derper_words_start(struct slice text, size_t *offset);

#endif
