/*
 * load: a file to text, document and map.
 *
 * Life: load_open -> read its members -> load_close, which frees everything.
 * Blocking (files). Threads: one at a time, no shared state.
 */
#ifndef DERPKIT_LOAD_H
#define DERPKIT_LOAD_H

#include "buf.h"
#include "filekind.h"

#include <assert.h>

/* Which dialect a file is read by. */
enum load_form {
	LOAD_HEADSCALE,
	LOAD_JSON,
	LOAD_DETECT, /* by its first characters, see load_open */
};

/* The name of the n-th form; NULL for LOAD_DETECT and after it. */
const char *load_form_name(size_t n);

/* Bytes of a file that are read unless more are allowed. */
#define LOAD_TEXT_MAX ((size_t)64 << 20)
static_assert(LOAD_TEXT_MAX <= DOC_TEXT_MAX, "a reader takes that much");

/* Whether a number of MiB can be text_max. */
bool load_max_is_valid(int64_t mib);

/* How a file is to be read; all zero but the form is as the program reads it.
 */
struct load_how {
	enum load_form form;
	size_t text_max; /* bytes, at most DOC_TEXT_MAX; 0: LOAD_TEXT_MAX */
	/* What the file is decides, not what the program makes of it: a map
	 * inside another file is looked for, a text of another form is read in
	 * that form, slips are decoded as they were meant (decode_map_at). */
	bool as_meant;
};

struct load {
	const char *file;     /* borrowed: as given, "-" is standard input */
	struct arena *arena;  /* owned: document and map; findings may join */
	struct buf bytes;     /* owned: what text is in */
	struct slice text;    /* the bytes of the file */
	enum load_form form;  /* as asked for */
	enum dialect dialect; /* as given or as detected */
	bool detected;        /* it was not given */
	struct doc doc;       /* doc.error: no map then, or as_meant the one
				 of a form that forgives the error */
	struct filekind_found kind; /* what the file is */
	struct doc_pos kind_at;     /* where a text without document shows it */
	struct derpmap map;         /* as decoded; look at map.refused */
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
 * allowed or memory is short; *why says which; nothing is held.
 */
int load_open(
    struct load *l, const char *file, enum load_form form, struct fail *why);

/* The same from bytes that are there already; text is copied. */
int load_text(struct load *l, const char *file, struct slice text,
    enum load_form form, struct fail *why);

/* Both with more choice. as_meant: doc.root is the whole document, the map is
 * decoded from kind.map; kind.map is NULL when there is none. */
int load_open_as(struct load *l, const char *file, const struct load_how *how,
    struct fail *why);
int load_text_as(struct load *l, const char *file, struct slice text,
    const struct load_how *how, struct fail *why);

/* Frees it; fine after a failed open and twice. */
void load_close(struct load *l);

/* Whether the program of this dialect takes the document. */
bool load_accepted(const struct load *l);

#endif
