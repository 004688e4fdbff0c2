/* quote: see quote.h. */
#include "quote.h"

#include "utf8.h"

#include <stdio.h>
#include <string.h>

/* Characters that are not shown as they are, in order. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{ 0x00, 0x1f },       /* C0 */
	{ 0x7f, 0xa0 },       /* DEL, C1, no-break space */
	{ 0xad, 0xad },       /* soft hyphen */
	{ 0x34f, 0x34f },     /* combining grapheme joiner */
	{ 0x600, 0x605 },     /* Arabic number signs */
	{ 0x61c, 0x61c },     /* Arabic letter mark */
	{ 0x6dd, 0x6dd },     /* Arabic end of ayah */
	{ 0x70f, 0x70f },     /* Syriac abbreviation mark */
	{ 0x180b, 0x180f },   /* Mongolian variation selectors */
	{ 0x1680, 0x1680 },   /* Ogham space */
	{ 0x2000, 0x200f },   /* spaces, zero width, direction marks */
	{ 0x2028, 0x202f },   /* separators, embeddings and overrides */
	{ 0x205f, 0x206f },   /* spaces, invisible operators, isolates */
	{ 0x3000, 0x3000 },   /* ideographic space */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xd800, 0xf8ff },   /* surrogates, private use */
	{ 0xfe00, 0xfe0f },   /* variation selectors */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xfff0, 0xfffb },   /* interlinear annotation */
	{ 0xfffe, 0xffff },   /* not characters */
	{ 0xe0000, 0x10ffff } /* tags, variation selectors, private use */
};

/* Whether a character may be shown as it is: not a control, not one that
 * changes direction or is invisible, not a line or paragraph separator. */
static bool
is_printable(uint32_t code)
{
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
		if (code <= hidden[i].last)
			return code < hidden[i].first;
	return false;
}

/* A backslash, the letter that tells how many digits follow, and these.
 * Formatted apart, because writer_printf wants room for a NUL, which callers
 * who count the bytes of the text do not have. */
static void
put_number(struct writer *w, char letter, int digits, uint32_t code)
{
	char text[sizeof "\\U00000000"];

	snprintf(text, sizeof text, "\\%c%0*x", letter, digits, code);
	writer_bytes(w, text, strlen(text));
}

static void
put_escape(struct writer *w, uint32_t code)
{
	switch (code) {
	case '\n':
		writer_bytes(w, "\\n", 2);
		return;
	case '\r':
		writer_bytes(w, "\\r", 2);
		return;
	case '\t':
		writer_bytes(w, "\\t", 2);
		return;
	default:
		break;
	}
	if (code < 0x80)
		put_number(w, 'x', 2, code);
	else if (code < 0x10000)
		put_number(w, 'u', 4, code);
	else
		put_number(w, 'U', 8, code);
}

/* Writes the first character of a text that is not empty, or its first byte
 * where it is not UTF-8; how many bytes of the text that was. */
static size_t
put_first(struct writer *w, struct slice text)
{
	uint32_t code;
	size_t n = utf8_next(text, &code);

	if (n == 0) {
		put_number(w, 'x', 2, text.p[0]);
		return 1;
	}
	if (is_printable(code))
		writer_bytes(w, text.p, n);
	else
		put_escape(w, code);
	return n;
}

const char *
quote_text(char out[static QUOTE_TEXT], struct slice text)
{
	struct writer w = writer_of(out, QUOTE_TEXT - 1);
	size_t at = 0;

	writer_u8(&w, '"');
	while (at < text.n && at < QUOTE_SHOWN) {
		if (text.p[at] == '"' || text.p[at] == '\\')
			writer_u8(&w, '\\');
		at += put_first(&w, slice_of(text.p + at, text.n - at));
	}
	writer_u8(&w, '"');
	if (at < text.n)
		writer_bytes(&w, "...", 3);
	out[w.n] = '\0';
	return out;
}

void
quote_put(struct writer *w, struct slice text)
{
	for (size_t at = 0; at < text.n && !w->failed;)
		at += put_first(w, slice_of(text.p + at, text.n - at));
}
