/* gojson: see gojson.h. */
#include "gojson.h"

#include "num.h"
#include "utf8.h"

#define END (-1)
#define REPLACEMENT 0xfffdU

/* What may come next while a value is checked. */
enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* behind [ */
	EXPECT_NAME,
	EXPECT_NAME_OR_END, /* behind { */
	EXPECT_MORE_OR_END, /* behind a value inside something */
};

/* The open arrays and objects, one bit each: set for an object. */
struct nest {
	uint8_t bits[GOJSON_DEPTH / 8 + 1];
	size_t depth;
};

static int skip_value(struct reader *r);
static int skip_scalar(struct reader *r);
static int skip_string(struct reader *r);
static int skip_number(struct reader *r);

static int
peek(const struct reader *r)
{
	return r->rest.n > 0 ? r->rest.p[0] : END;
}

static bool
accept(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	reader_take(r, 1);
	return true;
}

static void
skip_blanks(struct reader *r)
{
	while (accept(r, ' ') || accept(r, '\t') || accept(r, '\r') ||
	    accept(r, '\n'))
		;
}

/* What has been read since r stood at `from`. */
static struct slice
read_since(struct slice from, const struct reader *r)
{
	return slice_of(from.p, from.n - r->rest.n);
}

static enum gojson_type
type_of(int first)
{
	switch (first) {
	case 'n':
		return GOJSON_NULL;
	case 'f':
		return GOJSON_FALSE;
	case 't':
		return GOJSON_TRUE;
	case '"':
		return GOJSON_STRING;
	case '[':
		return GOJSON_ARRAY;
	case '{':
		return GOJSON_OBJECT;
	default:
		return GOJSON_NUMBER;
	}
}

int
gojson_take(struct slice *in, struct gojson *value)
{
	struct reader r = { .rest = *in };
	struct slice from;

	skip_blanks(&r);
	from = r.rest;
	if (skip_value(&r) == -1)
		return -1;
	value->type = type_of(from.p[0]);
	value->text = read_since(from, &r);
	skip_blanks(&r);
	*in = r.rest;
	return 0;
}

int
gojson_parse(struct slice text, struct gojson *value)
{
	return gojson_take(&text, value) == -1 || text.n != 0 ? -1 : 0;
}

static int
nest_open(struct nest *nest, bool is_object)
{
	size_t at = nest->depth / 8;
	uint8_t bit = (uint8_t)(1U << nest->depth % 8);

	if (nest->depth == GOJSON_DEPTH)
		return -1;
	if (is_object)
		nest->bits[at] |= bit;
	else
		nest->bits[at] &= (uint8_t)~bit;
	nest->depth++;
	return 0;
}

static bool
nest_in_object(const struct nest *nest)
{
	size_t top = nest->depth - 1;

	return (nest->bits[top / 8] >> top % 8 & 1) != 0;
}

/* Skips what opens or is a value; *expect is what comes behind it. */
static int
step_value(struct reader *r, struct nest *nest, enum expect *expect)
{
	bool is_object = peek(r) == '{';

	if (is_object || peek(r) == '[') {
		reader_take(r, 1);
		*expect = is_object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
		return nest_open(nest, is_object);
	}
	*expect = EXPECT_MORE_OR_END;
	return skip_scalar(r);
}

static int
step_name(struct reader *r, enum expect *expect)
{
	if (skip_string(r) == -1)
		return -1;
	skip_blanks(r);
	if (!accept(r, ':'))
		return -1;
	*expect = EXPECT_VALUE;
	return 0;
}

static int
step(struct reader *r, struct nest *nest, enum expect *expect)
{
	bool is_object = nest->depth > 0 && nest_in_object(nest);
	bool may_end = *expect == EXPECT_NAME_OR_END ||
	    *expect == EXPECT_VALUE_OR_END || *expect == EXPECT_MORE_OR_END;

	skip_blanks(r);
	if (may_end && accept(r, is_object ? '}' : ']')) {
		nest->depth--;
		*expect = EXPECT_MORE_OR_END;
		return 0;
	}
	switch (*expect) {
	case EXPECT_VALUE:
	case EXPECT_VALUE_OR_END:
		return step_value(r, nest, expect);
	case EXPECT_NAME:
	case EXPECT_NAME_OR_END:
		return step_name(r, expect);
	case EXPECT_MORE_OR_END:
		*expect = is_object ? EXPECT_NAME : EXPECT_VALUE;
		return accept(r, ',') ? 0 : -1;
	}
	return -1;
}

/* Without recursion, so that depth costs a bit and not a stack frame. */
static int
skip_value(struct reader *r)
{
	enum expect expect = EXPECT_VALUE;
	struct nest nest;

	nest.depth = 0;
	do {
		if (step(r, &nest, &expect) == -1)
			return -1;
	} while (nest.depth > 0);
	return 0;
}

static int
skip_word(struct reader *r, const char *word)
{
	struct slice s = slice_str(word);

	return slice_eq(reader_take(r, s.n), s) ? 0 : -1;
}

static int
skip_scalar(struct reader *r)
{
	switch (peek(r)) {
	case 'n':
		return skip_word(r, "null");
	case 't':
		return skip_word(r, "true");
	case 'f':
		return skip_word(r, "false");
	case '"':
		return skip_string(r);
	default:
		return skip_number(r);
	}
}

static size_t
skip_digits(struct reader *r)
{
	size_t n = 0;

	while (peek(r) >= '0' && peek(r) <= '9') {
		reader_take(r, 1);
		n++;
	}
	return n;
}

static int
skip_number(struct reader *r)
{
	accept(r, '-');
	if (!accept(r, '0') && skip_digits(r) == 0)
		return -1;
	if (accept(r, '.') && skip_digits(r) == 0)
		return -1;
	if (accept(r, 'e') || accept(r, 'E')) {
		if (!accept(r, '+'))
			accept(r, '-');
		if (skip_digits(r) == 0)
			return -1;
	}
	return 0;
}

/* Four hex digits; -1 when they are none. */
static int32_t
take_hex4(struct reader *r)
{
	int32_t v = 0;

	for (int i = 0; i < 4; i++) {
		uint8_t c = reader_u8(r);

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + ((c | 32) - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static int
skip_escape(struct reader *r)
{
	switch (reader_u8(r)) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return 0;
	case 'u':
		return take_hex4(r) == -1 ? -1 : 0;
	default:
		return -1;
	}
}

static int
skip_string(struct reader *r)
{
	uint8_t c;

	if (!accept(r, '"'))
		return -1;
	for (;;) {
		c = reader_u8(r); /* 0 at the end of the text */
		if (c == '"')
			return 0;
		if (c < 0x20 || (c == '\\' && skip_escape(r) == -1))
			return -1;
	}
}

/* \uXXXX behind its u, together with a low half that follows a high one. */
static uint32_t
take_unicode(struct reader *r)
{
	uint32_t high = (uint32_t)take_hex4(r), low;
	struct reader ahead = *r;

	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high < 0xdc00 && accept(&ahead, '\\') && accept(&ahead, 'u')) {
		low = (uint32_t)take_hex4(&ahead);
		if (low >= 0xdc00 && low <= 0xdfff) {
			*r = ahead;
			return 0x10000 +
			    ((high - 0xd800) << 10 | (low - 0xdc00));
		}
	}
	return REPLACEMENT;
}

/* The next code point of a string that was checked and is not at its end. */
static uint32_t
take_code(struct reader *r)
{
	uint32_t code;
	size_t n;

	if (!accept(r, '\\')) {
		n = utf8_next(r->rest, &code);
		reader_take(r, n > 0 ? n : 1);
		return n > 0 ? code : REPLACEMENT;
	}
	code = reader_u8(r);
	switch (code) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'u':
		return take_unicode(r);
	default: /* the quote, the slash and the backslash are themselves */
		return code;
	}
}

/* A reader of what is between the quotes. */
static struct reader
string_reader(const struct gojson *value)
{
	struct reader r = { .rest = value->text };

	reader_take(&r, 1);
	r.rest.n--;
	return r;
}

/* Lower case, of what folds to ASCII. */
static uint32_t
fold(uint32_t code)
{
	if (code >= 'A' && code <= 'Z')
		return code | 32;
	if (code == 0x17f)
		return 's';
	if (code == 0x212a)
		return 'k';
	return code;
}

bool
gojson_name_is(const struct gojson *name, const char *want)
{
	struct reader r = string_reader(name);

	for (; *want != '\0'; want++)
		if (r.rest.n == 0 ||
		    fold(take_code(&r)) != fold((uint8_t)*want))
			return false;
	return r.rest.n == 0;
}

bool
gojson_next(struct slice *rest, struct gojson *name, struct gojson *value)
{
	struct reader r = { .rest = *rest };

	if (!accept(&r, '{'))
		accept(&r, ',');
	if (gojson_take(&r.rest, name) == -1 || !accept(&r, ':') ||
	    gojson_take(&r.rest, value) == -1)
		return false;
	*rest = r.rest;
	return true;
}

int
gojson_string(const struct gojson *value, struct writer *w)
{
	struct reader r;
	uint8_t utf8[4];

	if (value->type != GOJSON_STRING)
		return -1;
	r = string_reader(value);
	while (r.rest.n > 0 && !w->failed)
		writer_bytes(w, utf8, utf8_put(utf8, take_code(&r)));
	return w->failed ? -1 : 0;
}

int
gojson_int(const struct gojson *value, int64_t *out)
{
	/* JSON has no leading zeros, so base 0 reads decimals only */
	if (value->type != GOJSON_NUMBER)
		return -1;
	return num_parse_int(value->text, INT64_MIN, INT64_MAX, out);
}

int
gojson_bool(const struct gojson *value, bool *out)
{
	if (value->type != GOJSON_TRUE && value->type != GOJSON_FALSE)
		return -1;
	*out = value->type == GOJSON_TRUE;
	return 0;
}
