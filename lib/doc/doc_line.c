/* doc_line: see doc_line.h. */
#include "doc_line.h"

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
doc_line_end(struct slice text, size_t at, enum doc_line_form form)
{
	while (at < text.n && doc_line_break(text, at, form) == 0)
		at++;
	return at;
}
