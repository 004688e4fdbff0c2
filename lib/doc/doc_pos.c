/* doc_pos: see doc_pos.h. */
#include "doc_pos.h"

#include "utf8.h"

/* The bytes of the character at i. */
static size_t
character(struct slice text, size_t i)
{
	const size_t n = text.p[i] < 0x80
	    ? 1
	    : utf8_next(slice_of(text.p + i, text.n - i), NULL);

	return n > 0 ? n : 1;
}

void
doc_pos_advance(struct doc_pos *pos, struct slice text, size_t offset,
    enum doc_line_form form)
{
	size_t i = pos->offset;

	while (i < offset && i < text.n) {
		size_t n = doc_line_break(text, i, form);

		if (n > 0 && (i + n <= offset || text.p[i] != '\r')) {
			pos->line++;
			pos->column = 1;
		} else {
			n = character(text, i);
			pos->column++;
		}
		i += n;
	}
	pos->offset = (uint32_t)i;
}
