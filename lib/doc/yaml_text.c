/* yaml_text: see yaml_text.h. */
#include "yaml_text.h"

#include "num.h"
#include "utf8.h"
#include "yaml_blank.h"

#include <string.h>

/* The white space between two words of a scalar. With a line break in it,
 * cur->breaks holds those after the first one, and blanks do not count. */
struct gap {
	struct slice blanks; /* in the source */
	bool broken;
	uint8_t first[3]; /* the first break; none when it was escaped */
	size_t first_n;
};

static void
reset(struct buf *b)
{
	buf_consume(b, buf_len(b));
}

static int
checked(struct yaml_cursor *cur, int result)
{
	return result == 0 ? 0 : yaml_cursor_no_memory(cur);
}

static int
add_breaks(struct yaml_cursor *cur)
{
	struct slice breaks = buf_slice(&cur->breaks);
	int result = yaml_cursor_append(cur, breaks.p, breaks.n);

	reset(&cur->breaks);
	return result;
}

static int
take(struct yaml_cursor *cur)
{
	return yaml_cursor_append_source(cur, yaml_source_take(&cur->source));
}

/* Takes what comes next of a word, up to one of the two characters; it may stop
 * early. */
static int
take_run(struct yaml_cursor *cur, uint8_t stop, uint8_t other)
{
	return yaml_cursor_append_source(
	    cur, yaml_source_take_run(&cur->source, stop, other));
}

static void
begin(struct yaml_cursor *cur, struct yaml_token *t, enum doc_style style)
{
	yaml_cursor_reset(cur);
	t->kind = YAML_SCALAR;
	t->style = style;
	t->start = yaml_source_pos(&cur->source);
	t->end = t->start;
}

/* Reads one line break of a gap. */
static int
gap_break(struct yaml_cursor *cur, struct gap *gap)
{
	struct yaml_source *src = &cur->source;

	if (yaml_cursor_need(cur, 2) == -1)
		return -1;
	if (gap->broken)
		return checked(cur, yaml_source_take_line(src, &cur->breaks));
	gap->broken = true;
	gap->first_n = 1;
	gap->first[0] = '\n';
	if (yaml_source_peek(src, 0) == 0xe2) {
		gap->first_n = 3;
		for (size_t i = 0; i < 3; i++)
			gap->first[i] = yaml_source_peek(src, i);
	}
	yaml_source_skip_line(src);
	return 0;
}

static void
gap_blank(struct gap *gap, struct slice blank)
{
	if (gap->blanks.n == 0)
		gap->blanks.p = blank.p;
	gap->blanks.n += blank.n;
}

/* Reads the blanks and breaks up to the next word. Behind a break, tabs left
 * of tab_limit are an error. */
static int
read_gap(struct yaml_cursor *cur, struct gap *gap, int tab_limit)
{
	struct yaml_source *src = &cur->source;
	int result = 0;

	while (
	    result == 0 && (yaml_is_blank(src, 0) || yaml_is_break(src, 0))) {
		if (yaml_is_break(src, 0))
			result = gap_break(cur, gap);
		else if (gap->broken && (int)src->column < tab_limit &&
		    yaml_source_peek(src, 0) == '\t')
			return yaml_cursor_fail(cur, DOC_TAB,
			    "a tab where indentation is expected; YAML "
			    "indents with spaces");
		else
			gap_blank(gap, yaml_source_take(src));
		if (result == 0)
			result = yaml_cursor_need(cur, 1);
		if (result == 0)
			gap_blank(gap, yaml_source_take_spaces(src));
	}
	return result;
}

/* Puts the gap between the word before and the next: a single break becomes a
 * space, of more the first one goes. */
static int
add_gap(struct yaml_cursor *cur, const struct gap *gap)
{
	bool fold = gap->first_n > 0 && gap->first[0] == '\n';

	if (!gap->broken)
		return yaml_cursor_append_source(cur, gap->blanks);
	if (fold && buf_len(&cur->breaks) == 0)
		return yaml_cursor_append(cur, " ", 1);
	if (!fold && yaml_cursor_append(cur, gap->first, gap->first_n) == -1)
		return -1;
	return add_breaks(cur);
}

/* --- plain --- */

static bool
ends_plain(const struct yaml_cursor *cur)
{
	const struct yaml_source *src = &cur->source;
	uint8_t c = yaml_source_peek(src, 0);

	if (yaml_is_space_or_end(src, 0))
		return true;
	if (c == ':' && yaml_is_space_or_end(src, 1))
		return true;
	return cur->flow > 0 && strchr(",?[]{}", c) != NULL;
}

static int
read_plain_word(struct yaml_cursor *cur, struct yaml_token *t)
{
	while (!ends_plain(cur)) {
		if (take(cur) == -1)
			return -1;
		/* brackets end it in a flow collection */
		if (cur->flow == 0 && take_run(cur, ':', ':') == -1)
			return -1;
		t->end = yaml_source_pos(&cur->source);
		if (yaml_cursor_need(cur, 2) == -1)
			return -1;
	}
	return 0;
}

int
yaml_text_plain(struct yaml_cursor *cur, struct yaml_token *t)
{
	struct yaml_source *src = &cur->source;
	int limit = cur->indent + 1;
	struct gap gap = { 0 };

	begin(cur, t, DOC_PLAIN);
	for (;;) {
		if (yaml_cursor_need(cur, 4) == -1)
			return -1;
		if (yaml_is_document_mark(src) ||
		    yaml_source_peek(src, 0) == '#')
			break;
		if (!ends_plain(cur)) {
			if (add_gap(cur, &gap) == -1)
				return -1;
			gap = (struct gap){ 0 };
		}
		if (read_plain_word(cur, t) == -1)
			return -1;
		if (!yaml_is_blank(src, 0) && !yaml_is_break(src, 0))
			break;
		if (yaml_cursor_need(cur, 1) == -1 ||
		    read_gap(cur, &gap, limit) == -1)
			return -1;
		if (cur->flow == 0 && (int)src->column < limit)
			break;
	}
	/* on a new line a key may begin */
	if (gap.broken)
		cur->key_allowed = true;
	return yaml_cursor_keep(cur, &t->text);
}

/* --- quoted --- */

/* n hex digits as a code point. */
static int
read_code(struct yaml_cursor *cur, size_t n)
{
	struct yaml_source *src = &cur->source;
	uint8_t bytes[4];
	uint64_t code = 0;

	if (yaml_cursor_need(cur, n) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int digit = num_hex_digit(yaml_source_peek(src, i));

		if (digit == -1)
			return yaml_cursor_fail(cur, DOC_SYNTAX,
			    "%zu hex digits are expected here", n);
		code = code << 4 | (unsigned)digit;
	}
	if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff)
		return yaml_cursor_fail(cur, DOC_SYNTAX,
		    "an escape for U+%04llX, which is not a character; "
		    "headscale's YAML reader rejects it",
		    (unsigned long long)code);
	for (size_t i = 0; i < n; i++)
		yaml_source_skip(src);
	return yaml_cursor_append(cur, bytes, utf8_put(bytes, (uint32_t)code));
}

/* What follows a backslash, if it is one character for another. */
static const char *
escape_text(uint8_t c)
{
	switch (c) {
	case 'a':
		return "\a";
	case 'b':
		return "\b";
	case 't':
	case '\t':
		return "\t";
	case 'n':
		return "\n";
	case 'v':
		return "\v";
	case 'f':
		return "\f";
	case 'r':
		return "\r";
	case 'e':
		return "\x1b";
	case ' ':
		return " ";
	case '"':
		return "\"";
	case '\'':
		return "'";
	case '\\':
		return "\\";
	case 'N':
		return "\xc2\x85";
	case '_':
		return "\xc2\xa0";
	case 'L':
		return "\xe2\x80\xa8";
	case 'P':
		return "\xe2\x80\xa9";
	}
	return NULL;
}

static int
read_escape(struct yaml_cursor *cur)
{
	struct yaml_source *src = &cur->source;
	uint8_t c = yaml_source_peek(src, 1);
	const char *text = escape_text(c);

	if (text == NULL && (c == 0 || strchr("0xuU", c) == NULL))
		return yaml_cursor_fail(cur, DOC_SYNTAX,
		    "an escape that YAML does not have%s",
		    c == '/' ? ": \\/ is one in JSON only" : "");
	yaml_source_skip(src);
	yaml_source_skip(src);
	if (text != NULL)
		return yaml_cursor_append(cur, text, strlen(text));
	if (c == '0')
		return yaml_cursor_append(cur, "", 1);
	return read_code(cur, c == 'x' ? 2 : c == 'u' ? 4 : 8);
}

/* Reads up to white space or the closing quote. *joined is set when an escaped
 * line break ended it. */
static int
read_quoted_word(struct yaml_cursor *cur, bool single, bool *joined)
{
	struct yaml_source *src = &cur->source;
	uint8_t quote = single ? '\'' : '"';
	int result;

	while (!yaml_is_space_or_end(src, 0)) {
		uint8_t c = yaml_source_peek(src, 0);

		if (single && c == '\'') {
			if (yaml_source_peek(src, 1) != '\'')
				return 0;
			yaml_source_skip(src);
			result = take(cur);
		} else if (!single && c == '"') {
			return 0;
		} else if (!single && c == '\\' && yaml_is_break(src, 1)) {
			if (yaml_cursor_need(cur, 3) == -1)
				return -1;
			yaml_source_skip(src);
			yaml_source_skip_line(src);
			*joined = true;
			return yaml_cursor_need(cur, 1);
		} else if (!single && c == '\\') {
			result = read_escape(cur);
		} else {
			result = take(cur) == 0
			    ? take_run(cur, quote, single ? quote : '\\')
			    : -1;
		}
		if (result == -1 || yaml_cursor_need(cur, 2) == -1)
			return -1;
	}
	return yaml_cursor_need(cur, 1);
}

int
yaml_text_quoted(struct yaml_cursor *cur, struct yaml_token *t, bool single)
{
	struct yaml_source *src = &cur->source;
	uint8_t quote = single ? '\'' : '"';

	begin(cur, t, single ? DOC_SINGLE : DOC_DOUBLE);
	yaml_source_skip(src);
	for (;;) {
		struct gap gap = { 0 };

		if (yaml_cursor_need(cur, 4) == -1)
			return -1;
		if (yaml_is_document_mark(src))
			return yaml_cursor_fail(cur, DOC_SYNTAX,
			    "a document mark inside the quotes that begin on "
			    "line %u",
			    t->start.line);
		if (yaml_source_peek(src, 0) == 0)
			return yaml_cursor_fail(cur, DOC_SYNTAX,
			    "the text ends inside the quotes that begin on "
			    "line %u",
			    t->start.line);
		if (read_quoted_word(cur, single, &gap.broken) == -1)
			return -1;
		if (yaml_source_peek(src, 0) == quote)
			break;
		if (read_gap(cur, &gap, -1) == -1 || add_gap(cur, &gap) == -1)
			return -1;
	}
	yaml_source_skip(src);
	t->end = yaml_source_pos(src);
	return yaml_cursor_keep(cur, &t->text);
}

/* --- block --- */

struct block {
	bool literal;
	int chomp;  /* -1 strip, 0 clip, 1 keep */
	int indent; /* column of its text; 0: not known yet */
};

/* One of the two characters that may follow | or >: where the text is
 * indented, what becomes of its last breaks. */
static int
read_indicator(struct yaml_cursor *cur, struct block *b, bool digit)
{
	struct yaml_source *src = &cur->source;
	uint8_t c = yaml_source_peek(src, 0);

	if (digit && c >= '0' && c <= '9') {
		if (c == '0')
			return yaml_cursor_fail(
			    cur, DOC_SYNTAX, "an indentation of 0");
		b->indent = c - '0' + (cur->indent >= 0 ? cur->indent : 0);
		yaml_source_skip(src);
	} else if (!digit && (c == '+' || c == '-')) {
		b->chomp = c == '+' ? 1 : -1;
		yaml_source_skip(src);
	}
	return yaml_cursor_need(cur, 1);
}

/* The rest of the line with | or >. */
static int
read_block_head(struct yaml_cursor *cur, struct block *b)
{
	struct yaml_source *src = &cur->source;
	bool digit_first;

	yaml_source_skip(src);
	if (yaml_cursor_need(cur, 1) == -1)
		return -1;
	digit_first =
	    yaml_source_peek(src, 0) >= '0' && yaml_source_peek(src, 0) <= '9';
	if (read_indicator(cur, b, digit_first) == -1)
		return -1;
	/* a second digit, or a second sign, is not an indicator */
	if ((digit_first || b->chomp != 0) &&
	    read_indicator(cur, b, !digit_first) == -1)
		return -1;
	while (yaml_is_blank(src, 0)) {
		yaml_source_skip(src);
		if (yaml_cursor_need(cur, 1) == -1)
			return -1;
	}
	if (yaml_source_peek(src, 0) == '#' &&
	    yaml_blank_line_comment(cur) == -1)
		return -1;
	if (!yaml_is_break_or_end(src, 0))
		return yaml_cursor_fail(cur, DOC_SYNTAX,
		    "text on the line of a block scalar's mark");
	if (yaml_is_break(src, 0) && yaml_cursor_need(cur, 2) == -1)
		return -1;
	yaml_source_skip_line(src);
	return 0;
}

/* Reads indentation and empty lines up to the next line with text; finds out
 * the indentation if it is not known. */
static int
read_block_breaks(struct yaml_cursor *cur, struct block *b, struct doc_pos *end)
{
	struct yaml_source *src = &cur->source;
	int widest = 0;

	*end = yaml_source_pos(src);
	for (;;) {
		if (yaml_cursor_need(cur, 1) == -1)
			return -1;
		while ((b->indent == 0 || (int)src->column < b->indent) &&
		    yaml_source_peek(src, 0) == ' ') {
			yaml_source_skip(src);
			if (yaml_cursor_need(cur, 1) == -1)
				return -1;
		}
		if ((int)src->column > widest)
			widest = (int)src->column;
		if ((b->indent == 0 || (int)src->column < b->indent) &&
		    yaml_source_peek(src, 0) == '\t')
			return yaml_cursor_fail(cur, DOC_TAB,
			    "a tab where a block scalar's indentation is "
			    "expected; YAML indents with spaces");
		if (!yaml_is_break(src, 0))
			break;
		if (yaml_cursor_need(cur, 2) == -1 ||
		    checked(cur, yaml_source_take_line(src, &cur->breaks)) ==
			-1)
			return -1;
		*end = yaml_source_pos(src);
	}
	if (b->indent == 0) {
		b->indent = cur->indent + 1 > 1 ? cur->indent + 1 : 1;
		if (widest > b->indent)
			b->indent = widest;
	}
	return 0;
}

/* The line with text that comes next, without its break. */
static int
read_block_line(struct yaml_cursor *cur)
{
	struct yaml_source *src = &cur->source;

	while (!yaml_is_break_or_end(src, 0)) {
		if (take(cur) == -1 || take_run(cur, 0, 0) == -1 ||
		    yaml_cursor_need(cur, 1) == -1)
			return -1;
	}
	return yaml_cursor_need(cur, 2);
}

int
yaml_text_block(struct yaml_cursor *cur, struct yaml_token *t, bool literal)
{
	struct yaml_source *src = &cur->source;
	struct block b = { .literal = literal };
	struct slice last = { NULL, 0 }; /* break after the line before */
	bool was_blank = false;

	begin(cur, t, literal ? DOC_LITERAL : DOC_FOLDED);
	if (read_block_head(cur, &b) == -1 ||
	    read_block_breaks(cur, &b, &t->end) == -1)
		return -1;
	while ((int)src->column == b.indent && yaml_source_peek(src, 0) != 0) {
		bool is_blank = yaml_is_blank(src, 0);
		bool fold =
		    !literal && !was_blank && !is_blank && slice_is(last, "\n");

		if (!fold && yaml_cursor_append(cur, last.p, last.n) == -1)
			return -1;
		if (fold && buf_len(&cur->breaks) == 0 &&
		    yaml_cursor_append(cur, " ", 1) == -1)
			return -1;
		was_blank = is_blank;
		if (add_breaks(cur) == -1 || read_block_line(cur) == -1)
			return -1;
		last = slice_str(yaml_is_break(src, 0) ? "\n" : "");
		if (yaml_source_peek(src, 0) == 0xe2 && last.n > 0)
			last = slice_of(src->text + src->at, 3);
		yaml_source_skip_line(src);
		if (read_block_breaks(cur, &b, &t->end) == -1)
			return -1;
	}
	if (b.chomp != -1 && yaml_cursor_append(cur, last.p, last.n) == -1)
		return -1;
	if (b.chomp == 1 && add_breaks(cur) == -1)
		return -1;
	return yaml_cursor_keep(cur, &t->text);
}
