/*
 * descriptors: as many of them as the relay may need, or a warning.
 *
 * Threads: start-up only. Source: getrlimit(2).
 */
#ifndef DERPKIT_DESCRIPTORS_H
#define DERPKIT_DESCRIPTORS_H

#include "config.h"

/* What the relay needs at most: its connections, and what workers, reload,
 * verification, the mesh and connections that wait for their PROXY header hold
 * open beside them. */
uint64_t descriptors_needed(const struct config *config);

/* Raises RLIMIT_NOFILE as far as it goes; warns when that is not enough, with
 * the number of connections that fit. */
void descriptors_raise(const struct config *config);

#endif
