/*
 * load: a file to text, document and map.
 *
 * Life: load_open -> read its members -> load_close, which frees everything.
 * Blocking (files). Threads: one at a time, no shared state.
 */
#ifndef DERPKIT_LOAD_H
#define DERPKIT_LOAD_H

#include "decode.h"

/* Which dialect a file is read by. */
enum load_form {
	LOAD_HEADSCALE,
	LOAD_JSON,
	LOAD_DETECT, /* by its first characters, see load_open */
};

/* The name of the n-th form; NULL for LOAD_DETECT and after it. */
const char *load_form_name(size_t n);

struct load {
	const char *file;     /* borrowed: as given, "-" is standard input */
	struct arena *arena;  /* owned: document and map; findings may join */
	struct slice text;    /* the bytes of the file, in the arena */
	enum dialect dialect; /* as given or as detected */
	bool detected;        /* it was not given */
	struct doc doc;       /* doc.error: no map then */
	struct derpmap map;   /* as decoded; look at map.refused */
};

/*
 * Reads the file, then document and map. With LOAD_DETECT a text whose first
 * character after blanks and a byte order mark is { or [ is JSON when it has
 * JSON's quoted member names (or nothing) after it, everything else is
 * headscale's YAML.
 *
 * 0: text, dialect and doc are set; when doc.error is DOC_OK the map is too. A
 * syntax error or a refusal is not a failure of this function: look at
 * doc.error and map.refused. -1: the file cannot be read, is larger than
 * DOC_TEXT_MAX or memory is short; *why says which; nothing is held.
 */
int load_open(
    struct load *l, const char *file, enum load_form form, struct fail *why);

/* The same from bytes that are there already; text is copied. */
int load_text(struct load *l, const char *file, struct slice text,
    enum load_form form, struct fail *why);

/* Frees it; fine after a failed open and twice. */
void load_close(struct load *l);

/* Whether the program of this dialect takes the document. */
bool load_accepted(const struct load *l);

#endif
