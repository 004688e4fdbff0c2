/* yaml_scalar: see yaml_scalar.h. Source: measured behaviour of yaml.v3. */
#include "yaml_scalar.h"

#include "encode.h"
#include "yaml_date.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT_MAX 4000 /* longer numbers are not read */
#define DECIMAL_MAX 18       /* digits that always fit 64 bits */
#define WORD_MAX 5           /* bytes of the longest word with a meaning */
#define BOOL_WORD_MAX 3      /* of yes, no and their like */

static bool
is_one_of(struct slice text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (slice_is(text, words[i]))
			return true;
	return false;
}

#define IS_ONE_OF(text, ...)                                  \
	is_one_of(text, (const char *const[]){ __VA_ARGS__ }, \
	    sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

int
yaml_scalar_bool_word(struct slice text, bool *out)
{
	if (text.n > BOOL_WORD_MAX)
		return -1;
	if (IS_ONE_OF(text, "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"))
		*out = true;
	else if (IS_ONE_OF(
		     text, "n", "N", "no", "No", "NO", "off", "Off", "OFF"))
		*out = false;
	else
		return -1;
	return 0;
}

/* --- integers, as Go's strconv reads them --- */

enum parsed {
	PARSED,
	PARSED_RANGE,
	PARSED_NOT,
};

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 99;
}

/* ParseUint: no sign. Base 0: by prefix. */
static enum parsed
parse_uint(const char *s, unsigned base, uint64_t *out)
{
	uint64_t v = 0;
	bool over = false;

	if (base == 0) {
		base = 10;
		if (s[0] == '0' && s[1] != '\0') {
			char c = (char)(s[1] | 0x20);

			base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
			s += base != 0 ? 2 : 1;
			if (base == 0)
				base = 8;
		}
	}
	if (s[0] == '\0')
		return PARSED_NOT;
	for (; *s != '\0'; s++) {
		int d = digit_value(*s);

		if (d >= (int)base)
			return PARSED_NOT;
		over |= __builtin_mul_overflow(v, base, &v);
		over |= __builtin_add_overflow(v, (uint64_t)d, &v);
	}
	*out = v;
	return over ? PARSED_RANGE : PARSED;
}

/* ParseInt: with a sign. */
static enum parsed
parse_int(const char *s, unsigned base, int64_t *out)
{
	bool negative = s[0] == '-';
	uint64_t limit = negative ? (uint64_t)1 << 63 : INT64_MAX, v;
	enum parsed parsed;

	if (s[0] == '+' || s[0] == '-')
		s++;
	parsed = parse_uint(s, base, &v);
	if (parsed != PARSED)
		return parsed;
	if (v > limit)
		return PARSED_RANGE;
	*out = negative ? (int64_t)(0 - v) : (int64_t)v;
	return PARSED;
}

/* Both, and which of them it was. */
static bool
parse_integer(struct yaml_value *v, const char *s, unsigned base)
{
	if (parse_int(s, base, &v->i) == PARSED) {
		v->type = YAML_INT;
		return true;
	}
	if (parse_uint(s, base, &v->u) == PARSED) {
		v->type = YAML_UINT;
		return true;
	}
	return false;
}

/* --- floats --- */

static size_t
digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* Sign, digits with or without a point, exponent. */
static bool
is_float(const char *s)
{
	size_t whole, part = 0;

	if (*s == '+' || *s == '-')
		s++;
	whole = digits(s);
	s += whole;
	if (*s == '.') {
		part = digits(s + 1);
		if (whole == 0 && part == 0)
			return false;
		s += 1 + part;
	} else if (whole == 0) {
		return false;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '+' || *s == '-')
			s++;
		if (digits(s) == 0)
			return false;
		s += digits(s);
	}
	return *s == '\0';
}

/* A float that Go can represent: overflow is an error there. */
static bool
parse_float(struct yaml_value *v, const char *s)
{
	double f;

	if (!is_float(s))
		return false;
	f = strtod(s, NULL);
	if (isinf(f))
		return false;
	v->type = YAML_FLOAT;
	v->f = f;
	return true;
}

/* --- guessing --- */

static void
set_float(struct yaml_value *v, double f)
{
	v->type = YAML_FLOAT;
	v->f = f;
}

/* Whether one of the words below may begin so: short values are numbers and
 * names for the most part. */
static bool
begins_word(struct slice text)
{
	return text.n == 0 || strchr("~nNtTfF.+-", text.p[0]) != NULL;
}

/* The words that mean something by themselves. */
static bool
guess_word(struct yaml_value *v, struct slice text)
{
	if (text.n > WORD_MAX || !begins_word(text))
		return false;
	if (IS_ONE_OF(text, "", "~", "null", "Null", "NULL"))
		v->type = YAML_NULL;
	else if (IS_ONE_OF(text, "true", "True", "TRUE"))
		*v = (struct yaml_value){ .type = YAML_BOOL, .b = true };
	else if (IS_ONE_OF(text, "false", "False", "FALSE"))
		*v = (struct yaml_value){ .type = YAML_BOOL };
	else if (IS_ONE_OF(text, ".nan", ".NaN", ".NAN"))
		set_float(v, (double)NAN);
	else if (IS_ONE_OF(
		     text, ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"))
		set_float(v, (double)INFINITY);
	else if (IS_ONE_OF(text, "-.inf", "-.Inf", "-.INF"))
		set_float(v, -(double)INFINITY);
	else
		return false;
	return true;
}

/* -0b1 and -0o7, whose digits are given. */
static bool
guess_negative(struct yaml_value *v, const char *digits_only, unsigned base)
{
	char turned[NUMBER_TEXT_MAX + 2];

	snprintf(turned, sizeof turned, "-%s", digits_only);
	if (parse_int(turned, base, &v->i) != PARSED)
		return false;
	v->type = YAML_INT;
	return true;
}

/* Text that begins with a sign or a digit, without its underscores. */
static bool
guess_number(struct yaml_value *v, const char *plain)
{
	bool minus = plain[0] == '-';
	const char *rest = plain + (minus ? 1 : 0);
	unsigned base;

	if (parse_integer(v, plain, 0) || parse_float(v, plain))
		return true;
	/* 0b-1 is -1 there, and 0o+7 is 7 */
	if (rest[0] != '0' || (rest[1] != 'b' && rest[1] != 'o'))
		return false;
	base = rest[1] == 'b' ? 2 : 8;
	return minus ? guess_negative(v, rest + 2, base)
		     : parse_integer(v, rest + 2, base);
}

/* Text that begins with a point goes to Go's ParseFloat as it is, which has
 * rules of its own for underscores. */
static bool
is_between_digits(struct slice text, size_t i)
{
	return i > 0 && i + 1 < text.n &&
	    digit_value((char)text.p[i - 1]) < 10 &&
	    digit_value((char)text.p[i + 1]) < 10;
}

static bool
is_number_start(struct slice text)
{
	uint8_t c = text.p[0];

	return c == '.' || c == '+' || c == '-' || (c >= '0' && c <= '9');
}

/* Whether it has nothing but what numbers are written with: most of what
 * begins like one is an address. */
static bool
may_be_number(struct slice text)
{
	bool point = false;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c == '.' && point)
			return false;
		point |= c == '.';
		if (c != '.' && digit_value((char)c) >= 16 &&
		    strchr("_+-xXoO", c) == NULL)
			return false;
	}
	return true;
}

/* Text that begins like a number. */
static void
guess_numeric(struct yaml_value *v, struct slice text)
{
	char plain[NUMBER_TEXT_MAX + 1];
	uint8_t first = text.p[0];
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '_' &&
		    (first != '.' || is_between_digits(text, i)))
			continue;
		/* numbers are ASCII, and no NUL may end one early */
		if (n == NUMBER_TEXT_MAX || text.p[i] == 0)
			return;
		plain[n++] = (char)text.p[i];
	}
	plain[n] = '\0';
	if (first == '.')
		parse_float(v, plain);
	else
		guess_number(v, plain);
}

/* A number as almost all are written: decimal, without a leading zero. */
static bool
guess_decimal(struct yaml_value *v, struct slice text)
{
	int64_t number = 0;

	if (text.n > DECIMAL_MAX || text.p[0] == '0')
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		number = number * 10 + (text.p[i] - '0');
	}
	v->type = YAML_INT;
	v->i = number;
	return true;
}

/* The type of the text; dates are looked for if `dates`. */
static void
guess(struct yaml_value *v, struct slice text, bool dates)
{
	*v = (struct yaml_value){ .type = YAML_TEXT, .text = text };
	if (guess_word(v, text) || !is_number_start(text) ||
	    guess_decimal(v, text))
		return;
	if (text.p[0] != '.' && dates && yaml_date_is(text))
		v->type = YAML_DATE;
	else if (may_be_number(text))
		guess_numeric(v, text);
}

void
yaml_scalar_guess(struct yaml_value *v, struct slice text)
{
	guess(v, text, true);
}

/* --- tags --- */

static const char *
type_tag(enum yaml_type type)
{
	switch (type) {
	case YAML_NULL:
		return "!!null";
	case YAML_BOOL:
		return "!!bool";
	case YAML_INT:
	case YAML_UINT:
		return "!!int";
	case YAML_FLOAT:
		return "!!float";
	case YAML_DATE:
		return "!!timestamp";
	case YAML_TEXT:
		return "!!str";
	}
	return "";
}

static bool
has_tag(const struct doc_node *node)
{
	return node->props->tag != NULL && strcmp(node->props->tag, "!") != 0;
}

/* Go's base64.StdEncoding: padded, line breaks anywhere, spare bits ignored. */
static int
decode_binary(struct slice text, struct arena *a, struct slice *out)
{
	uint8_t *letters = arena_alloc(a, text.n + 1, 1);
	uint8_t *bytes = arena_alloc(a, text.n + 1, 1);
	size_t n = 0, pad = 0, count;

	if (letters == NULL || bytes == NULL)
		return -1;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r' && text.p[i] != '\n')
			letters[n++] = text.p[i];
	/* with A in place of the padding, the spare bits are in bytes that
	 * are cut off, where the strict decoder does not look at them */
	while (n % 4 == 0 && pad < 2 && pad < n && letters[n - 1 - pad] == '=')
		letters[n - 1 - pad++] = 'A';
	if (decode_base64(bytes, text.n, &count, slice_of(letters, n)) == -1)
		return -1;
	*out = slice_of(bytes, count - pad);
	return 0;
}

static int
contradiction(const struct doc_node *node, const char *found,
    const char *wanted, struct fail *why)
{
	return fail_at(why, node->start.line, node->start.column,
	    "'%.*s' is %s and tagged %s; headscale cannot decode it",
	    node->text.n > 40 ? 40 : (int)node->text.n,
	    (const char *)node->text.p, found, wanted);
}

/* A scalar under one of the tags that name a type. */
static int
resolve_typed(
    struct yaml_value *v, const struct doc_node *node, struct fail *why)
{
	guess(v, node->text, strcmp(node->props->tag, "!!timestamp") == 0);
	v->tag = node->props->tag;
	if (strcmp(type_tag(v->type), node->props->tag) == 0)
		return 0;
	if (v->type == YAML_INT && strcmp(node->props->tag, "!!float") == 0) {
		v->type = YAML_FLOAT;
		v->f = (double)v->i;
		return 0;
	}
	return contradiction(node, type_tag(v->type), node->props->tag, why);
}

int
yaml_scalar_resolve(struct yaml_value *v, const struct doc_node *node,
    struct arena *a, struct fail *why)
{
	*v = (struct yaml_value){
		.type = YAML_TEXT, .text = node->text, .tag = "!!str"
	};
	if (!has_tag(node)) {
		if (node->style != DOC_PLAIN)
			return 0;
		guess(v, node->text, true);
		v->tag =
		    slice_is(node->text, "<<") ? "!!merge" : type_tag(v->type);
		return 0;
	}
	if (strcmp(node->props->tag, "!!str") == 0)
		return 0;
	if (IS_ONE_OF(slice_str(node->props->tag), "!!bool", "!!int", "!!float",
		"!!null", "!!timestamp"))
		return resolve_typed(v, node, why);
	v->tag = node->props->tag;
	if (strcmp(node->props->tag, "!!binary") != 0)
		return 0;
	v->is_binary = true;
	if (decode_binary(node->text, a, &v->text) == -1)
		return fail_at(why, node->start.line, node->start.column,
		    "!!binary with something that is not base64");
	return 0;
}

bool
yaml_scalar_is_merge(const struct doc_node *node)
{
	if (node->kind != DOC_SCALAR || !slice_is(node->text, "<<"))
		return false;
	if (has_tag(node))
		return strcmp(node->props->tag, "!!merge") == 0;
	return node->style == DOC_PLAIN;
}

bool
yaml_scalar_is_null(const struct doc_node *node)
{
	struct yaml_value v;

	node = doc_resolve(node);
	if (has_tag(node))
		return strcmp(node->props->tag, "!!null") == 0;
	if (node->kind != DOC_SCALAR || node->style != DOC_PLAIN)
		return false;
	guess(&v, node->text, false);
	return v.type == YAML_NULL;
}
