/*
 * doctor_report: what derper doctor found, in the order in which it looked.
 *
 * Life: doctor_report_init -> doctor_report_add ... -> doctor_report_print ->
 * doctor_report_clear. Threads: the main thread's.
 */
#ifndef DERPKIT_DOCTOR_REPORT_H
#define DERPKIT_DOCTOR_REPORT_H

#include "fail.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_WARNING,
	DOCTOR_ERROR,
	DOCTOR_SKIPPED, /* it could not be looked at, or there is nothing */
};
#define DOCTOR_LEVELS 4

struct doctor_report {
	json_t *checks; /* owned */
	unsigned counts[DOCTOR_LEVELS];
	bool is_short; /* memory was */
};

void doctor_report_init(struct doctor_report *r);
void doctor_report_clear(struct doctor_report *r);

/* One finding of a check: what is so and, for a warning or an error, what to do
 * (NULL: the text says it). What a terminal would obey is escaped. */
__attribute__((format(printf, 5, 6))) void doctor_report_add(
    struct doctor_report *r, const char *check, enum doctor_level level,
    const char *advice, const char *fmt, ...);

/* Prints all on standard output, as text or JSON; pid is the relay's, 0: none
 * runs. -1 and the reason. */
int doctor_report_print(
    const struct doctor_report *r, bool as_json, pid_t pid, struct fail *why);

#endif
