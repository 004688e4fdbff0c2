/*
 * probe_text: the report for people: as `tailscale netcheck`, a table of all
 * nodes, the findings.
 *
 * Threads: writes to the stream only.
 */
#ifndef DERPKIT_PROBE_TEXT_H
#define DERPKIT_PROBE_TEXT_H

#include "probe_report.h"

#include <stdio.h>

struct probe_text_how {
	bool colour;
	bool infos; /* show findings of severity info, too */
};

/* -1: memory is short. */
int probe_text(FILE *to, const struct probe_report *report,
    const struct probe_text_how *how);

#endif
