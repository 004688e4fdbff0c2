/*
 * verify_ticker: the thread that lets sources look whether something changed.
 *
 * Life: verify_ticker_new -> verify_ticker_look ... -> verify_ticker_free, and
 * only then are the sources freed. Threads: verify_ticker_look from any; locked
 * inside; no lock is held while a source looks.
 */
#ifndef DERPKIT_VERIFY_TICKER_H
#define DERPKIT_VERIFY_TICKER_H

#include "verify_source.h"

struct verify_ticker;

/* Calls tick of those of the sources that have one, when they want it; there
 * is no thread when none has. The sources are borrowed until
 * verify_ticker_free. NULL when a thread or memory is short. Returns owned. */
struct verify_ticker *verify_ticker_new(
    struct verify_source *const *sources, size_t count);

/* Has all of them look now; returns at once. */
void verify_ticker_look(struct verify_ticker *t);

/* Blocks until a look that is under way has ended. NULL is fine. */
void verify_ticker_free(struct verify_ticker *t);

#endif
