/*
 * metrics_admission: what each source of admission has answered, for
 * monitoring systems.
 *
 * Threads: any. Source: Prometheus text format 0.0.4.
 */
#ifndef DERPKIT_METRICS_ADMISSION_H
#define DERPKIT_METRICS_ADMISSION_H

#include "bytes.h"

struct verify_current;

/* Appends them; each sample is labelled with the place of its source in the
 * order in which they are asked, and with its name. */
void metrics_admission_put(struct writer *w, struct verify_current *verify);

#endif
