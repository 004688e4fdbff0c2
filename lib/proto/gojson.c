/* gojson: see gojson.h. */
#include "gojson.h"

#include "json_fold.h"
#include "num.h"

/* What may come next while a value is checked. */
enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* after [ */
	EXPECT_NAME,
	EXPECT_NAME_OR_END, /* after { */
	EXPECT_MORE_OR_END, /* after a value inside a collection */
};

/* The open arrays and objects, one bit each: set for an object. */
struct nest {
	uint8_t bits[GOJSON_DEPTH / 8 + 1];
	size_t depth;
};

static int skip_value(struct json_scan *s, struct json_token *first);

/* What has not been read yet. */
static struct slice
rest_of(const struct json_scan *s)
{
	return slice_of(s->text.p + s->at, s->text.n - s->at);
}

/* Takes the next token if it is of this kind. */
static bool
accept(struct json_scan *s, enum json_token_kind kind)
{
	struct json_token t;

	return json_token_peek(s) == kind && json_token_take(s, &t) == 0;
}

static enum gojson_type
type_of(enum json_token_kind kind)
{
	switch (kind) {
	case JSON_TOKEN_NULL:
		return GOJSON_NULL;
	case JSON_TOKEN_FALSE:
		return GOJSON_FALSE;
	case JSON_TOKEN_TRUE:
		return GOJSON_TRUE;
	case JSON_TOKEN_STRING:
		return GOJSON_STRING;
	case JSON_TOKEN_ARRAY:
		return GOJSON_ARRAY;
	case JSON_TOKEN_OBJECT:
		return GOJSON_OBJECT;
	case JSON_TOKEN_NUMBER:
	case JSON_TOKEN_ARRAY_END:
	case JSON_TOKEN_OBJECT_END:
	case JSON_TOKEN_COLON:
	case JSON_TOKEN_COMMA:
	case JSON_TOKEN_END:
	case JSON_TOKEN_NONE:
		break;
	}
	return GOJSON_NUMBER; /* the others are not the start of a value */
}

/* The next value and the blanks after it. */
static int
take_value(struct json_scan *s, struct gojson *value)
{
	struct json_token first;

	json_token_peek(s);
	value->text = rest_of(s);
	if (skip_value(s, &first) == -1)
		return -1;
	value->text.n -= rest_of(s).n;
	value->type = type_of(first.kind);
	value->is_plain = first.is_plain;
	json_token_peek(s);
	return 0;
}

int
gojson_take(struct slice *in, struct gojson *value)
{
	struct json_scan s = json_token_scan(*in);

	if (take_value(&s, value) == -1)
		return -1;
	*in = rest_of(&s);
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
	if (bit == 1)
		nest->bits[at] = 0;
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

/* A token that opens or is a value; *expect is what comes after it. */
static int
step_value(enum json_token_kind kind, struct nest *nest, enum expect *expect)
{
	switch (kind) {
	case JSON_TOKEN_OBJECT:
		*expect = EXPECT_NAME_OR_END;
		return nest_open(nest, true);
	case JSON_TOKEN_ARRAY:
		*expect = EXPECT_VALUE_OR_END;
		return nest_open(nest, false);
	case JSON_TOKEN_NULL:
	case JSON_TOKEN_FALSE:
	case JSON_TOKEN_TRUE:
	case JSON_TOKEN_NUMBER:
	case JSON_TOKEN_STRING:
		*expect = EXPECT_MORE_OR_END;
		return 0;
	case JSON_TOKEN_ARRAY_END:
	case JSON_TOKEN_OBJECT_END:
	case JSON_TOKEN_COLON:
	case JSON_TOKEN_COMMA:
	case JSON_TOKEN_END:
	case JSON_TOKEN_NONE:
		break;
	}
	return -1;
}

/* One token of a value, and the colon after a name. */
static int
step(struct json_scan *s, enum json_token_kind kind, struct nest *nest,
    enum expect *expect)
{
	bool is_object = nest->depth > 0 && nest_in_object(nest);
	bool may_end = *expect == EXPECT_NAME_OR_END ||
	    *expect == EXPECT_VALUE_OR_END || *expect == EXPECT_MORE_OR_END;

	if (may_end &&
	    kind ==
		(is_object ? JSON_TOKEN_OBJECT_END : JSON_TOKEN_ARRAY_END)) {
		nest->depth--;
		*expect = EXPECT_MORE_OR_END;
		return 0;
	}
	switch (*expect) {
	case EXPECT_VALUE:
	case EXPECT_VALUE_OR_END:
		return step_value(kind, nest, expect);
	case EXPECT_NAME:
	case EXPECT_NAME_OR_END:
		*expect = EXPECT_VALUE;
		return kind == JSON_TOKEN_STRING && accept(s, JSON_TOKEN_COLON)
		    ? 0
		    : -1;
	case EXPECT_MORE_OR_END:
		*expect = is_object ? EXPECT_NAME : EXPECT_VALUE;
		return kind == JSON_TOKEN_COMMA ? 0 : -1;
	}
	return -1;
}

/* Checks a value and gives its first token. Without recursion, so that depth
 * costs a bit and not a stack frame. */
static int
skip_value(struct json_scan *s, struct json_token *first)
{
	enum expect expect = EXPECT_VALUE;
	struct json_token t;
	struct nest nest;

	nest.depth = 0;
	if (json_token_take(s, first) == -1 ||
	    step(s, first->kind, &nest, &expect) == -1)
		return -1;
	while (nest.depth > 0)
		if (json_token_take(s, &t) == -1 ||
		    step(s, t.kind, &nest, &expect) == -1)
			return -1;
	return 0;
}

/* A string value as the token that it is. */
static struct json_token
token_of(const struct gojson *value)
{
	return (struct json_token){
		.kind = JSON_TOKEN_STRING,
		.is_plain = value->is_plain,
		.text = value->text,
	};
}

bool
gojson_name_is(const struct gojson *name, const char *want)
{
	struct json_token t = token_of(name);

	return json_fold_token_eq(&t, want);
}

bool
gojson_next(struct slice *rest, struct gojson *name, struct gojson *value)
{
	struct json_scan s = json_token_scan(*rest);

	if (!accept(&s, JSON_TOKEN_OBJECT))
		accept(&s, JSON_TOKEN_COMMA);
	if (take_value(&s, name) == -1 || !accept(&s, JSON_TOKEN_COLON) ||
	    take_value(&s, value) == -1)
		return false;
	*rest = rest_of(&s);
	return true;
}

int
gojson_string(const struct gojson *value, struct writer *w)
{
	struct json_token t = token_of(value);

	return value->type == GOJSON_STRING ? json_token_string(&t, w) : -1;
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
