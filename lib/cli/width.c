/* width: see width.h. */
#include "width.h"

#include "utf8.h"

/* The ranges are those of wide East Asian characters and of marks that join
 * the character before them. */
static unsigned
code_width(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} wide[] = { { 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1faff },
		{ 0x20000, 0x3fffd } };

	if (code >= 0x300 && code <= 0x36f)
		return 0;
	for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
		if (code >= wide[i].first && code <= wide[i].last)
			return 2;
	return 1;
}

unsigned
width_of(struct slice text)
{
	unsigned width = 0;

	for (size_t n; text.n > 0; text = slice_of(text.p + n, text.n - n)) {
		uint32_t code = 0;

		n = utf8_next(text, &code);
		width += n > 0 ? code_width(code) : 1;
		n = n > 0 ? n : 1;
	}
	return width;
}
