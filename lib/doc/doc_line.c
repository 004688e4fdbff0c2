/* doc_line: see doc_line.h. */
#include "doc_line.h"

#define LINE_BREAK_MAX 3 /* bytes of the longest line end */

size_t
doc_line_break(struct slice text, size_t at, enum doc_line_form form)
{
	const uint8_t *p = text.p + at;
	const size_t n = text.n - at;

	if (n == 0)
		return 0;
	if (p[0] == '\n')
		return 1;
	if (form == DOC_LINE_JSON)
		return 0;
	if (p[0] == '\r')
		return n > 1 && p[1] == '\n' ? 2 : 1;
	if (n > 1 && p[0] == 0xc2 && p[1] == 0x85)
		return 2;
	return n > 2 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] | 1) == 0xa9 ? 3
									   : 0;
}

size_t
doc_line_break_before(struct slice text, size_t at, enum doc_line_form form)
{
	/* the longest first: CR LF ends with what is a line end by itself */
	for (size_t n = at < LINE_BREAK_MAX ? at : LINE_BREAK_MAX; n > 0; n--)
		if (doc_line_break(text, at - n, form) == n)
			return n;
	return 0;
}

size_t
doc_line_start(struct slice text, size_t at, enum doc_line_form form)
{
	while (at > 0 && doc_line_break_before(text, at, form) == 0)
		at--;
	return at;
}

size_t
doc_line_end(struct slice text, size_t at, enum doc_line_form form)
{
	while (at < text.n && doc_line_break(text, at, form) == 0)
		at++;
	return at;
}
