/*
 * status_html: a relay's status as a page for people.
 *
 * It needs no script, loads itself again, follows the reader's light or dark
 * colours, and fits a phone. All text that others chose is escaped. Threads: as
 * status_facts.h.
 */
#ifndef DERPKIT_STATUS_HTML_H
#define DERPKIT_STATUS_HTML_H

#include "status_facts.h"
#include "status_query.h"

#define STATUS_HTML_MAX 262144 /* bytes of a page */

/* Appends the page; w fails when there is no room. */
void status_html(struct writer *w, const struct status_facts *f,
    const struct status_query *q);

#endif
