/*
 * update_limit: how many KeyUpdates a peer may send.
 *
 * Deriving keys costs more than opening a record, so KeyUpdates are earned by
 * records: a few may come early, the rest as slowly as they are of use.
 * Threads: plain values. Source: RFC 8446 §4.6.3, which sets no limit.
 */
#ifndef DERPKIT_UPDATE_LIMIT_H
#define DERPKIT_UPDATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* KeyUpdates that may come early, and the most that can be saved up. */
#define UPDATE_LIMIT_EARLY 32
/* Records received with one key that earn another KeyUpdate. */
#define UPDATE_LIMIT_RECORDS 32

/* Takes one KeyUpdate off *left (UPDATE_LIMIT_EARLY at first), after `records`
 * records with the key that it replaces. False: it is one too many. */
bool update_limit_take(uint8_t *left, uint64_t records);

#endif
