/*
 * gojson: JSON read in place, by the rules of Go's encoding/json.
 *
 * The two JSON texts of the protocol must be read as the Go programs read
 * them, and a general library loses what that needs: the order of members
 * whose names differ in case only, earlier duplicates (a wrong type in one of
 * them is an error too) and text that is not UTF-8 (read as U+FFFD). Nothing is
 * allocated, because unauthenticated clients send these texts. The grammar is
 * here; tokens, strings and the folding of names are lib/doc's.
 *
 * Use: gojson_take checks a whole value, its members can then be walked.
 * Source: RFC 8259; Go encoding/json, documented and observed behaviour.
 * Threads: pure functions; values borrow from the text.
 */
#ifndef DERPKIT_GOJSON_H
#define DERPKIT_GOJSON_H

#include "bytes.h"

#define GOJSON_DEPTH 10000 /* nested arrays and objects, Go's limit */

enum gojson_type {
	GOJSON_NULL,
	GOJSON_FALSE,
	GOJSON_TRUE,
	GOJSON_NUMBER,
	GOJSON_STRING,
	GOJSON_ARRAY,
	GOJSON_OBJECT,
};

struct gojson {
	enum gojson_type type;
	bool is_plain;     /* a string without escapes, in ASCII only */
	struct slice text; /* as written: with quotes, braces, escapes */
};

/* Takes the first value off *in, blanks around it included. -1 when there is
 * none or it is malformed; *in is then untouched. */
int gojson_take(struct slice *in, struct gojson *value);

/* A text that is one value and nothing else; -1 otherwise. */
int gojson_parse(struct slice text, struct gojson *value);

/* Whether two names are the same member to Go: all ASCII case, and the two
 * letters beyond ASCII that fold to it (U+017F to s, U+212A to k). name is a
 * string value, want plain ASCII. */
bool gojson_name_is(const struct gojson *name, const char *want);

/*
 * The next member of an object. Start with *rest = an object's text; it is
 * moved past the member. False at the end.
 */
bool gojson_next(struct slice *rest, struct gojson *name, struct gojson *value);

/* A string's text as UTF-8 without a NUL, bad UTF-8 and lone surrogates as
 * U+FFFD. -1 when the value is not a string or does not fit. */
int gojson_string(const struct gojson *value, struct writer *w);

/* A number without fraction and exponent that fits; -1 otherwise. */
int gojson_int(const struct gojson *value, int64_t *out);

/* true or false; -1 otherwise. */
int gojson_bool(const struct gojson *value, bool *out);

#endif
