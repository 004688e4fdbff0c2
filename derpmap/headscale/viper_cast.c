/* viper_cast: see viper_cast.h. */
#include "viper_cast.h"

#include "num.h"
#include "utf8.h"
#include "yaml_scalar.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 100 /* bytes of an integer in text; longer is none */

/* Resolves a node, or takes the text of another source. false: a collection.
 */
static bool
resolve(const struct viper_value *value, struct arena *a, struct yaml_value *y)
{
	*y = (struct yaml_value){ .type = YAML_NULL };
	switch (value->source) {
	case VIPER_UNSET:
		return true;
	case VIPER_ENVIRONMENT:
	case VIPER_DEFAULT:
		y->type = YAML_TEXT;
		y->text = value->text;
		return true;
	case VIPER_FILE:
		break;
	}
	return doc_resolve(value->node)->kind == DOC_SCALAR &&
	    yaml_scalar_resolve(y, doc_resolve(value->node), a, NULL) == 0;
}

bool
viper_cast_bool(const struct viper_value *value, struct arena *a, bool *out)
{
	struct yaml_value y;
	bool fits = resolve(value, a, &y);

	*out = false;
	if (!fits)
		return false;
	switch (y.type) {
	case YAML_NULL:
		return true;
	case YAML_BOOL:
		*out = y.b;
		return true;
	case YAML_INT:
		*out = y.i != 0;
		return true;
	case YAML_UINT:
		*out = true;
		return true;
	case YAML_FLOAT:
		*out = fpclassify(y.f) != FP_ZERO;
		return true;
	case YAML_TEXT:
		return num_parse_bool(y.text, out) == 0;
	case YAML_DATE:
		break;
	}
	return false;
}

/* --- integers --- */

/* Drops a fraction: "12.5" to "12", ".5" to "0". */
static struct slice
drop_fraction(struct slice text)
{
	struct slice whole, fraction;

	if (!slice_cut(text, '.', &whole, &fraction))
		return text;
	for (size_t i = 0; i < fraction.n; i++)
		if (fraction.p[i] < '0' || fraction.p[i] > '9')
			return text;
	for (size_t i = 0; i < whole.n; i++)
		if ((whole.p[i] < '0' || whole.p[i] > '9') &&
		    (i > 0 || (whole.p[i] != '-' && whole.p[i] != '+')))
			return text;
	if (whole.n == 0 || (whole.n == 1 && whole.p[0] < '0'))
		return slice_str("0");
	return whole;
}

static bool
is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	    (c >= 'A' && c <= 'F');
}

/* strconv.ParseInt with base 0, which allows underscores between digits and
 * after a base prefix. */
static bool
parse_int(struct slice text, int64_t *out)
{
	char digits[NUMBER_MAX];
	size_t n = 0;

	if (text.n >= sizeof digits)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t before = i > 0 ? text.p[i - 1] : '\0';
		uint8_t c = before | 0x20;

		if (text.p[i] != '_') {
			digits[n++] = (char)text.p[i];
			continue;
		}
		if ((!is_alphanumeric(before) && c != 'x' && c != 'o') ||
		    i + 1 == text.n || !is_alphanumeric(text.p[i + 1]))
			return false;
	}
	return num_parse_int(slice_of(digits, n), INT64_MIN, INT64_MAX, out) ==
	    0;
}

/* A conversion of amd64: what is out of range is the least int64. */
static int64_t
float_to_int(double f)
{
	return f >= -9223372036854775808.0 && f < 9223372036854775808.0
	    ? (int64_t)f
	    : INT64_MIN;
}

bool
viper_cast_int(const struct viper_value *value, struct arena *a, int64_t *out)
{
	struct yaml_value y;
	bool fits = resolve(value, a, &y);

	*out = 0;
	if (!fits)
		return false;
	switch (y.type) {
	case YAML_NULL:
		return true;
	case YAML_BOOL:
		*out = y.b;
		return true;
	case YAML_INT:
		*out = y.i;
		return true;
	case YAML_UINT:
		*out = (int64_t)y.u;
		return true;
	case YAML_FLOAT:
		*out = float_to_int(y.f);
		return true;
	case YAML_TEXT:
		return y.text.n == 0 || parse_int(drop_fraction(y.text), out);
	case YAML_DATE:
		break;
	}
	return false;
}

/* --- text --- */

/* The shortest digits that give the number, without an exponent. */
static const char *
format_float(struct arena *a, double f)
{
	char digits[32], *exponent_at;
	int precision = 0, exponent;

	if (!isfinite(f))
		return isnan(f) ? "NaN" : f > 0 ? "+Inf" : "-Inf";
	do
		snprintf(digits, sizeof digits, "%.*e", precision, f);
	while (strtod(digits, NULL) != f && ++precision < 17);
	exponent_at = strchr(digits, 'e');
	exponent = (int)strtol(exponent_at + 1, NULL, 10);
	if (exponent <= precision)
		return arena_printf(a, "%.*f", precision - exponent, f);
	*exponent_at = '\0';
	/* drop the point, fill up with zeros */
	if (precision > 0)
		memmove(strchr(digits, '.'), strchr(digits, '.') + 1,
		    strlen(strchr(digits, '.')));
	return arena_printf(a, "%s%0*d", digits, exponent - precision, 0);
}

static const char *
format_scalar(struct arena *a, const struct yaml_value *y)
{
	switch (y->type) {
	case YAML_BOOL:
		return y->b ? "true" : "false";
	case YAML_INT:
		return arena_printf(a, "%" PRId64, y->i);
	case YAML_UINT:
		return arena_printf(a, "%" PRIu64, y->u);
	case YAML_FLOAT:
		return format_float(a, y->f);
	case YAML_NULL:
	case YAML_DATE:
	case YAML_TEXT:
		break;
	}
	return "";
}

bool
viper_cast_text(
    const struct viper_value *value, struct arena *a, struct slice *out)
{
	struct yaml_value y;
	const char *text;

	*out = slice_of("", 0);
	if (!resolve(value, a, &y))
		return false;
	if (y.type == YAML_TEXT) {
		*out = y.text;
		return true;
	}
	/* DIFFERS: a date is the text as written, not Go's form of it */
	if (y.type == YAML_DATE) {
		*out = doc_resolve(value->node)->text;
		return true;
	}
	text = format_scalar(a, &y);
	if (text == NULL)
		return false;
	*out = slice_str(text);
	return true;
}

/* --- lists --- */

/* Bytes of the blank at the start of the text (Go's unicode.IsSpace), or 0. */
static size_t
blank_length(struct slice s)
{
	uint32_t c;
	size_t n = utf8_next(s, &c);

	if (n == 0)
		return 0;
	if ((c >= 0x09 && c <= 0x0d) || c == ' ' || c == 0x85 || c == 0xa0 ||
	    c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
	    c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000)
		return n;
	return 0;
}

static struct slice
skip(struct slice s, size_t n)
{
	return slice_of(s.p + n, s.n - n);
}

/* Takes the next word off *rest; empty at the end. */
static struct slice
take_word(struct slice *rest)
{
	struct slice word;
	size_t n;

	while ((n = blank_length(*rest)) > 0)
		*rest = skip(*rest, n);
	word = *rest;
	while (rest->n > 0 && blank_length(*rest) == 0)
		*rest = skip(*rest, 1);
	return slice_of(word.p, word.n - rest->n);
}

static bool
make_list(struct arena *a, struct viper_list *list, size_t count)
{
	list->v = arena_alloc(a, count, sizeof *list->v);
	list->nodes = arena_alloc(a, count, sizeof *list->nodes);
	return list->v != NULL && list->nodes != NULL;
}

static bool
split_words(struct arena *a, struct slice text, const struct doc_node *node,
    struct viper_list *out)
{
	struct slice rest = text;
	size_t count = 0;

	while (take_word(&rest).n > 0)
		count++;
	if (count == 0)
		return true;
	if (!make_list(a, out, count))
		return false;
	for (; out->n < count; out->n++) {
		out->v[out->n] = take_word(&text);
		out->nodes[out->n] = node;
	}
	return true;
}

static bool
cast_elements(
    struct arena *a, const struct doc_node *sequence, struct viper_list *out)
{
	if (sequence->count == 0)
		return true;
	if (!make_list(a, out, sequence->count))
		return false;
	for (size_t i = 0; i < sequence->count; i++) {
		struct viper_value element = { .source = VIPER_FILE,
			.node = sequence->items[i] };

		out->nodes[i] = sequence->items[i];
		if (!viper_cast_text(&element, a, &out->v[i]))
			return false;
	}
	out->n = sequence->count;
	return true;
}

bool
viper_cast_list(
    const struct viper_value *value, struct arena *a, struct viper_list *out)
{
	const struct doc_node *node = NULL;
	struct yaml_value y;

	*out = (struct viper_list){ .n = 0 };
	if (value->source == VIPER_FILE)
		node = doc_resolve(value->node);
	if (node != NULL && node->kind == DOC_SEQUENCE)
		return cast_elements(a, node, out);
	if (!resolve(value, a, &y))
		return false;
	if (y.type == YAML_NULL)
		return true;
	if (y.type == YAML_TEXT)
		return split_words(a, y.text, node, out);
	if (!make_list(a, out, 1))
		return false;
	out->nodes[0] = node;
	out->n = viper_cast_text(value, a, &out->v[0]);
	return out->n == 1;
}

/* --- durations --- */

static bool
parse_duration(struct arena *a, struct slice text, int64_t *out)
{
	static const char unit_bytes[] = "nsu\u00b5mh";
	const char *with_unit;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\0' &&
		    strchr(unit_bytes, (char)text.p[i]) != NULL)
			return num_parse_duration_ns(text, out) == 0;
	with_unit =
	    arena_printf(a, "%.*sns", (int)text.n, (const char *)text.p);
	return with_unit != NULL &&
	    num_parse_duration_ns(slice_str(with_unit), out) == 0;
}

bool
viper_cast_duration(
    const struct viper_value *value, struct arena *a, int64_t *out)
{
	struct yaml_value y;
	bool fits = resolve(value, a, &y);

	*out = 0;
	if (!fits)
		return false;
	switch (y.type) {
	case YAML_NULL:
		return true;
	case YAML_INT:
		*out = y.i;
		return true;
	case YAML_UINT:
		*out = (int64_t)y.u;
		return true;
	case YAML_FLOAT:
		*out = float_to_int(y.f);
		return true;
	case YAML_TEXT:
		return parse_duration(a, y.text, out);
	case YAML_BOOL:
	case YAML_DATE:
		break;
	}
	return false;
}

bool
viper_cast_is_number(const struct viper_value *value, struct arena *a)
{
	struct yaml_value y, guess;

	if (!resolve(value, a, &y))
		return false;
	if (y.type != YAML_TEXT)
		return y.type == YAML_INT || y.type == YAML_UINT ||
		    y.type == YAML_FLOAT;
	yaml_scalar_guess(&guess, y.text);
	return guess.type == YAML_INT || guess.type == YAML_UINT ||
	    guess.type == YAML_FLOAT;
}
