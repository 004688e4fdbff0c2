/* plain_lines: see plain_lines.h. */
#include "plain_lines.h"

#include <string.h>

/* Far below the limits of both readers: 1024 characters of a key, thousands of
 * levels. */
#define LINE_MAX_BYTES 500

static bool
is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_visible(uint8_t c)
{
	return c > ' ' && c <= '~';
}

static size_t
skip_spaces(struct slice line, size_t at)
{
	while (at < line.n && line.p[at] == ' ')
		at++;
	return at;
}

/* The end of a scalar in quotes that begins at `at`; 0: it is not plain. */
static size_t
skip_quoted(struct slice line, size_t at)
{
	const uint8_t quote = line.p[at++];

	while (at < line.n && line.p[at] != quote) {
		if ((!is_visible(line.p[at]) && line.p[at] != ' ') ||
		    line.p[at] == '\\')
			return 0;
		at++;
	}
	/* two quotes in a row may be an escape */
	if (at == line.n || (at + 1 < line.n && line.p[at + 1] == quote))
		return 0;
	return at + 1;
}

/* The end of a plain scalar that begins at `at`: the line's end, or the colon
 * before a space or the line's end. 0: it is not plain. */
static size_t
skip_plain(struct slice line, size_t at)
{
	if (!is_word(line.p[at]) &&
	    (line.p[at] != '-' || at + 1 == line.n || !is_word(line.p[at + 1])))
		return 0;
	for (; at < line.n; at++) {
		uint8_t c = line.p[at];

		if (c == ':' && (at + 1 == line.n || line.p[at + 1] == ' '))
			return at;
		if ((!is_visible(c) && c != ' ') || c == '#')
			return 0;
	}
	return line.p[at - 1] == ' ' ? 0 : at;
}

static size_t
skip_scalar(struct slice line, size_t at)
{
	return line.p[at] == '"' || line.p[at] == '\'' ? skip_quoted(line, at)
						       : skip_plain(line, at);
}

static bool
is_comment(struct slice line, size_t at)
{
	while (at < line.n && (is_visible(line.p[at]) || line.p[at] == ' '))
		at++;
	return at == line.n;
}

static bool
is_plain(struct slice line)
{
	size_t at = skip_spaces(line, 0), begin = at;

	if (line.n == 0)
		return true;
	if (line.n > LINE_MAX_BYTES || at == line.n)
		return false;
	if (line.p[at] == '#')
		return is_comment(line, at);
	while (at + 1 < line.n && line.p[at] == '-' && line.p[at + 1] == ' ')
		at = skip_spaces(line, at + 1);
	if (at == line.n)
		return false;
	begin = at - begin; /* with a dash, a value may be alone */
	at = skip_scalar(line, at);
	if (at == 0 || at == line.n)
		return at > 0 && begin > 0;
	if (line.p[at] != ':')
		return false;
	at = skip_spaces(line, at + 1);
	return at == line.n
	    ? line.p[at - 1] == ':'
	    : line.p[at - 1] == ' ' && skip_scalar(line, at) == line.n;
}

bool
plain_lines_only(struct slice text)
{
	while (text.n > 0) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		size_t n = end != NULL ? (size_t)(end - text.p) : text.n;

		if (!is_plain(slice_of(text.p, n)))
			return false;
		if (end == NULL)
			break;
		text = slice_of(end + 1, text.n - n - 1);
	}
	return true;
}
