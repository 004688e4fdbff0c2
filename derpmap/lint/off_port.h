/*
 * off_port: advice about a port that is a word for "off".
 *
 * headscale and Go want a number, and for STUN there is one that means it.
 *
 * Threads: as the run.
 */
#ifndef DERPKIT_OFF_PORT_H
#define DERPKIT_OFF_PORT_H

#include "rule.h"

/* Says in the finding about a refused value (or NULL) what to write, if it is
 * such a port of a node; for another value it does nothing. */
void off_port_advise(struct rule_run *run, struct finding *f,
    const struct derpmap_diagnostic *d);

#endif
