/*
 * cmd_doctor: the command `derper doctor`, which looks at a relay and its host.
 *
 * Threads: the main thread's.
 */
#ifndef DERPKIT_CMD_DOCTOR_H
#define DERPKIT_CMD_DOCTOR_H

#include "command.h"

extern const struct command cmd_doctor;

#define CMD_DOCTOR_WORDS_MAX 512

/* Puts the command's own options first and "--" before the rest, which are
 * flags of a relay: argv is "derper doctor ...", to has room for
 * CMD_DOCTOR_WORDS_MAX + 1 words, which are borrowed. Returns their number; -1
 * when there are too many. */
int cmd_doctor_arrange(int argc, char **argv, char **to);

#endif
