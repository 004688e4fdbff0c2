/*
 * accept_limit: how many connections are accepted per second, by all workers.
 *
 * Above it they wait in the kernel's queue for their turn. DIFFERS: upstream
 * accepts them, closes them, and ends itself at the first. Threads: any.
 */
#ifndef DERPKIT_ACCEPT_LIMIT_H
#define DERPKIT_ACCEPT_LIMIT_H

#include <stdint.h>

struct accept_limit;

/* Returns owned; NULL when memory is short. */
struct accept_limit *accept_limit_new(
    double per_s, double burst, uint64_t now_us);
void accept_limit_free(struct accept_limit *limit);

/* For how many ms the next connection has to wait; 0: not at all. */
uint64_t accept_limit_wait_ms(struct accept_limit *limit, uint64_t now_us);
/* One was accepted. */
void accept_limit_take(struct accept_limit *limit, uint64_t now_us);

#endif
