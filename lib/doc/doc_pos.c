/* doc_pos: see doc_pos.h. */
#include "doc_pos.h"

#include "utf8.h"

void
doc_pos_advance(struct doc_pos *pos, struct slice text, size_t offset)
{
	size_t i = pos->offset;

	while (i < offset && i < text.n) {
		size_t n = 1;

		if (text.p[i] >= 0x80) {
			n = utf8_next(slice_of(text.p + i, text.n - i), NULL);
			n += n == 0;
		}
		if (text.p[i] == '\n') {
			pos->line++;
			pos->column = 1;
		} else {
			pos->column++;
		}
		i += n;
	}
	pos->offset = i;
}
