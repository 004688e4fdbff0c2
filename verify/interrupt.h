/*
 * interrupt: a command that waits for its sources is ended by a signal, and the
 * programs that it runs with it.
 *
 * What was waited for is not answered any more: a source that is open in an
 * outage admits nobody because its program was killed here. The programs have
 * process groups of their own (verify_program.h), which no key of a
 * terminal reaches. Threads: the main one, before there are others; it makes
 * one that waits for SIGINT, SIGTERM and SIGHUP, but for those that are
 * ignored, and has the process end by them.
 */
#ifndef DERPKIT_INTERRUPT_H
#define DERPKIT_INTERRUPT_H

#include "verify_config.h"

/* Does nothing for a config without programs. -1: threads are short. */
int interrupt_begin(const struct verify_config *config, struct fail *why);

#endif
