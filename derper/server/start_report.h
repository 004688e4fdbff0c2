/*
 * start_report: the block of log lines that says what a relay that has just
 * started serves, to whom, and what is risky about that.
 *
 * Threads: the main thread; it looks at files.
 */
#ifndef DERPKIT_START_REPORT_H
#define DERPKIT_START_REPORT_H

#include "config.h"
#include "verify_config.h"

struct certs;
struct verify_current;

/* All borrowed for the call. */
struct start_report {
	const struct config *config;
	/* as bound; NULL: not served */
	const struct netaddr *main, *http, *stun;
	const struct certs *certs;             /* NULL: plain HTTP */
	struct verify_current *verify;         /* NULL: everybody is admitted */
	const struct verify_config *admission; /* the sources */
};

void start_report(const struct start_report *report);

#endif
