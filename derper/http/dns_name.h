/*
 * dns_name: names as the relay accepts them in lists and tunnels.
 *
 * Threads: any.
 */
#ifndef DERPKIT_DNS_NAME_H
#define DERPKIT_DNS_NAME_H

#include "bytes.h"

/* Whether all bytes are letters, digits, '-', '_' or '.' of ASCII: nothing that
 * a log, a URL or a resolver reads in another way. True for no bytes. */
bool dns_name_is_plain(struct slice text);

#endif
