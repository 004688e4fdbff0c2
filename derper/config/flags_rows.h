/*
 * flags_rows: the table of the relay's flags, but for those of the kinds of
 * admission sources, which verify_kinds.h has.
 *
 * A flag is one row here. Threads: immutable. Source: tailscale
 * cmd/derper/derper.go.
 */
#ifndef DERPKIT_FLAGS_ROWS_H
#define DERPKIT_FLAGS_ROWS_H

#include "opts.h"

#include <stdbool.h>
#include <stddef.h>

struct flags_row {
	const char *name;
	enum opts_kind kind;
	size_t at; /* of the value in struct config */
	const char *arg;
	int64_t min, max; /* of a number; of a time in milliseconds */
	const char *help;
	bool not_empty; /* an empty value on the command line is an error */
};

#define FLAGS_ROWS_MAX 112

/* By theme; at most FLAGS_ROWS_MAX. */
extern const struct flags_row flags_rows[];
extern const size_t flags_row_count;

/* What the help has above the flags: a theme is from its first flag to that of
 * the next; the last one has the flags of the kinds of sources, too. */
struct flags_theme {
	const char *title, *first;
};
extern const struct flags_theme flags_themes[];
extern const size_t flags_theme_count;

#endif
