/*
 * acme_counts: what metrics tell of ordered certificates.
 *
 * Threads: atomic; written by the thread that orders.
 */
#ifndef DERPKIT_ACME_COUNTS_H
#define DERPKIT_ACME_COUNTS_H

#include <stdatomic.h>
#include <stdint.h>

struct acme_counts {
	_Atomic uint64_t issued, failed;
	_Atomic int64_t next_s; /* when it will order, since 1970; 0: unknown */
};

#endif
