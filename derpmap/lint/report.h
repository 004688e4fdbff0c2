/*
 * report: findings in the requested format.
 *
 * A format is a row {name, function, help} and a file, report_NAME.c. A report
 * prints what there is, in the order of the list, and judges nothing. Keys and
 * names in messages come from the file: what people read goes through
 * lib/base/quote, what programs read is made valid in their format.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_REPORT_H
#define DERPKIT_REPORT_H

#include "finding.h"

#include <stdio.h>

struct report_format {
	const char *name; /* as --format wants it */
	/* Writes all findings. -1: memory is short; write errors are told by
	 * ferror. */
	int (*write)(FILE *to, const struct findings *list, bool colour);
	const char *help;
	bool for_people; /* infos are hidden unless they are asked for */
};

/* The n-th format, or NULL after the last; the first one is the default. */
const struct report_format *report_format(size_t n);

/* Its name, or NULL. */
const char *report_format_name(size_t n);

/* "3 errors, 1 warning, 2 infos", or "no findings". */
void report_summary(FILE *to, const struct findings *list);

#endif
