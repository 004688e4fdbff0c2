/*
 * conn_addr: where a connection is.
 *
 * What other threads, and messages between them, hold in place of a pointer:
 * the worker, the connection's slot there (conn_table.h), and the slot's
 * generation, so that what was meant for an earlier connection of the slot is
 * void. Threads: a plain value.
 */
#ifndef DERPKIT_CONN_ADDR_H
#define DERPKIT_CONN_ADDR_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: nowhere. */
struct conn_addr {
	uint16_t worker;
	uint16_t pad; /* 0 */
	uint32_t slot;
	uint64_t generation; /* from 1 */
};

bool conn_addr_eq(struct conn_addr a, struct conn_addr b);

#endif
