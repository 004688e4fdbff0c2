/* yaml_source: see yaml_source.h. Characters: YAML 1.1 section 5.1. */
#include "yaml_source.h"

#include "utf8.h"

#include <string.h>

#define PORTION 512 /* bytes that yaml.v3 reads at a time */
#define ASCII_RUN 8 /* bytes that are looked at together */

/* The encoding, by the mark at the start. */
static void
find_encoding(struct yaml_source *s)
{
	if (slice_starts(s->raw, "\xff\xfe"))
		s->utf16 = true;
	else if (slice_starts(s->raw, "\xfe\xff"))
		s->utf16 = s->big_endian = true;
	else if (slice_starts(s->raw, "\xef\xbb\xbf"))
		s->bom = 3;
	if (s->utf16)
		s->bom = 2;
	s->raw_at = s->bom;
}

int
yaml_source_init(struct yaml_source *s, struct arena *a, struct slice text)
{
	/* yaml.v3 reads an empty text as an empty line */
	if (text.n == 0)
		text = slice_str("\n");
	*s = (struct yaml_source){
		.raw = text,
		.portion = text.n < PORTION ? text.n : PORTION,
	};
	find_encoding(s);
	s->text = s->raw.p + s->bom;
	if (!s->utf16)
		return 0;
	/* two bytes of UTF-16 become at most three of UTF-8 */
	s->decoded = arena_alloc(a, text.n + text.n / 2 + 4, 1);
	s->text = s->decoded;
	return s->decoded != NULL ? 0 : -1;
}

static bool
bad(struct yaml_source *s, const char *text)
{
	struct doc_pos at = { s->line + 1, s->column + 1, (uint32_t)s->at };

	/* the place of what cannot be decoded is after all that was */
	doc_pos_advance(&at, slice_of(s->text, s->n), s->n, DOC_LINE_YAML);
	at.offset = (uint32_t)s->raw_at;
	s->failed = true;
	s->failed_text = text;
	s->failed_at = at;
	return false;
}

/* The next portion: 512 bytes from where decoding is. */
static void
next_portion(struct yaml_source *s)
{
	if (s->portion == s->raw.n)
		s->ended = true;
	else if (s->raw.n - s->raw_at < PORTION)
		s->portion = s->raw.n;
	else
		s->portion = s->raw_at + PORTION;
}

enum decoded {
	DECODED,
	DECODED_PART, /* the character goes on in the next portion */
	DECODED_BAD,
};

static enum decoded
decode_utf8(struct yaml_source *s, uint32_t *code)
{
	const uint8_t *p = s->raw.p + s->raw_at;
	size_t left = s->portion - s->raw_at, n;

	n = p[0] < 0x80         ? 1
	    : p[0] >> 5 == 0x6  ? 2
	    : p[0] >> 4 == 0xe  ? 3
	    : p[0] >> 3 == 0x1e ? 4
				: 0;
	if (n > left && !s->ended)
		return DECODED_PART;
	if (n == 0 || n > left || utf8_next(slice_of(p, n), code) != n) {
		bad(s, "not UTF-8");
		return DECODED_BAD;
	}
	s->raw_at += n;
	return DECODED;
}

static uint32_t
utf16_unit(const struct yaml_source *s, size_t i)
{
	const uint8_t *p = s->raw.p + s->raw_at + i;

	return s->big_endian ? (uint32_t)p[0] << 8 | p[1]
			     : (uint32_t)p[1] << 8 | p[0];
}

static enum decoded
decode_utf16(struct yaml_source *s, uint32_t *code)
{
	size_t left = s->portion - s->raw_at;
	uint32_t low;

	if (left < 2 && !s->ended)
		return DECODED_PART;
	if (left >= 2)
		*code = utf16_unit(s, 0);
	if (left < 2 || *code >> 10 == 0xdc00 >> 10) {
		bad(s, "not UTF-16");
		return DECODED_BAD;
	}
	if (*code >> 10 != 0xd800 >> 10) {
		s->raw_at += 2;
		return DECODED;
	}
	if (left < 4 && !s->ended)
		return DECODED_PART;
	low = left >= 4 ? utf16_unit(s, 2) : 0;
	if (low >> 10 != 0xdc00 >> 10) {
		bad(s, "not UTF-16: half a surrogate pair");
		return DECODED_BAD;
	}
	*code = 0x10000 + ((*code & 0x3ff) << 10) + (low & 0x3ff);
	s->raw_at += 4;
	return DECODED;
}

static bool
is_text(uint32_t c)
{
	return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0x7f) ||
	    c == 0x85 || (c >= 0xa0 && c < 0xd800) ||
	    (c >= 0xe000 && c <= 0xfffd) || c >= 0x10000;
}

static bool
is_ascii_text(uint8_t c)
{
	return (c >= ' ' && c < 0x7f) || c == '\n';
}

/* Whether all of a run is: the highest bit of each byte tells. */
static bool
is_ascii_run(const uint8_t p[static ASCII_RUN])
{
	const uint64_t each = UINT64_MAX / UINT8_MAX;
	uint64_t run, other;

	memcpy(&run, p, sizeof run);
	/* a line break, which is text, becomes another character of it */
	other = ((run ^ each * '\n') & each * 0x7f) + each * 0x7f;
	run |= (~other & each * 0x80) >> 2;
	return ((run | (run - each * ' ') | (run + each)) & each * 0x80) == 0;
}

/* Steps over the ASCII text that comes next, which is most of any text. */
static void
decode_ascii(struct yaml_source *s)
{
	const uint8_t *p = s->raw.p + s->raw_at;
	size_t left = s->portion - s->raw_at, n = 0;

	while (left - n >= ASCII_RUN && is_ascii_run(p + n))
		n += ASCII_RUN;
	while (n < left && is_ascii_text(p[n]))
		n++;
	s->raw_at += n;
	s->n += n;
	s->unread += n;
}

/* Decodes what is left of the portion. */
static bool
decode_portion(struct yaml_source *s)
{
	for (;;) {
		size_t before;
		uint32_t code = 0;

		if (!s->utf16)
			decode_ascii(s);
		if (s->raw_at >= s->portion)
			return true;
		before = s->raw_at;
		switch (
		    s->utf16 ? decode_utf16(s, &code) : decode_utf8(s, &code)) {
		case DECODED_BAD:
			return false;
		case DECODED_PART:
			return true;
		case DECODED:
			break;
		}
		if (!is_text(code)) {
			s->raw_at = before;
			return bad(s, "a control character");
		}
		s->n += s->utf16 ? utf8_put(s->decoded + s->n, code)
				 : s->raw_at - before;
		s->unread++;
	}
}

/* Decodes portions until n characters are readable. Apart, so that to learn
 * that they are there already costs little. */
__attribute__((noinline)) static bool
decode_until(struct yaml_source *s, size_t n)
{
	bool first = true;

	if (s->failed)
		return false;
	s->window = s->at;
	while (s->unread < n && !(s->ended && s->raw_at == s->portion)) {
		if (!first || s->raw_at == s->portion)
			next_portion(s);
		first = false;
		if (!decode_portion(s))
			return false;
	}
	return true;
}

bool
yaml_source_need(struct yaml_source *s, size_t n)
{
	return s->unread >= n || decode_until(s, n);
}

uint8_t
yaml_source_peek(const struct yaml_source *s, size_t i)
{
	return s->at + i < s->n ? s->text[s->at + i] : 0;
}

static size_t
width(const struct yaml_source *s)
{
	uint8_t c = yaml_source_peek(s, 0);

	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

void
yaml_source_skip(struct yaml_source *s)
{
	if (!yaml_is_blank(s, 0))
		s->newlines = 0;
	s->at += width(s);
	s->index++;
	s->column++;
	if (s->unread > 0)
		s->unread--;
}

/* How many of what is readable may be stepped over at once: one less, so that
 * no more is asked for on the way than after it. */
static size_t
run_max(const struct yaml_source *s)
{
	return s->unread > 0 ? s->unread - 1 : 0;
}

static void
skip_ascii(struct yaml_source *s, size_t n)
{
	s->at += n;
	s->index += n;
	s->column += (unsigned)n;
	s->unread -= n;
}

struct slice
yaml_source_take_run(struct yaml_source *s, uint8_t stop, uint8_t other)
{
	const uint8_t *p = s->text + s->at;
	size_t max = run_max(s), n = 0;

	while (n < max && p[n] > ' ' && p[n] < 0x7f && p[n] != stop &&
	    p[n] != other)
		n++;
	skip_ascii(s, n);
	if (n > 0)
		s->newlines = 0;
	return slice_of(p, n);
}

struct slice
yaml_source_take_spaces(struct yaml_source *s)
{
	const uint8_t *p = s->text + s->at;
	size_t max = run_max(s), n = 0;

	while (n < max && p[n] == ' ')
		n++;
	skip_ascii(s, n);
	return slice_of(p, n);
}

static void
skip_break(struct yaml_source *s, size_t bytes, size_t characters)
{
	s->at += bytes;
	s->index += characters;
	s->unread -= characters;
	s->line++;
	s->column = 0;
	s->newlines++;
}

void
yaml_source_skip_line(struct yaml_source *s)
{
	if (yaml_source_peek(s, 0) == '\r' && yaml_source_peek(s, 1) == '\n')
		skip_break(s, 2, 2);
	else if (yaml_is_break(s, 0))
		skip_break(s, width(s), 1);
}

struct slice
yaml_source_take(struct yaml_source *s)
{
	size_t at = s->at;

	if (at + width(s) > s->n)
		return slice_of(NULL, 0); /* callers stop at the end */
	yaml_source_skip(s);
	return slice_of(s->text + at, s->at - at);
}

int
yaml_source_take_line(struct yaml_source *s, struct buf *out)
{
	size_t at = s->at;
	/* U+2028 and U+2029 stay what they are */
	bool keep = yaml_source_peek(s, 0) == 0xe2;

	yaml_source_skip_line(s);
	if (s->at == at)
		return 0;
	return keep ? buf_append(out, s->text + at, s->at - at)
		    : buf_append(out, "\n", 1);
}

struct doc_pos
yaml_source_pos(const struct yaml_source *s)
{
	return (struct doc_pos){
		.line = s->line + 1,
		.column = s->column + 1,
		/* in UTF-16 only ASCII keeps a simple relation */
		.offset =
		    (uint32_t)(s->bom + (s->utf16 ? 2 * s->index : s->at)),
	};
}

bool
yaml_is_break(const struct yaml_source *s, size_t i)
{
	uint8_t a = yaml_source_peek(s, i);

	if (a < 0xc2)
		return a == '\n' || a == '\r';
	if (a == 0xc2)
		return yaml_source_peek(s, i + 1) == 0x85;
	return a == 0xe2 && yaml_source_peek(s, i + 1) == 0x80 &&
	    (yaml_source_peek(s, i + 2) | 1) == 0xa9;
}

bool
yaml_is_blank(const struct yaml_source *s, size_t i)
{
	uint8_t c = yaml_source_peek(s, i);

	return c == ' ' || c == '\t';
}

bool
yaml_is_break_or_end(const struct yaml_source *s, size_t i)
{
	return yaml_source_peek(s, i) == 0 || yaml_is_break(s, i);
}

bool
yaml_is_space_or_end(const struct yaml_source *s, size_t i)
{
	return yaml_is_blank(s, i) || yaml_is_break_or_end(s, i);
}

bool
yaml_is_word(const struct yaml_source *s, size_t i)
{
	uint8_t c = yaml_source_peek(s, i);

	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

bool
yaml_is_document_mark(const struct yaml_source *s)
{
	uint8_t c = yaml_source_peek(s, 0);

	return s->column == 0 && (c == '-' || c == '.') &&
	    yaml_source_peek(s, 1) == c && yaml_source_peek(s, 2) == c &&
	    yaml_is_space_or_end(s, 3);
}
