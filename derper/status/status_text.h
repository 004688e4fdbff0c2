/*
 * status_text: numbers, times and durations as people read them.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_STATUS_TEXT_H
#define DERPKIT_STATUS_TEXT_H

#include "bytes.h"

#define STATUS_TEXT 32 /* bytes that any of the texts below fits in */

/* "812 B", "1.2 kB", "34.5 MB": powers of 1000. Returns out. */
const char *status_text_bytes(char out[static STATUS_TEXT], uint64_t bytes);
/* "17", "12.3k", "4.6M". Returns out. */
const char *status_text_count(char out[static STATUS_TEXT], uint64_t count);
/* "43s", "12m 8s", "3h 20m", "5d 2h". Returns out. */
const char *status_text_duration(char out[static STATUS_TEXT], uint64_t s);
/* "2026-11-29T07:30:00Z". Returns out. */
const char *status_text_time(char out[static STATUS_TEXT], int64_t s);

#endif
