/*
 * acme_memory: what of an order and of a failure outlives the relay, in files
 * beside the certificate: HOST+order and HOST+retry (acme_note.h).
 *
 * The first is there from when an authority may issue until the certificate is
 * written; the second from a failure that the authority counts until the next
 * success, for all relays with this folder. Threads: any; no shared state; for
 * whoever has the folder's lock, but for reading. Blocking (files).
 */
#ifndef DERPKIT_ACME_MEMORY_H
#define DERPKIT_ACME_MEMORY_H

#include "acme_folder.h"
#include "acme_note.h"

/* -1 and the reason when it cannot be written. */
int acme_memory_keep_order(const struct acme_folder *f,
    const struct acme_note_order *note, struct fail *why);
int acme_memory_keep_retry(const struct acme_folder *f,
    const struct acme_note_retry *note, struct fail *why);

/* BAD when there is none that can be used, SHORT when that cannot be told now,
 * for want of memory or file descriptors. Clear unless it is read. */
enum acme_reading acme_memory_order(
    const struct acme_folder *f, struct acme_note_order *note);
/* -1 when there is none that can be read. */
int acme_memory_retry(
    const struct acme_folder *f, struct acme_note_retry *note);

/* Removes the file; nothing to do when there is none. */
void acme_memory_forget_order(const struct acme_folder *f);
void acme_memory_forget_retry(const struct acme_folder *f);

#endif
