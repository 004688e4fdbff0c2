/*
 * derper_start: all that is written about how a relay is started: a script, or
 * a unit or Compose file with the files of variables that it names.
 *
 * The files are one text, in the order in which they count: what sets a
 * variable later wins. Rules judge that text; derper_start_place then tells in
 * which file something was found. In a Compose file whose image or entrypoint
 * is derper a command may be flags alone, without the program's name.
 *
 * Life: everything is borrowed from the arena given. Blocking (files). Threads:
 * immutable once it is open.
 */
#ifndef DERPKIT_DERPER_START_H
#define DERPKIT_DERPER_START_H

#include "finding.h"

struct derper_start_part {
	const char *file;
	size_t at;      /* offset of its text in all of it */
	unsigned lines; /* before it */
};

struct derper_start {
	struct slice text;
	struct derper_start_part *parts;
	size_t part_count;
	size_t named;        /* the part that is the file that was opened */
	struct slice *flags; /* parts of the text: commands without program */
	size_t flag_count;
	const char *unread; /* why a file of variables was not read, or NULL */
};

/* Reads the file, - for standard input; its name is borrowed. -1 with *why: it
 * cannot be read, or nothing in it starts derper. */
int derper_start_open(struct derper_start *s, struct arena *a, const char *file,
    struct fail *why);

/* The text of a part. */
struct slice derper_start_text(const struct derper_start *s, size_t part);

/* Gives a finding the file and the lines that it is in. */
void derper_start_place(const struct derper_start *s, struct finding *f);

#endif
