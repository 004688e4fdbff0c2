/*
 * status_page: /debug/status and /debug/status.json on a worker's connection.
 *
 * The page is made on another thread, and answered when it is there. Threads:
 * loop-owned.
 */
#ifndef DERPKIT_STATUS_PAGE_H
#define DERPKIT_STATUS_PAGE_H

#include "http_conn.h"

/* For struct http_debug: ctx is the struct status. */
http_debug_status status_page;

#endif
