/*
 * map_output: a map that a command writes: in which form, and where.
 *
 * Blocking (files). Threads: one at a time.
 */
#ifndef DERPKIT_MAP_OUTPUT_H
#define DERPKIT_MAP_OUTPUT_H

#include "command.h"
#include "derpmap.h"

enum map_output_form {
	MAP_OUTPUT_HEADSCALE, /* YAML for derp.paths */
	MAP_OUTPUT_JSON,      /* for derp.urls, derpprobe */
	MAP_OUTPUT_POLICY,    /* derpMap of a Tailscale policy file */
	MAP_OUTPUT_ANY,       /* not said */
};

/* The name of the n-th form; NULL for MAP_OUTPUT_ANY and after it. */
const char *map_output_form_name(size_t n);

struct map_output {
	enum map_output_form form; /* not MAP_OUTPUT_ANY */
	const char *into;          /* the policy file to put it into, or NULL */
	const char *file;          /* NULL or "-": standard output */
	const char *source;        /* what messages name as the map */
};

/* Whether the members fit together; otherwise *why says what does not. */
bool map_output_is_valid(const struct map_output *o, struct fail *why);

/* Writes it. COMMAND_DONE, or COMMAND_UNUSABLE after a message. */
int map_output_write(const struct command_call *call,
    const struct map_output *o, const struct derpmap *m);

#endif
