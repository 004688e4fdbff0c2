/*
 * probe_table: one line for each node and family, for people.
 *
 * Threads: writes to the stream only.
 */
#ifndef DERPKIT_PROBE_TABLE_H
#define DERPKIT_PROBE_TABLE_H

#include "probe_report.h"

#include <stdio.h>

/* Writes it with a head line; families that a node does not have are left out.
 */
void probe_table(FILE *to, const struct probe_report *report, bool colour);

#endif
