/* foreign_mark: see foreign_mark.h. One pass over the lines up to the error. */
#include "foreign_mark.h"

#include "derpmap.h"
#include "doc_line.h"

#include <string.h>

#define CONFLICT_MARK 7 /* characters, as git writes them */

struct line {
	unsigned number;   /* 0: there is none */
	size_t start;      /* offset in the text */
	struct slice body; /* without blanks around it */
};

static struct doc_pos
pos_of(struct slice text, const struct line *line, const uint8_t *p)
{
	struct doc_pos at = { line->number, 1, (uint32_t)line->start };

	doc_pos_advance(&at, text, (size_t)(p - text.p), DOC_LINE_YAML);
	return at;
}

/* Whether the line begins with so many of one of these characters. */
static bool
begins_with_run(struct slice body, const char *characters, size_t count)
{
	if (body.n < count ||
	    memchr(characters, body.p[0], strlen(characters)) == NULL)
		return false;
	for (size_t i = 1; i < count; i++)
		if (body.p[i] != body.p[0])
			return false;
	return true;
}

static bool
is_conflict_mark(struct slice body)
{
	return begins_with_run(body, "<=>|", CONFLICT_MARK) &&
	    (body.n == CONFLICT_MARK || body.p[CONFLICT_MARK] == ' ');
}

/* What a whole line of another language begins with. */
static bool
is_foreign_line(struct foreign_mark *mark, const struct line *line)
{
	if (is_conflict_mark(line->body)) {
		mark->text = "a merge conflict was left in: this line is a "
			     "mark of git's, not a part of the map";
		mark->fix = "keep one of the two versions and remove the marks";
	} else if (begins_with_run(line->body, "`~", 3)) {
		mark->text = "this line is a fence of Markdown, not a part of "
			     "the map";
		mark->fix = "remove it";
	} else if (slice_starts(line->body, "//") ||
	    slice_starts(line->body, "/*")) {
		mark->text = "a comment of another language: in YAML a comment "
			     "begins with #";
		mark->fix = "write # in place of it";
	} else {
		return false;
	}
	return true;
}

static bool
is_known_key(struct slice key)
{
	for (enum derpmap_level level = DERPMAP_LEVEL_MAP;
	     level <= DERPMAP_LEVEL_NODE; level++)
		if (derpmap_field_meant(level, key) != NULL)
			return true;
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] < '0' || key.p[i] > '9')
			return false;
	return key.n > 0;
}

/* The body after the dashes of lists. */
static struct slice
after_dashes(struct slice body)
{
	while (body.n > 1 && body.p[0] == '-' && body.p[1] == ' ')
		body = slice_trim(slice_of(body.p + 1, body.n - 1));
	return body;
}

/* U+FF1A and U+FE55, which look like a colon, after a key of a map. */
static bool
has_wide_colon(struct foreign_mark *mark, struct arena *a, struct slice text,
    const struct line *line)
{
	static const char *const colons[] = { "\xef\xbc\x9a", "\xef\xb9\x95" };
	const struct slice body = after_dashes(line->body);

	for (size_t i = 0; i < sizeof colons / sizeof colons[0]; i++) {
		const uint8_t *p =
		    body.n > 0 ? memmem(body.p, body.n, colons[i], 3) : NULL;
		const struct slice key = p != NULL
		    ? slice_of(body.p, (size_t)(p - body.p))
		    : slice_str("");

		if (!is_known_key(key))
			continue;
		mark->at = pos_of(text, line, p);
		mark->text = "this colon is another character that looks like "
			     "one: YAML reads it as a part of the key";
		mark->fix = arena_printf(a,
		    "write %.*s: with the colon of "
		    "ASCII and a space after it",
		    (int)key.n, (const char *)key.p);
		return mark->fix != NULL;
	}
	return false;
}

/* A quote inside text in such quotes, at which it ends. */
static bool
has_inner_quote(struct foreign_mark *mark, struct slice text,
    const struct line *line, size_t error)
{
	const uint8_t *p = text.p + error;
	struct slice head, value;

	if (error == 0 || error >= text.n || p[-1] == '\n' || p[0] <= ' ' ||
	    (p[-1] != '\'' && p[-1] != '"') ||
	    !slice_cut(line->body, ':', &head, &value))
		return false;
	value = slice_trim(value);
	if (value.n == 0 || value.p >= p - 1 || value.p[0] != p[-1])
		return false;
	mark->at = pos_of(text, line, p - 1);
	mark->text = "the text ends at this quote, and more follows on the "
		     "line";
	mark->fix = p[-1] == '\''
	    ? "for an apostrophe write it twice (''), or put the text in "
	      "double quotes"
	    : "for a quote inside the text write \\\", or put the text in "
	      "single quotes";
	return true;
}

static bool
is_on_line(struct foreign_mark *mark, struct arena *a, struct slice text,
    const struct line *line)
{
	if (line->number == 0)
		return false;
	if (!is_foreign_line(mark, line))
		return has_wide_colon(mark, a, text, line);
	mark->at = pos_of(text, line, line->body.p);
	return true;
}

bool
foreign_mark_find(struct foreign_mark *mark, struct arena *a, struct slice text,
    const struct doc_pos *error_at)
{
	struct line at = { .number = 0 }, before = at;
	size_t start = 0, end;

	for (unsigned number = 1; start < text.n && number <= error_at->line;
	     number++, start = end + doc_line_break(text, end, DOC_LINE_YAML)) {
		struct slice body;

		end = doc_line_end(text, start, DOC_LINE_YAML);
		body = slice_trim(slice_of(text.p + start, end - start));
		if (body.n == 0)
			continue;
		before = at;
		at = (struct line){ number, start, body };
	}
	return is_on_line(mark, a, text, &before) ||
	    is_on_line(mark, a, text, &at) ||
	    (at.number == error_at->line &&
		has_inner_quote(mark, text, &at, error_at->offset));
}
