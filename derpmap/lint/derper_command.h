/*
 * derper_command: the command lines of derper in what starts a relay, and the
 * flags in them that it would refuse.
 *
 * A command begins with a word that names the program or an image of it: with a
 * folder or registry before it, or where a command begins. Its flags are read
 * as Go's flag package does, up to the first word that is neither a flag nor a
 * flag's value: what comes after that, or after the end of the line, is not
 * looked at. So of what cannot be told for sure nothing is said. Flags alone
 * are a command where something else names the program: in a Compose file the
 * image.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_DERPER_COMMAND_H
#define DERPKIT_DERPER_COMMAND_H

#include "bytes.h"

/* A flag that no derper knows. */
struct derper_command_flag {
	struct slice
	    name;      /* without dashes and value; borrowed from the text */
	size_t offset; /* of its first dash */
};

/* The first one from *at on, of which each command has at most one: the relay
 * refuses to start there. Moves *at to behind it; false: there is none. */
bool derper_command_next_unknown(
    struct slice text, size_t *at, struct derper_command_flag *found);

/* The first one of flags that are a whole command, on one line or several. */
bool derper_command_unknown_flag(
    struct slice flags, struct derper_command_flag *found);

#endif
