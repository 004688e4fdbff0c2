/* doc_json: see doc_json.h. Grammar: RFC 8259. */
#include "doc_json.h"

#include "json_token.h"

struct json {
	enum doc_json_form form;
	struct json_scan scan;
	struct doc_pos place; /* of the last byte that was asked for */
	struct doc_builder builder;
};

/* The place of the next byte. What is asked for never lies further back, so
 * that the text is walked once. */
static struct doc_pos
here(struct json *j)
{
	doc_pos_advance(&j->place, j->scan.text, j->scan.at, DOC_LINE_JSON);
	return j->place;
}

static int
syntax(struct json *j, const char *wanted)
{
	struct doc_builder *b = &j->builder;
	struct json_scan *s = &j->scan;
	uint8_t c;

	if (s->at >= s->text.n)
		return doc_builder_fail(b, DOC_SYNTAX, here(j),
		    "the text ends where %s is expected", wanted);
	c = s->text.p[s->at];
	if (c == '/' && s->comments)
		return doc_builder_fail(b, DOC_SYNTAX, here(j),
		    "a comment that does not end, or a '/' that begins none");
	if (c == '#' || c == '/')
		return doc_builder_fail(b, DOC_SYNTAX, here(j),
		    "JSON has no comments; %s is expected", wanted);
	if (c == '\'' && (s->at == 0 || s->text.p[s->at - 1] != '\\'))
		return doc_builder_fail(b, DOC_SYNTAX, here(j),
		    "JSON has double quotes only; %s is expected", wanted);
	if (c > ' ' && c < 0x7f)
		return doc_builder_fail(b, DOC_SYNTAX, here(j),
		    "'%c' where %s is expected", c, wanted);
	return doc_builder_fail(b, DOC_SYNTAX, here(j),
	    "byte 0x%02x where %s is expected", c, wanted);
}

/* Takes the token that was peeked at. */
static int
take(struct json *j, struct json_token *t)
{
	return json_token_take(&j->scan, t) == 0 ? 0
						 : syntax(j, j->scan.expected);
}

/* The value of a scalar's token, in the arena. */
static int
keep_text(struct json *j, struct doc_node *node, const struct json_token *t)
{
	bool is_string = t->kind == JSON_TOKEN_STRING;
	size_t n = is_string ? json_token_string_len(t) : t->text.n;
	uint8_t *copy = arena_alloc(j->builder.arena, n + 1, 1);
	struct writer w = writer_of(copy, n);

	if (copy == NULL)
		return doc_builder_fail(&j->builder, DOC_MEMORY, node->start,
		    "not enough memory to read the document");
	if (is_string)
		json_token_string(t, &w);
	else
		writer_bytes(&w, t->text.p, t->text.n);
	node->text = writer_slice(&w);
	return 0;
}

/* Takes the token of a scalar. A string that its line or the text ends is told
 * where it opens: that is where the quote is missing. */
static int
take_scalar(struct json *j, struct json_token *t, const struct doc_node *node)
{
	const struct json_scan *s = &j->scan;
	const bool is_string = json_token_peek(&j->scan) == JSON_TOKEN_STRING;

	if (json_token_take(&j->scan, t) == 0)
		return 0;
	if (is_string &&
	    (s->at == s->text.n || s->text.p[s->at] == '\n' ||
		s->text.p[s->at] == '\r'))
		return doc_builder_fail(&j->builder, DOC_SYNTAX, node->start,
		    "the quote that opens here is not closed on its line");
	return syntax(j, s->expected);
}

static int
read_scalar(struct json *j)
{
	struct doc_node *node =
	    doc_builder_add(&j->builder, DOC_SCALAR, here(j));
	struct json_token t;

	if (node == NULL || take_scalar(j, &t, node) == -1 ||
	    keep_text(j, node, &t) == -1)
		return -1;
	if (t.kind == JSON_TOKEN_STRING)
		node->style = DOC_DOUBLE;
	node->end = here(j);
	return 0;
}

/* Opens the collection whose bracket is next. */
static int
read_open(struct json *j, enum doc_kind kind)
{
	struct doc_node *node = doc_builder_add(&j->builder, kind, here(j));
	struct json_token t;

	if (node == NULL || take(j, &t) == -1)
		return -1;
	node->style = DOC_FLOW;
	return doc_builder_open(&j->builder, node);
}

/* A scalar, or the opening of a collection. */
static int
read_value(struct json *j)
{
	switch (json_token_peek(&j->scan)) {
	case JSON_TOKEN_OBJECT:
		return read_open(j, DOC_MAPPING);
	case JSON_TOKEN_ARRAY:
		return read_open(j, DOC_SEQUENCE);
	case JSON_TOKEN_NULL:
	case JSON_TOKEN_FALSE:
	case JSON_TOKEN_TRUE:
	case JSON_TOKEN_NUMBER:
	case JSON_TOKEN_STRING:
		return read_scalar(j);
	case JSON_TOKEN_ARRAY_END:
	case JSON_TOKEN_OBJECT_END:
	case JSON_TOKEN_COLON:
	case JSON_TOKEN_COMMA:
	case JSON_TOKEN_END:
	case JSON_TOKEN_NONE:
		break;
	}
	return syntax(j, "a value");
}

/* The key and colon of a member. */
static int
read_key(struct json *j)
{
	struct json_token colon;

	if (json_token_peek(&j->scan) != JSON_TOKEN_STRING)
		return syntax(j, "a member name in double quotes");
	if (read_scalar(j) == -1)
		return -1;
	if (json_token_peek(&j->scan) != JSON_TOKEN_COLON)
		return syntax(j, "':'");
	return take(j, &colon);
}

/* Whether the innermost collection ends here; the one that has no braces ends
 * with the text. */
static bool
is_end(struct json *j, enum json_token_kind close)
{
	enum json_token_kind kind = json_token_peek(&j->scan);

	if (j->form == DOC_JSON_MEMBERS && j->builder.depth == 1)
		return kind == JSON_TOKEN_END;
	return kind == close;
}

static int
read_close(struct json *j)
{
	struct json_token t;

	if (json_token_peek(&j->scan) != JSON_TOKEN_END && take(j, &t) == -1)
		return -1;
	return doc_builder_close(&j->builder, here(j));
}

/* Goes on in the innermost open collection: closes it, or reads its next
 * entry as far as the next opening bracket. */
static int
read_next(struct json *j)
{
	struct doc_node *open = doc_builder_top(&j->builder);
	bool mapping = open->kind == DOC_MAPPING;
	enum json_token_kind close =
	    mapping ? JSON_TOKEN_OBJECT_END : JSON_TOKEN_ARRAY_END;
	struct json_token t;

	if (is_end(j, close))
		return read_close(j);
	if (doc_builder_has_items(&j->builder)) {
		if (json_token_peek(&j->scan) != JSON_TOKEN_COMMA)
			return syntax(j, mapping ? "',' or '}'" : "',' or ']'");
		if (take(j, &t) == -1)
			return -1;
		if (is_end(j, close) && j->form != DOC_JSON_STRICT)
			return read_close(j);
		if (is_end(j, close))
			return doc_builder_fail(&j->builder, DOC_SYNTAX,
			    here(j), "JSON has no trailing commas");
	}
	if (mapping && read_key(j) == -1)
		return -1;
	return read_value(j);
}

/* Opens the mapping around members that have no braces. */
static int
open_members(struct json *j)
{
	struct doc_node *node;

	json_token_peek(&j->scan);
	node = doc_builder_add(&j->builder, DOC_MAPPING, here(j));
	if (node == NULL)
		return -1;
	node->style = DOC_FLOW;
	return doc_builder_open(&j->builder, node);
}

static int
read_document(struct json *j)
{
	struct slice text = j->scan.text;

	if (text.n > DOC_TEXT_MAX)
		return doc_builder_fail(&j->builder, DOC_LIMIT,
		    (struct doc_pos){ 0 }, "longer than %zu bytes",
		    DOC_TEXT_MAX);
	if (slice_starts(text, "\xef\xbb\xbf")) {
		if (doc_builder_note(&j->builder, DOC_NOTE_BOM, here(j)) == -1)
			return -1;
		return doc_builder_fail(&j->builder, DOC_ENCODING, here(j),
		    "a byte order mark, which JSON readers reject");
	}
	if ((j->form == DOC_JSON_MEMBERS ? open_members(j) : read_value(j)) ==
	    -1)
		return -1;
	while (doc_builder_top(&j->builder) != NULL)
		if (read_next(j) == -1)
			return -1;
	if (json_token_peek(&j->scan) != JSON_TOKEN_END)
		return syntax(j, "the end of the text");
	return 0;
}

int
doc_json_read(
    struct doc *d, struct arena *a, struct slice text, struct fail *why)
{
	return doc_json_read_as(d, a, text, DOC_JSON_STRICT, why);
}

int
doc_json_read_as(struct doc *d, struct arena *a, struct slice text,
    enum doc_json_form form, struct fail *why)
{
	struct json j = {
		.form = form,
		.scan = json_token_scan(text),
		.place = { .line = 1, .column = 1 },
	};
	int result;

	j.scan.comments = form != DOC_JSON_STRICT;
	doc_builder_init(&j.builder, a, d, DOC_DEPTH_MAX);
	result = read_document(&j);
	if (result == -1)
		fail_at(why, d->error_at.line, d->error_at.column, "%s",
		    d->error_text);
	return result;
}
