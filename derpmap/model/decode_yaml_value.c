/* decode_yaml_value: see decode_yaml_value.h. */
#include "decode_yaml_value.h"

#include "port.h"

#include <math.h>
#include <string.h>

#define SHOWN 40 /* bytes of a value in a message */

static int
shown(struct slice text)
{
	return text.n > SHOWN ? SHOWN : (int)text.n;
}

void
decode_yaml_value_bad_shape(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *node, const char *what, const char *wanted)
{
	decoder_report(y->d, DERPMAP_BAD_SHAPE, level, node,
	    "%s must be %s, not %s; headscale refuses the file", what, wanted,
	    decoder_node_name(node));
}

/* What a value is, for messages. */
static const char *
kind_name(const struct yaml_value *v, const struct doc_node *n)
{
	switch (v->type) {
	case YAML_NULL:
		return "null";
	case YAML_BOOL:
		return "a boolean";
	case YAML_INT:
	case YAML_UINT:
	case YAML_FLOAT:
		return "a number";
	case YAML_DATE:
		return "a date";
	case YAML_TEXT:
		break;
	}
	return n->style == DOC_PLAIN ? "text" : "quoted text";
}

/* --- facts --- */

/* Plain decimal without leading zeros, the one spelling all agree on. */
static bool
is_plain_int(struct slice text)
{
	size_t i = text.n > 0 && text.p[0] == '-' ? 1 : 0;

	if (i == text.n || (text.p[i] == '0' && text.n > i + 1))
		return false;
	while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
		i++;
	return i == text.n;
}

/* How an int came out of the scalar. */
static unsigned
how_int(const struct yaml_value *v, const struct doc_node *n, int64_t result)
{
	struct slice text = n->text;
	unsigned how = 0;
	size_t i = text.n > 0 && (text.p[0] == '-' || text.p[0] == '+') ? 1 : 0;

	if (!is_plain_int(text))
		how |= DERPMAP_ODD_INT;
	if (v->type == YAML_FLOAT &&
	    (v->f != trunc(v->f) || (double)result != v->f))
		how |= DERPMAP_TRUNCATED;
	/* a leading zero that is not of 0x, 0o or 0b: octal; below 8 the
	 * number is the same */
	if (v->type == YAML_INT && i + 1 < text.n && text.p[i] == '0' &&
	    ((text.p[i + 1] >= '0' && text.p[i + 1] <= '9') ||
		text.p[i + 1] == '_') &&
	    (result > 7 || result < -7))
		how |= DERPMAP_OCTAL;
	return how;
}

static unsigned
how_scalar(const struct doc_node *n)
{
	unsigned how = 0;

	if (n->style != DOC_PLAIN)
		how |= DERPMAP_QUOTED;
	if (n->props->tag != NULL)
		how |= DERPMAP_TAGGED;
	return how;
}

/* Plain text that another reader reads as something else. */
static bool
is_coerced(const struct yaml_value *v, const struct doc_node *n)
{
	bool word;

	if (n->style != DOC_PLAIN || n->props->tag != NULL)
		return false;
	return v->type != YAML_TEXT ||
	    yaml_scalar_bool_word(n->text, &word) == 0;
}

/* --- conversions --- */

/* -1: it is not an integer. */
static int
to_int(const struct yaml_value *v, int64_t *out)
{
	/* 2^63 as a float passes Go's test and overflows in the conversion,
	 * as do all below -2^63: amd64 makes both the smallest int */
	const double top = 9223372036854775808.0;

	if (v->type == YAML_INT) {
		*out = v->i;
		return 0;
	}
	if (v->type != YAML_FLOAT || !(v->f <= top))
		return -1;
	*out = v->f == top || v->f < -top ? INT64_MIN : (int64_t)v->f;
	return 0;
}

static int
to_float(const struct yaml_value *v, double *out)
{
	switch (v->type) {
	case YAML_INT:
		*out = (double)v->i;
		return 0;
	case YAML_UINT:
		*out = (double)v->u;
		return 0;
	case YAML_FLOAT:
		*out = v->f;
		return 0;
	case YAML_NULL:
	case YAML_BOOL:
	case YAML_DATE:
	case YAML_TEXT:
		break;
	}
	return -1;
}

static int
to_bool(const struct yaml_value *v, bool *out, unsigned *how)
{
	if (v->type == YAML_BOOL) {
		*out = v->b;
		return 0;
	}
	if (v->type != YAML_TEXT || yaml_scalar_bool_word(v->text, out) == -1)
		return -1;
	*how |= DERPMAP_ODD_BOOL;
	return 0;
}

/* --- refusals --- */

/* Whether the text is a number but for its quotes. */
static bool
is_quoted_int(
    const struct doc_node *n, const struct yaml_value *v, int64_t *number)
{
	struct yaml_value plain;

	yaml_scalar_guess(&plain, n->text);
	return v->type == YAML_TEXT && n->style != DOC_PLAIN &&
	    to_int(&plain, number) == 0;
}

/* Whether it is a word for "off" where that is a number, and means it. */
static bool
is_stun_off(
    const struct yaml_decoder *y, const char *what, const struct doc_node *n)
{
	return y->d->as_meant && strcmp(what, "stunport") == 0 &&
	    port_is_off_word(n->text);
}

/* *meant: the value that was meant, where that is wanted and clear. */
static void
bad_int(struct yaml_decoder *y, enum derpmap_level level, const char *what,
    const struct doc_node *n, const struct yaml_value *v, int64_t *meant)
{
	static const char quoted[] =
	    "%s must be a number; '%.*s' is in quotes and so is text; "
	    "headscale refuses the file";
	static const char other[] =
	    "%s must be a number, not %s '%.*s'; headscale refuses the file";
	int64_t number;

	if (is_quoted_int(n, v, &number)) {
		if (y->d->as_meant && is_plain_int(n->text)) {
			*meant = number;
			decoder_report_meant(y->d, DERPMAP_QUOTED_INT, level, n,
			    quoted, what, shown(n->text),
			    (const char *)n->text.p);
		} else {
			decoder_report(y->d, DERPMAP_QUOTED_INT, level, n,
			    quoted, what, shown(n->text),
			    (const char *)n->text.p);
		}
	} else if (v->type == YAML_UINT || v->type == YAML_FLOAT)
		decoder_report(y->d, DERPMAP_BAD_INT, level, n,
		    "%s: %.*s does not fit 64 bits; headscale refuses the file",
		    what, shown(n->text), (const char *)n->text.p);
	else if (is_stun_off(y, what, n)) {
		*meant = PORT_STUN_OFF;
		decoder_report_meant(y->d, DERPMAP_BAD_INT, level, n, other,
		    what, kind_name(v, n), shown(n->text),
		    (const char *)n->text.p);
	} else
		decoder_report(y->d, DERPMAP_BAD_INT, level, n, other, what,
		    kind_name(v, n), shown(n->text), (const char *)n->text.p);
}

static void
bad_value(struct yaml_decoder *y, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const char *what, const char *wanted,
    const struct doc_node *n, const struct yaml_value *v)
{
	decoder_report(y->d, kind, level, n,
	    "%s must be %s, not %s '%.*s'; headscale refuses the file", what,
	    wanted, kind_name(v, n), shown(n->text), (const char *)n->text.p);
}

/* *meant: as above. */
static void
bad_bool(struct yaml_decoder *y, enum derpmap_level level, const char *what,
    const struct doc_node *n, const struct yaml_value *v, bool *meant)
{
	bool yes = slice_is_nocase(n->text, "true");

	if (!y->d->as_meant || v->type != YAML_TEXT ||
	    (!yes && !slice_is_nocase(n->text, "false"))) {
		bad_value(
		    y, DERPMAP_BAD_BOOL, level, what, "true or false", n, v);
		return;
	}
	*meant = yes;
	decoder_report_meant(y->d, DERPMAP_BAD_BOOL, level, n,
	    "%s must be true or false, not %s '%.*s'; headscale refuses the "
	    "file",
	    what, kind_name(v, n), shown(n->text), (const char *)n->text.p);
}

/* --- fields --- */

static void
set_text(struct derpmap_text *t, const struct doc_node *n,
    const struct yaml_value *v)
{
	/* a number or a date stays as it is written */
	t->v = v->is_binary ? v->text : n->text;
	if (v->is_binary)
		t->from.how |= DERPMAP_BINARY;
	if (is_coerced(v, n))
		t->from.how |= DERPMAP_COERCED;
}

/* The scalar of a field whose origin is set already. */
static void
set_field(struct yaml_decoder *y, enum derpmap_level level,
    const struct derpmap_field *field, const struct doc_node *n,
    const struct yaml_value *v, char *at)
{
	struct derpmap_int *i;
	struct derpmap_float *f;
	struct derpmap_bool *b;

	switch (field->type) {
	case DERPMAP_TEXT:
		set_text((struct derpmap_text *)(void *)at, n, v);
		return;
	case DERPMAP_INT:
		i = (struct derpmap_int *)(void *)at;
		if (to_int(v, &i->v) == -1)
			bad_int(y, level, field->yaml, n, v, &i->v);
		else
			i->from.how |= how_int(v, n, i->v);
		return;
	case DERPMAP_FLOAT:
		f = (struct derpmap_float *)(void *)at;
		if (to_float(v, &f->v) == -1)
			bad_value(y, DERPMAP_BAD_FLOAT, level, field->yaml,
			    "a number", n, v);
		return;
	case DERPMAP_BOOL:
		b = (struct derpmap_bool *)(void *)at;
		if (to_bool(v, &b->v, &b->from.how) == -1)
			bad_bool(y, level, field->yaml, n, v, &b->v);
		return;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		return;
	}
}

static struct derpmap_origin *
origin_of(enum derpmap_type type, char *at)
{
	switch (type) {
	case DERPMAP_TEXT:
		return &((struct derpmap_text *)(void *)at)->from;
	case DERPMAP_INT:
		return &((struct derpmap_int *)(void *)at)->from;
	case DERPMAP_FLOAT:
		return &((struct derpmap_float *)(void *)at)->from;
	case DERPMAP_BOOL:
		return &((struct derpmap_bool *)(void *)at)->from;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return NULL;
}

static void
bad_collection(struct yaml_decoder *y, enum derpmap_level level,
    const char *what, const struct doc_node *n)
{
	if (n->kind == DOC_MAPPING)
		decode_yaml_has_duplicates(y, level, n);
	decoder_report(y->d, DERPMAP_BAD_TEXT, level, n,
	    "%s must be a single value, not %s; headscale refuses the file",
	    what, decoder_node_name(n));
}

void
decode_yaml_value_field(struct yaml_decoder *y, enum derpmap_level level,
    const struct derpmap_field *field, struct derpmap_origin from, void *base)
{
	char *at = (char *)base + field->offset;
	struct derpmap_origin *origin = origin_of(field->type, at);
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(y, from.value, &alias);
	struct yaml_value v;

	*origin = from;
	if (n != NULL && n->kind != DOC_SCALAR) {
		bad_collection(y, level, field->yaml, n);
	} else if (n != NULL && decode_yaml_resolve(y, level, n, &v) == 0) {
		origin->how |= how_scalar(n);
		if (v.type == YAML_NULL)
			origin->how |= DERPMAP_NULL;
		else
			set_field(y, level, field, n, &v, at);
	}
	decode_yaml_leave(y, &alias);
}

/* --- keys and scores --- */

bool
decode_yaml_value_name(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, struct slice *name)
{
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(y, key, &alias);
	struct yaml_value v;
	bool good = false;

	if (n != NULL && n->kind != DOC_SCALAR) {
		bad_collection(y, level, "a key", n);
	} else if (n != NULL && decode_yaml_resolve(y, level, n, &v) == 0 &&
	    v.type != YAML_NULL) {
		*name = v.is_binary ? v.text : n->text;
		good = true;
	}
	decode_yaml_leave(y, &alias);
	return good;
}

/* Whether the key is clear all the same: *id is then set. */
static bool
bad_key(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, const struct doc_node *n,
    const struct yaml_value *v, int64_t *id)
{
	bool number = v->type == YAML_UINT || v->type == YAML_FLOAT;

	if (y->d->as_meant && is_quoted_int(n, v, id) &&
	    is_plain_int(n->text)) {
		decoder_report_meant(y->d, DERPMAP_BAD_KEY, level, key,
		    "a region's key must be a number without quotes, not "
		    "quoted text '%.*s'; headscale refuses the file",
		    shown(n->text), (const char *)n->text.p);
		return true;
	}
	decoder_report(y->d, DERPMAP_BAD_KEY, level, key,
	    "a region's key must be a number %s, not %s '%.*s'; headscale "
	    "refuses the file",
	    number ? "that fits 64 bits" : "without quotes",
	    number ? "the number" : kind_name(v, n), shown(n->text),
	    (const char *)n->text.p);
	return false;
}

bool
decode_yaml_value_key(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *key, struct derpmap_int *id)
{
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(y, key, &alias);
	struct yaml_value v;
	bool good = false;

	if (n != NULL && n->kind != DOC_SCALAR) {
		bad_collection(y, level, "a region's key", n);
	} else if (n != NULL && decode_yaml_resolve(y, level, n, &v) == 0) {
		id->from.how |= how_scalar(n);
		if (v.type == YAML_NULL) {
			decoder_report(y->d, DERPMAP_NULL_KEY, level, key,
			    "an entry without a key; headscale drops it");
		} else if (to_int(&v, &id->v) == 0) {
			id->from.how |= how_int(&v, n, id->v);
			good = true;
		} else {
			good = bad_key(y, level, key, n, &v, &id->v);
		}
	}
	decode_yaml_leave(y, &alias);
	return good;
}

bool
decode_yaml_value_score(struct yaml_decoder *y, const struct doc_node *value,
    struct derpmap_float *score)
{
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(y, value, &alias);
	struct yaml_value v;
	bool good = false;

	if (n != NULL && n->kind != DOC_SCALAR) {
		bad_collection(y, DERPMAP_LEVEL_SCORE, "a score", n);
	} else if (n != NULL &&
	    decode_yaml_resolve(y, DERPMAP_LEVEL_SCORE, n, &v) == 0 &&
	    v.type != YAML_NULL) {
		score->from.how |= how_scalar(n);
		good = to_float(&v, &score->v) == 0;
		if (!good)
			bad_value(y, DERPMAP_BAD_FLOAT, DERPMAP_LEVEL_SCORE,
			    "a score", "a number", n, &v);
	}
	decode_yaml_leave(y, &alias);
	return good;
}
