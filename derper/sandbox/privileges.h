/*
 * privileges: rights that a running relay does not need are given up.
 *
 * Threads: the main thread's, before others run; they inherit it. Source:
 * capabilities(7), prctl(2).
 */
#ifndef DERPKIT_PRIVILEGES_H
#define DERPKIT_PRIVILEGES_H

#include "fail.h"

#include <stdbool.h>

/* No core file, and nobody but root may look into the process's memory: it
 * holds the relay's key and the traffic keys of all clients. */
int privileges_no_dumps(struct fail *why);

/* No program that this process could run gains rights by that. */
int privileges_no_new(struct fail *why);

/* Makes capabilities that were permitted, but not in force, count from now on:
 * those of a program file that asks for none at its start (`setcap ...=p`), so
 * that it can also be run where they are denied. */
int privileges_use_permitted(struct fail *why);

/* Gives up all capabilities, but with `keep_read` the one to read files of
 * other users (a certificate folder that belongs to an ACME client), which is
 * kept only where something else limits which files those are. Containers have
 * one for that which allows to write them, too. */
int privileges_drop_capabilities(bool keep_read, struct fail *why);

#endif
