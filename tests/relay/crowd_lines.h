/*
 * crowd_lines: the commands of derp-crowd, line by line from standard input.
 *
 * There is one standard input, so the state is the program's. Life:
 * crowd_lines_read when it is readable, then crowd_lines_next until there is no
 * whole line left. Threads: one.
 */
#ifndef DERPKIT_CROWD_LINES_H
#define DERPKIT_CROWD_LINES_H

#include <stdbool.h>

#define CROWD_LINE 256 /* bytes of a line and a NUL; longer ones are cut */

/* Reads what is there. */
void crowd_lines_read(void);

/* Takes the next whole line. False: there is none yet. */
bool crowd_lines_next(char line[static CROWD_LINE]);

/* Whether the input has come to its end. */
bool crowd_lines_ended(void);

#endif
