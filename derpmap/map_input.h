/*
 * map_input: a file read as a map for a command, and what is to be told about
 * it on standard error: what it was read as, what is ignored in it, what was
 * read as it was meant, why it cannot be read.
 *
 * Life: map_input_open -> read l->map -> load_close. Blocking (files).
 * Threads: one at a time.
 */
#ifndef DERPKIT_MAP_INPUT_H
#define DERPKIT_MAP_INPUT_H

#include "command.h"
#include "load.h"

struct map_input_how {
	/* As which program reads it, exactly; LOAD_DETECT: as it was meant,
	 * out of a policy file, a ConfigMap or Helm values too. */
	enum load_form from;
	int64_t max_mib; /* larger files are rejected, see load_max_is_valid */
	bool brief;      /* what a plain map was read as is not told */
	bool mend;       /* as meant: ids that are missing are those of the
			    region; told */
};

/* COMMAND_DONE; COMMAND_UNUSABLE when there is no map in the file, which is
 * told, and nothing is held. */
int map_input_open(struct load *l, const struct command_call *call,
    const char *file, const struct map_input_how *how);

/* Tells what becomes of the map when headscale reads it. */
void map_input_report_for_headscale(const struct load *l);

/* One line about a place of the file. Names in the text may come from the file:
 * control characters are made visible. */
void map_input_report(
    const struct load *l, struct doc_pos at, const char *text);

#endif
