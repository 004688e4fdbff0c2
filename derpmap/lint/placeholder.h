/*
 * placeholder: text that somebody should have replaced.
 *
 * For rules. Threads: pure functions.
 */
#ifndef DERPKIT_PLACEHOLDER_H
#define DERPKIT_PLACEHOLDER_H

#include "bytes.h"

/* Whether any value of a map cannot be meant as it is: `<your ip>`, `${IP}`,
 * `{{ .Values.ip }}`, YOUR_IP. */
bool placeholder_is_mark(struct slice text);

/* Whether a host name is one of those that examples have, in whatever language:
 * derp.mydomain.com, xxx.com, a word without dots that is not ASCII. */
bool placeholder_is_host(struct slice host);

#endif
