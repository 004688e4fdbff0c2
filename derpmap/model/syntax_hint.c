/* syntax_hint: see syntax_hint.h. One pass over the lines up to the error. */
#include "syntax_hint.h"

#include "derpmap.h"
#include "doc_line.h"
#include "foreign_mark.h"
#include "utf8.h"

#include <string.h>

#define SHOWN 60 /* bytes of a line in a text */
#define INDENTS_MAX 32

/* A line that is neither blank nor a comment. Offsets are in the text. */
struct line {
	unsigned number; /* 0: there is none */
	size_t start;    /* of the line */
	size_t body;     /* after blanks and the dashes of lists */
	size_t colon;    /* of the key; end: none */
	size_t value;    /* what follows the key, or all; end: nothing */
	size_t end;      /* without line end, comment and blanks before it */
};

struct lines {
	struct slice text;
	struct line before; /* the line before the one with the error */
	struct line at;     /* that line, or the last one */
	struct line open;   /* whose value begins with a quote that is not
			       closed there */
	size_t indents[INDENTS_MAX]; /* of the lines around the error */
	size_t indent_count;
};

static uint8_t
byte_at(const struct lines *l, size_t i)
{
	return i < l->text.n ? l->text.p[i] : 0;
}

static struct slice
part(const struct lines *l, size_t start, size_t end)
{
	return slice_of(l->text.p + start, end - start);
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Where the content of a line ends: before a comment, and blanks. */
static size_t
content_end(const struct lines *l, size_t start, size_t end)
{
	for (size_t i = start; i < end; i++)
		if (byte_at(l, i) == '#' &&
		    (i == start || is_blank(byte_at(l, i - 1)))) {
			end = i;
			break;
		}
	while (end > start && is_blank(byte_at(l, end - 1)))
		end--;
	return end;
}

static bool
is_key(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static void
parse_line(const struct lines *l, struct line *line, unsigned number,
    size_t start, size_t end)
{
	size_t i = start;

	end = content_end(l, start, end);
	while (i < end &&
	    (is_blank(byte_at(l, i)) ||
		(byte_at(l, i) == '-' && is_blank(byte_at(l, i + 1)))))
		i++;
	*line = (struct line){ .number = number,
		.start = start,
		.body = i,
		.colon = end,
		.value = i,
		.end = end };
	while (i < end && is_key(byte_at(l, i)))
		i++;
	if (i == end || i == line->body || byte_at(l, i) != ':')
		return;
	line->colon = i++;
	while (i < end && is_blank(byte_at(l, i)))
		i++;
	line->value = i;
}

static uint8_t
quote_of(const struct lines *l, const struct line *line)
{
	uint8_t c = byte_at(l, line->value);

	return line->value < line->end && (c == '"' || c == '\'') ? c : 0;
}

static bool
opens_quote(const struct lines *l, const struct line *line)
{
	uint8_t quote = quote_of(l, line);

	return quote != 0 &&
	    memchr(l->text.p + line->value + 1, quote,
		line->end - line->value - 1) == NULL;
}

/* Keeps the open quote up to date with a line that may close it; one that is
 * closed where the error is was not meant to go that far. */
static void
follow_quote(struct lines *l, const struct line *line, bool is_last)
{
	uint8_t quote = quote_of(l, &l->open);

	if (l->open.number == 0) {
		if (opens_quote(l, line))
			l->open = *line;
	} else if (!is_last &&
	    memchr(l->text.p + line->start, quote, line->end - line->start) !=
		NULL) {
		l->open.number = 0;
	}
}

/* Keeps the indentation of the line and of those that it is in. */
static void
follow_indent(struct lines *l, const struct line *line)
{
	size_t indent = line->body - line->start;

	while (l->indent_count > 0 && l->indents[l->indent_count - 1] >= indent)
		l->indent_count--;
	if (l->indent_count < INDENTS_MAX)
		l->indents[l->indent_count++] = indent;
}

static void
read_lines(struct lines *l, unsigned last)
{
	size_t start = 0, end;

	for (unsigned number = 1; start < l->text.n && number <= last; number++,
		      start =
			  end + doc_line_break(l->text, end, DOC_LINE_YAML)) {
		struct line line;

		end = doc_line_end(l->text, start, DOC_LINE_YAML);
		parse_line(l, &line, number, start, end);
		if (line.body == line.end)
			continue;
		if (l->at.number != 0 && l->open.number == 0)
			follow_indent(l, &l->at);
		l->before = l->at;
		l->at = line;
		follow_quote(l, &line, number == last);
	}
}

static struct doc_pos
pos_of(const struct lines *l, const struct line *line, size_t offset)
{
	struct doc_pos at = { line->number, 1, (uint32_t)line->start };

	doc_pos_advance(&at, l->text, offset, DOC_LINE_YAML);
	return at;
}

/* The place of an offset anywhere in the text. */
static struct doc_pos
pos_in_text(const struct lines *l, size_t offset)
{
	struct doc_pos at = { 1, 1, 0 };

	for (;;) {
		size_t end = doc_line_end(l->text, at.offset, DOC_LINE_YAML);

		if (offset <= end)
			break;
		at.offset = (uint32_t)(end +
		    doc_line_break(l->text, end, DOC_LINE_YAML));
		at.line++;
	}
	doc_pos_advance(&at, l->text, offset, DOC_LINE_YAML);
	return at;
}

/* The content of a line between the offsets; a long one is cut, which shows. */
static const char *
content(struct arena *a, const struct lines *l, size_t from, size_t to)
{
	const struct slice all = part(l, from, to);
	const size_t n = utf8_cut(all, SHOWN);
	const char *text = arena_printf(
	    a, "%.*s%s", (int)n, (const char *)all.p, n < all.n ? "..." : "");

	return text != NULL ? text : "";
}

static bool
is_field(const struct lines *l, const struct line *line)
{
	struct slice key = part(l, line->body, line->colon);

	for (enum derpmap_level level = DERPMAP_LEVEL_MAP;
	     level <= DERPMAP_LEVEL_NODE; level++)
		if (derpmap_field_meant(level, key) != NULL)
			return true;
	return false;
}

static bool
has_open_quote(struct syntax_hint *h, struct arena *a, const struct lines *l)
{
	const struct line *line = &l->open;

	if (line->number == 0)
		return false;
	h->at = pos_of(l, line, line->value);
	h->text = "the quote that opens here is not closed on its line: the "
		  "text goes on to the next quote or to the end of the file";
	h->fix = arena_printf(a, "close it: %s%c",
	    content(a, l, line->body, line->end), quote_of(l, line));
	return true;
}

/* A key of a map that runs into its value. */
static bool
has_no_space(struct syntax_hint *h, struct arena *a, const struct lines *l,
    const struct line *line)
{
	if (line->number == 0 || line->colon == line->end ||
	    line->value != line->colon + 1 || line->value == line->end ||
	    !is_field(l, line))
		return false;
	h->at = pos_of(l, line, line->body);
	h->text = "a space is missing after the colon: YAML reads this as text "
		  "and not as a key";
	h->fix = arena_printf(a, "write %s %s",
	    content(a, l, line->body, line->colon + 1),
	    content(a, l, line->value, line->end));
	h->insert_at[0] = pos_of(l, line, line->value);
	h->insert = " ";
	return true;
}

/* Whether the line is a dash that runs into a key or a mapping. */
static bool
has_glued_dash(const struct lines *l, const struct line *line)
{
	if (byte_at(l, line->body) != '-')
		return false;
	return byte_at(l, line->body + 1) == '{' ||
	    (line->colon != line->end && is_field(l, line));
}

/* A list's entry whose dash runs into its key. */
static bool
has_no_space_after_dash(struct syntax_hint *h, struct arena *a,
    const struct lines *l, const struct line *line)
{
	if (line->number == 0 || !has_glued_dash(l, line))
		return false;
	h->at = pos_of(l, line, line->body);
	h->text = "a space is missing after the dash: YAML reads it as a part "
		  "of the key";
	h->fix = arena_printf(
	    a, "write - %s", content(a, l, line->body + 1, line->end));
	h->insert_at[0] = pos_of(l, line, line->body + 1);
	h->insert = " ";
	return true;
}

/* Whether the unquoted value would be another key. */
static bool
has_colon(const struct lines *l, const struct line *line)
{
	for (size_t i = line->value; i < line->end; i++)
		if (byte_at(l, i) == ':' &&
		    (i + 1 == line->end || is_blank(byte_at(l, i + 1))))
			return true;
	return false;
}

/* Whether the value goes on after a list that ends on its line, as in
 * [2001:db8::1]:443. */
static bool
goes_on_after_list(const struct lines *l, const struct line *line)
{
	const struct slice value = part(l, line->value, line->end);
	const uint8_t *end = value.n > 0 && value.p[0] == '['
	    ? memchr(value.p, ']', value.n)
	    : NULL;

	return end != NULL && end + 1 < value.p + value.n &&
	    strchr(",]}", end[1]) == NULL && !is_blank(end[1]);
}

/* Whether the value begins like an alias or an anchor and has what no name of
 * one has, as *.example.org. */
static bool
has_bad_name(const struct lines *l, const struct line *line)
{
	const uint8_t c = byte_at(l, line->value);
	size_t i = line->value + 1;

	if (c != '*' && c != '&')
		return false;
	while (i < line->end && is_key(byte_at(l, i)))
		i++;
	return i == line->value + 1 ||
	    (i < line->end && !is_blank(byte_at(l, i)));
}

/* What no text may begin with. */
static bool
has_bad_start(const struct lines *l, const struct line *line)
{
	uint8_t c = byte_at(l, line->value);

	return (c != 0 && strchr("@`%", c) != NULL) || has_bad_name(l, line) ||
	    goes_on_after_list(l, line);
}

/* Why the value must be quoted. */
static const char *
why_quote(struct arena *a, const struct lines *l, const struct line *line)
{
	if (has_bad_name(l, line))
		return byte_at(l, line->value) == '*'
		    ? "quote the text: YAML reads what begins with '*' as an "
		      "alias, the name of another value"
		    : "quote the text: YAML reads what begins with '&' as the "
		      "name of the value after it";
	if (has_colon(l, line))
		return "quote the text: it holds a colon, after which YAML "
		       "expects another value";
	return arena_printf(
	    a, "quote the text: '%c' cannot begin it", byte_at(l, line->value));
}

/* Whether the value is a field and its value, which were meant to be below. */
static bool
is_field_beside_key(struct arena *a, struct syntax_hint *h,
    const struct lines *l, const struct line *line)
{
	struct line inner = *line;

	inner.body = line->value;
	inner.colon = line->value;
	while (inner.colon < line->end && is_key(byte_at(l, inner.colon)))
		inner.colon++;
	if (byte_at(l, inner.colon) != ':' || !is_field(l, &inner))
		return false;
	h->text = arena_printf(a,
	    "a key beside another one: what is below %s begins on a line of "
	    "its own",
	    content(a, l, line->body, line->colon));
	h->fix = arena_printf(a, "write %s on the next line, indented further",
	    content(a, l, line->value, line->end));
	return h->text != NULL;
}

static bool
has_bare_text(struct syntax_hint *h, struct arena *a, const struct lines *l,
    const struct line *line)
{
	if (line->number == 0 || line->colon == line->end ||
	    line->value == line->end || quote_of(l, line) != 0 ||
	    (strchr("[{", byte_at(l, line->value)) != NULL &&
		!goes_on_after_list(l, line)) ||
	    (!has_colon(l, line) && !has_bad_start(l, line)))
		return false;
	h->at = pos_of(l, line, line->value);
	if (is_field_beside_key(a, h, l, line))
		return true;
	h->text = why_quote(a, l, line);
	/* a quote in it would need an escape */
	if (memchr(l->text.p + line->value, '"', line->end - line->value) ==
	    NULL) {
		h->fix = arena_printf(a, "write %s \"%s\"",
		    content(a, l, line->body, line->colon + 1),
		    content(a, l, line->value, line->end));
		h->insert_at[0] = h->at;
		h->insert_at[1] = pos_of(l, line, line->end);
		h->insert = "\"";
	}
	return true;
}

static bool
is_number(const struct lines *l, const struct line *line)
{
	for (size_t i = line->body; i < line->end; i++)
		if (byte_at(l, i) < '0' || byte_at(l, i) > '9')
			return false;
	return line->end > line->body;
}

/* A word or a region's number alone above lines that are further in. */
static bool
has_no_colon(struct syntax_hint *h, struct arena *a, const struct lines *l)
{
	const struct line *line = &l->before;

	if (line->number == 0 || line->colon != line->end ||
	    l->at.body - l->at.start <= line->body - line->start ||
	    !(is_field(l, line) || is_number(l, line)))
		return false;
	h->at = pos_of(l, line, line->end);
	h->text = "a colon is missing after the key";
	h->fix =
	    arena_printf(a, "write %s:", content(a, l, line->body, line->end));
	h->insert_at[0] = h->at;
	h->insert = ":";
	return true;
}

/* Whether a value of block style can begin at the offset: after a colon, a dash
 * or nothing. */
static bool
is_value_start(const struct lines *l, size_t i)
{
	while (i > 0 && is_blank(byte_at(l, i - 1)))
		i--;
	return i == 0 || strchr(":-\n\r", byte_at(l, i - 1)) != NULL;
}

/* Where the innermost [ or { is opened that is not closed before the error, on
 * a line above it; the end of the text: there is none. */
static size_t
find_open_bracket(const struct lines *l, size_t error)
{
	size_t open[INDENTS_MAX] = { 0 }, depth = 0;
	uint8_t quote = 0;

	for (size_t i = 0; i < error && depth < INDENTS_MAX; i++) {
		uint8_t c = byte_at(l, i);
		bool begins =
		    i == 0 || strchr(" \t\n\r[{,:", byte_at(l, i - 1));

		if (quote != 0)
			quote = c == quote ? 0 : quote;
		else if (begins && (c == '"' || c == '\''))
			quote = c;
		else if (begins && c == '#')
			while (i + 1 < error &&
			    doc_line_break(l->text, i + 1, DOC_LINE_YAML) == 0)
				i++;
		else if ((c == '[' || c == '{') &&
		    (depth > 0 || is_value_start(l, i)))
			open[depth++] = i;
		else if (depth > 0 && (c == ']' || c == '}'))
			depth--;
	}
	if (depth == 0 ||
	    doc_line_end(l->text, open[depth - 1], DOC_LINE_YAML) >= error)
		return l->text.n;
	return open[depth - 1];
}

static bool
has_open_bracket(struct syntax_hint *h, struct arena *a, const struct lines *l,
    const struct doc *d)
{
	const size_t open = find_open_bracket(l, d->error_at.offset);

	if (open == l->text.n)
		return false;
	h->at = pos_in_text(l, open);
	h->text = arena_printf(a,
	    "the '%c' that opens here is not closed where the %s ends",
	    byte_at(l, open), byte_at(l, open) == '[' ? "list" : "mapping");
	h->fix =
	    byte_at(l, open) == '[' ? "close it with ]" : "close it with }";
	return h->text != NULL;
}

static bool
has_bad_indent(struct syntax_hint *h, struct arena *a, const struct lines *l)
{
	size_t indent = l->at.body - l->at.start;
	const struct line *before = &l->before;

	if (before->number == 0 || l->at.colon == l->at.end)
		return false;
	for (size_t i = 0; i < l->indent_count; i++)
		if (l->indents[i] == indent)
			return false;
	h->at = pos_of(l, &l->at, l->at.body);
	if (indent < before->body - before->start) {
		h->text = arena_printf(a,
		    "the line is indented by %zu, which is the indentation of "
		    "no line that it could belong to",
		    indent);
	} else if (before->value < before->end) {
		h->text = arena_printf(a,
		    "the line is indented further than line %u, which has its "
		    "value already",
		    before->number);
	} else {
		return false;
	}
	h->fix = "indent it like the keys that it belongs to";
	return h->text != NULL;
}

bool
syntax_hint_find(struct syntax_hint *hint, struct arena *a, struct slice text,
    const struct doc *d)
{
	struct lines l = { .text = text };
	struct foreign_mark mark;

	*hint = (struct syntax_hint){ .insert = "" };
	/* in UTF-16 bytes are no characters */
	if (d->error != DOC_SYNTAX || doc_note_find(d, DOC_NOTE_UTF16) != NULL)
		return false;
	if (foreign_mark_find(&mark, a, text, &d->error_at)) {
		hint->at = mark.at;
		hint->text = mark.text;
		hint->fix = mark.fix;
		return true;
	}
	read_lines(&l, d->error_at.line);
	return has_open_quote(hint, a, &l) ||
	    has_no_space(hint, a, &l, &l.before) ||
	    has_no_space(hint, a, &l, &l.at) ||
	    has_no_space_after_dash(hint, a, &l, &l.before) ||
	    has_no_space_after_dash(hint, a, &l, &l.at) ||
	    has_open_bracket(hint, a, &l, d) ||
	    has_bare_text(hint, a, &l, &l.at) || has_no_colon(hint, a, &l) ||
	    has_bad_indent(hint, a, &l);
}
