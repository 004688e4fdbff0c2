/* doc_json: see doc_json.h. Grammar: RFC 8259. */
#include "doc_json.h"

#include "buf.h"
#include "utf8.h"

#include <string.h>

struct json {
	struct slice text;
	size_t at; /* next byte */
	unsigned line, column;
	struct doc_builder builder;
	struct buf scratch; /* the string being read */
};

static struct doc_pos
here(const struct json *j)
{
	return (struct doc_pos){ j->line, j->column, j->at };
}

/* The next byte, or 0 at the end: 0 is no token of JSON either. */
static uint8_t
peek(const struct json *j)
{
	return j->at < j->text.n ? j->text.p[j->at] : 0;
}

/* Steps over one character, however broken; a broken byte counts as one. */
static void
step(struct json *j)
{
	struct slice rest = slice_of(j->text.p + j->at, j->text.n - j->at);
	size_t n = utf8_next(rest, NULL);

	if (peek(j) == '\n') {
		j->line++;
		j->column = 1;
	} else {
		j->column++;
	}
	j->at += n > 0 ? n : 1;
}

static void
skip_blanks(struct json *j)
{
	for (;;) {
		switch (peek(j)) {
		case ' ':
		case '\t':
		case '\n':
		case '\r':
			step(j);
			continue;
		}
		return;
	}
}

static int
syntax(struct json *j, const char *wanted)
{
	struct doc_builder *b = &j->builder;
	uint8_t c = peek(j);

	if (j->at >= j->text.n)
		return doc_builder_fail(b, DOC_SYNTAX, here(j),
		    "the text ends where %s is expected", wanted);
	if (c == '#' || c == '/')
		return doc_builder_fail(b, DOC_SYNTAX, here(j),
		    "JSON has no comments; %s is expected", wanted);
	if (c > ' ' && c < 0x7f)
		return doc_builder_fail(b, DOC_SYNTAX, here(j),
		    "'%c' where %s is expected", c, wanted);
	return doc_builder_fail(b, DOC_SYNTAX, here(j),
	    "byte 0x%02x where %s is expected", c, wanted);
}

static int
add_code(struct json *j, uint32_t code)
{
	uint8_t bytes[4];

	return buf_append(&j->scratch, bytes, utf8_put(bytes, code));
}

/* Four hex digits; -1 with the error set when there are none. */
static int
read_hex4(struct json *j, uint32_t *code)
{
	*code = 0;
	for (int i = 0; i < 4; i++) {
		uint8_t c = peek(j);

		if (c >= '0' && c <= '9')
			c = (uint8_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			c = (uint8_t)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			c = (uint8_t)(c - 'A' + 10);
		else
			return syntax(j, "a hex digit of \\uXXXX");
		*code = *code << 4 | c;
		step(j);
	}
	return 0;
}

static bool
is_low_surrogate_escape(const struct json *j)
{
	const uint8_t *p = j->text.p + j->at;

	return j->text.n - j->at >= 6 && p[0] == '\\' && p[1] == 'u' &&
	    (p[2] == 'd' || p[2] == 'D') &&
	    ((p[3] >= 'c' && p[3] <= 'f') || (p[3] >= 'C' && p[3] <= 'F'));
}

/* What follows \u; surrogates without their other half become U+FFFD. */
static int
read_unicode_escape(struct json *j)
{
	struct json before;
	uint32_t code, low;

	if (read_hex4(j, &code) == -1)
		return -1;
	if (code < 0xd800 || code >= 0xe000)
		return add_code(j, code);
	if (code >= 0xdc00 || !is_low_surrogate_escape(j))
		return add_code(j, 0xfffd);
	before = *j;
	step(j);
	step(j);
	if (read_hex4(j, &low) == -1)
		return -1;
	if (low < 0xdc00 || low >= 0xe000) {
		j->at = before.at;
		j->column = before.column;
		return add_code(j, 0xfffd);
	}
	return add_code(j, 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff));
}

static int
read_escape(struct json *j)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	uint8_t c;

	step(j);
	c = peek(j);
	if (c == 'u') {
		step(j);
		return read_unicode_escape(j);
	}
	found = c != 0 ? strchr(from, c) : NULL;
	if (found == NULL)
		return syntax(j, "one of \"\\/bfnrtu behind a backslash");
	step(j);
	return buf_append(&j->scratch, &to[found - from], 1);
}

/* One character of a string. */
static int
read_character(struct json *j)
{
	struct slice rest = slice_of(j->text.p + j->at, j->text.n - j->at);
	size_t n = utf8_next(rest, NULL);

	if (peek(j) < ' ')
		return syntax(j, "the end of the string");
	step(j);
	if (n == 0)
		return add_code(j, 0xfffd);
	return buf_append(&j->scratch, rest.p, n);
}

static int
take_text(struct json *j, struct doc_node *node, struct slice text)
{
	const char *copy = "";

	if (node == NULL)
		return -1;
	if (text.n > 0)
		copy =
		    arena_text(j->builder.arena, (const char *)text.p, text.n);
	if (copy == NULL)
		return doc_builder_fail(&j->builder, DOC_MEMORY, node->start,
		    "not enough memory to read the document");
	node->text = slice_of(copy, text.n);
	node->end = here(j);
	return 0;
}

static int
read_string(struct json *j)
{
	struct doc_node *node =
	    doc_builder_add(&j->builder, DOC_SCALAR, here(j));
	int result = 0;

	if (node == NULL)
		return -1;
	node->style = DOC_DOUBLE;
	buf_consume(&j->scratch, buf_len(&j->scratch));
	step(j);
	while (result == 0 && peek(j) != '"')
		result = peek(j) == '\\' ? read_escape(j) : read_character(j);
	if (result == -1)
		return doc_builder_fail(&j->builder, DOC_MEMORY, here(j),
		    "not enough memory to read the document");
	step(j);
	return take_text(j, node, buf_slice(&j->scratch));
}

static int
read_digits(struct json *j)
{
	if (peek(j) < '0' || peek(j) > '9')
		return syntax(j, "a digit");
	while (peek(j) >= '0' && peek(j) <= '9')
		step(j);
	return 0;
}

static int
read_number(struct json *j)
{
	struct doc_node *node =
	    doc_builder_add(&j->builder, DOC_SCALAR, here(j));
	size_t start = j->at;

	if (peek(j) == '-')
		step(j);
	if (peek(j) == '0')
		step(j);
	else if (read_digits(j) == -1)
		return -1;
	if (peek(j) == '.') {
		step(j);
		if (read_digits(j) == -1)
			return -1;
	}
	if (peek(j) == 'e' || peek(j) == 'E') {
		step(j);
		if (peek(j) == '+' || peek(j) == '-')
			step(j);
		if (read_digits(j) == -1)
			return -1;
	}
	return take_text(j, node, slice_of(j->text.p + start, j->at - start));
}

static int
read_word(struct json *j)
{
	static const char *const words[] = { "true", "false", "null" };
	struct slice rest = slice_of(j->text.p + j->at, j->text.n - j->at);
	struct doc_node *node;

	for (size_t i = 0; i < 3; i++) {
		size_t n = strlen(words[i]);

		if (!slice_starts(rest, words[i]))
			continue;
		node = doc_builder_add(&j->builder, DOC_SCALAR, here(j));
		j->at += n;
		j->column += (unsigned)n;
		return take_text(j, node, slice_str(words[i]));
	}
	return syntax(j, "a value");
}

/* Opens the collection whose bracket is next. */
static int
read_open(struct json *j)
{
	enum doc_kind kind = peek(j) == '{' ? DOC_MAPPING : DOC_SEQUENCE;
	struct doc_node *node = doc_builder_add(&j->builder, kind, here(j));

	if (node == NULL)
		return -1;
	node->style = DOC_FLOW;
	step(j);
	return doc_builder_open(&j->builder, node);
}

/* A scalar, or the opening of a collection. */
static int
read_value(struct json *j)
{
	uint8_t c;

	skip_blanks(j);
	c = peek(j);
	if (c == '{' || c == '[')
		return read_open(j);
	if (c == '"')
		return read_string(j);
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_number(j);
	return read_word(j);
}

/* The key and colon of a member. */
static int
read_key(struct json *j)
{
	if (peek(j) != '"')
		return syntax(j, "a member name in double quotes");
	if (read_string(j) == -1)
		return -1;
	skip_blanks(j);
	if (peek(j) != ':')
		return syntax(j, "':'");
	step(j);
	return 0;
}

/* Goes on in the innermost open collection: closes it, or reads its next
 * entry as far as the next opening bracket. */
static int
read_next(struct json *j)
{
	struct doc_node *open = doc_builder_top(&j->builder);
	bool mapping = open->kind == DOC_MAPPING;
	uint8_t close = mapping ? '}' : ']';

	skip_blanks(j);
	if (peek(j) == close) {
		step(j);
		return doc_builder_close(&j->builder, here(j));
	}
	if (open->count > 0) {
		if (peek(j) != ',')
			return syntax(j, mapping ? "',' or '}'" : "',' or ']'");
		step(j);
		skip_blanks(j);
		if (peek(j) == close)
			return doc_builder_fail(&j->builder, DOC_SYNTAX,
			    here(j), "JSON has no trailing commas");
	}
	if (mapping && read_key(j) == -1)
		return -1;
	return read_value(j);
}

static int
read_document(struct json *j)
{
	if (j->text.n > DOC_TEXT_MAX)
		return doc_builder_fail(&j->builder, DOC_LIMIT,
		    (struct doc_pos){ 0 }, "longer than %zu bytes",
		    DOC_TEXT_MAX);
	if (slice_starts(j->text, "\xef\xbb\xbf")) {
		if (doc_builder_note(&j->builder, DOC_NOTE_BOM, here(j)) == -1)
			return -1;
		return doc_builder_fail(&j->builder, DOC_ENCODING, here(j),
		    "a byte order mark, which JSON readers refuse");
	}
	if (read_value(j) == -1)
		return -1;
	while (doc_builder_top(&j->builder) != NULL)
		if (read_next(j) == -1)
			return -1;
	skip_blanks(j);
	if (j->at < j->text.n)
		return syntax(j, "the end of the text");
	return 0;
}

int
doc_json_read(
    struct doc *d, struct arena *a, struct slice text, struct fail *why)
{
	struct json j = { .text = text, .line = 1, .column = 1 };
	int result;

	buf_init(&j.scratch, 4 * DOC_TEXT_MAX);
	doc_builder_init(&j.builder, a, d, DOC_DEPTH_MAX);
	result = read_document(&j);
	buf_clear(&j.scratch);
	if (result == -1)
		fail_at(why, d->error_at.line, d->error_at.column, "%s",
		    d->error_text);
	return result;
}
