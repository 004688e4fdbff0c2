/*
 * acme_note: what relays with one folder write there for each other, and for
 * themselves after a restart: an order that may have been issued, how long to
 * stay away from an authority, and the answer to a challenge.
 *
 * The first two are lines of "name: value", of which those that are not known
 * are ignored; the key of an order follows in PEM form. Threads: pure
 * functions. Source of the last: golang.org/x/crypto/acme/autocert (httpToken).
 */
#ifndef DERPKIT_ACME_NOTE_H
#define DERPKIT_ACME_NOTE_H

#include "acme_client.h"

#define ACME_NOTE_MAX 8192 /* bytes of any */

/* An order whose certificate was asked for. */
struct acme_note_order {
	char directory[ACME_URL_MAX]; /* of the authority */
	char order[ACME_URL_MAX];
	int64_t at_s;         /* when it was asked for, since 1970 */
	struct acme_key *key; /* owned: acme_note_order_clear */
};

/* When an authority that counts failures may be asked again. */
struct acme_note_retry {
	enum acme_fault fault;
	unsigned failures; /* in a row */
	bool asked;        /* the authority has said how long */
	int64_t since_s, until_s;
};

/* Appends the text, which is secret, written at at_s. -1 when memory is short.
 */
int acme_note_put_order(struct buf *text, const struct acme_note_order *note);
int acme_note_put_retry(struct buf *text, const struct acme_note_retry *note);

/* An order's is clear unless it is read. */
enum acme_reading acme_note_read_order(
    struct slice text, struct acme_note_order *note);
/* -1 when the text is not such a note. */
int acme_note_read_retry(struct slice text, struct acme_note_retry *note);

/* Frees the key. */
void acme_note_order_clear(struct acme_note_order *note);

/* Whether the text can be the key authorization of the token. */
bool acme_note_is_authorization(struct slice token, struct slice text);

#endif
