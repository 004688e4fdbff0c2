/*
 * verify_describe: what a configuration means, in plain words.
 *
 * Threads: pure.
 */
#ifndef DERPKIT_VERIFY_DESCRIBE_H
#define DERPKIT_VERIFY_DESCRIBE_H

#include "buf.h"
#include "verify_config.h"

/* Adds lines to *out: who is admitted, and what happens while a source is away;
 * what is risky is in capitals. -1: memory is short. */
int verify_describe(const struct verify_config *config, struct buf *out);

#endif
