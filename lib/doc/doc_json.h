/*
 * doc_json: JSON and HuJSON text to a positioned document, with the acceptance
 * of Go's encoding/json.
 *
 * RFC 8259 to the letter (no comments, no trailing commas, no byte order mark),
 * at most 10000 nested collections, nothing but blanks after the value;
 * repeated keys are kept. As in Go, bytes that are not UTF-8 become U+FFFD, one
 * each, and so does a lone surrogate escape. jansson is not used here because
 * it keeps no place on values.
 *
 * Threads: pure function over the caller's arena.
 */
#ifndef DERPKIT_DOC_JSON_H
#define DERPKIT_DOC_JSON_H

#include "doc.h"

enum doc_json_form {
	DOC_JSON_STRICT,
	/* HuJSON, as in Tailscale's policy files: comments, and a comma after
	 * the last element */
	DOC_JSON_HUMAN,
	/* HuJSON members of an object without the braces around them: what
	 * people copy out of a policy file; the root is then a mapping that
	 * the text does not show */
	DOC_JSON_MEMBERS,
};

/*
 * Reads the one value in text into *d. 0: d->root is set. -1: d->error says
 * what and d->error_at where, and *why has both. The text may go afterwards;
 * everything in *d is borrowed from the arena.
 */
int doc_json_read(
    struct doc *d, struct arena *a, struct slice text, struct fail *why);

/* The same for other forms of JSON. */
int doc_json_read_as(struct doc *d, struct arena *a, struct slice text,
    enum doc_json_form form, struct fail *why);

#endif
