/*
 * report: findings in the form that was asked for.
 *
 * A format is a row {name, function, help}; one file each: report_text.c,
 * report_json.c. A report prints what there is, in the order of the list, and
 * judges nothing. Keys and names in messages come from the file: whatever could
 * move a terminal's cursor, or is not UTF-8, is made visible.
 *
 * Threads: used by one; writes to the stream only.
 */
#ifndef DERPKIT_REPORT_H
#define DERPKIT_REPORT_H

#include "finding.h"

#include <stdio.h>

struct report_format {
	const char *name; /* as --format wants it */
	/* Writes all findings. -1: memory is short; errors of the stream are
	 * the stream's (ferror). */
	int (*write)(FILE *to, const struct findings *list, bool colour);
	const char *help;
};

/* All formats; the first one is the default. */
const struct report_format *report_formats(size_t *count);

/* The format of this name, or NULL. */
const struct report_format *report_format_find(const char *name);

/* "3 errors, 1 warning, 2 infos", or "no findings". */
void report_summary(FILE *to, const struct findings *list);

#endif
