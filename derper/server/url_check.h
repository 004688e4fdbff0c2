/*
 * url_check: whether the admission URLs answer, found out when the relay
 * starts.
 *
 * Each URL's origin is asked once for its "/" with a GET that names no key: it
 * admits nobody, counts nowhere and delays nothing. What came of it is a line
 * in the log, within URL_CHECK_MS for each URL. Life: url_check_start ->
 * url_check_stop. Threads: the main thread's; it has one of its own, which
 * inherits the signals that are blocked.
 */
#ifndef DERPKIT_URL_CHECK_H
#define DERPKIT_URL_CHECK_H

#include "verify_config.h"

#define URL_CHECK_MS 5000

struct url_check;

/* Begins. The configuration is borrowed for the call. Returns owned; NULL when
 * no source is a URL, or when it cannot begin, which it logs. */
struct url_check *url_check_start(const struct verify_config *config);

/* Ends it, within a second if it runs, and frees it. NULL is fine. */
void url_check_stop(struct url_check *c);

#endif
