/*
 * signals: those that the main thread waits for.
 *
 * Threads: the main thread, before others run.
 */
#ifndef DERPKIT_SIGNALS_H
#define DERPKIT_SIGNALS_H

#include <signal.h>

/* Blocks them for all threads, and has the set of them. */
void signals_block(sigset_t *signals);

#endif
