/*
 * clock: the only reader of clocks.
 *
 * Everything else gets the time passed in. Threads: any.
 */
#ifndef DERPKIT_CLOCK_H
#define DERPKIT_CLOCK_H

#include <stdint.h>

/* Monotonic time. */
uint64_t clock_now_ms(void);
uint64_t clock_now_us(void);

/* Seconds since 1970 (UTC). */
int64_t clock_wall_s(void);

#endif
