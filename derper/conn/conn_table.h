/*
 * conn_table: the connections of one worker, by slot and generation.
 *
 * A connection's address (conn_addr.h) finds it as long as it is in the table;
 * afterwards the slot's next connection has another generation, and the old
 * address finds nothing. Connections are borrowed. Life: conn_table_new ->
 * conn_table_add / conn_table_remove -> conn_table_free. Threads: loop-owned.
 */
#ifndef DERPKIT_CONN_TABLE_H
#define DERPKIT_CONN_TABLE_H

#include "conn_addr.h"

#include <stddef.h>

struct conn;
struct conn_table;

/* An empty table of the worker with that index. Returns owned; NULL when memory
 * is short. */
struct conn_table *conn_table_new(uint16_t worker);
void conn_table_free(struct conn_table *t);

/* Adds a connection, not NULL; *addr is its address. -1 when memory is short.
 */
int conn_table_add(
    struct conn_table *t, struct conn *conn, struct conn_addr *addr);
/* Removes the connection with that address, which must be in the table. */
void conn_table_remove(struct conn_table *t, struct conn_addr addr);

/* The connection at the address; NULL when it is another worker's or has been
 * removed. */
struct conn *conn_table_get(const struct conn_table *t, struct conn_addr addr);

size_t conn_table_count(const struct conn_table *t);

/* Walks all connections: start with *at = 0; NULL at the end. The table may be
 * changed between two steps: one that is added may be missed. */
struct conn *conn_table_next(const struct conn_table *t, uint32_t *at);
/* The same, but not beyond the slot `until`, as those that are free take their
 * time, too: NULL there; and whether that is the end. */
struct conn *conn_table_next_before(
    const struct conn_table *t, uint32_t *at, uint32_t until);
bool conn_table_is_end(const struct conn_table *t, uint32_t at);

#endif
