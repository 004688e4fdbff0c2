/* json_token: see json_token.h. */
#include "json_token.h"

#include "num.h"
#include "utf8.h"

#include <string.h>

#define REPLACEMENT 0xfffdU

struct json_scan
json_token_scan(struct slice text)
{
	return (struct json_scan){ .text = text };
}

/* The next byte, or 0 at the end: no token has a 0 in it. */
static uint8_t
byte_at(const struct json_scan *s)
{
	return s->at < s->text.n ? s->text.p[s->at] : 0;
}

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static int
expected(struct json_scan *s, const char *what)
{
	s->expected = what;
	return -1;
}

static enum json_token_kind
kind_of(uint8_t c)
{
	switch (c) {
	case '"':
		return JSON_TOKEN_STRING;
	case ',':
		return JSON_TOKEN_COMMA;
	case ':':
		return JSON_TOKEN_COLON;
	case '[':
		return JSON_TOKEN_ARRAY;
	case ']':
		return JSON_TOKEN_ARRAY_END;
	case '{':
		return JSON_TOKEN_OBJECT;
	case '}':
		return JSON_TOKEN_OBJECT_END;
	case 'f':
		return JSON_TOKEN_FALSE;
	case 'n':
		return JSON_TOKEN_NULL;
	case 't':
		return JSON_TOKEN_TRUE;
	}
	return c == '-' || is_digit(c) ? JSON_TOKEN_NUMBER : JSON_TOKEN_NONE;
}

static void
skip_blanks(struct json_scan *s)
{
	uint8_t c = byte_at(s);

	while (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
		s->at++;
		c = byte_at(s);
	}
}

/* Steps over one comment of HuJSON. false: none ends here. */
static bool
skip_comment(struct json_scan *s)
{
	struct slice rest = slice_of(s->text.p + s->at, s->text.n - s->at);
	const uint8_t *end;

	if (slice_starts(rest, "//")) {
		end = memchr(rest.p, '\n', rest.n);
		s->at = end != NULL ? (size_t)(end - s->text.p) : s->text.n;
		return true;
	}
	if (!slice_starts(rest, "/*"))
		return false;
	end = memmem(rest.p + 2, rest.n - 2, "*/", 2);
	if (end == NULL)
		return false;
	s->at = (size_t)(end - s->text.p) + 2;
	return true;
}

enum json_token_kind
json_token_peek(struct json_scan *s)
{
	do
		skip_blanks(s);
	while (s->comments && skip_comment(s));
	return s->at < s->text.n ? kind_of(byte_at(s)) : JSON_TOKEN_END;
}

static int
take_literal(struct json_scan *s, const char *word)
{
	size_t n = strlen(word);

	if (s->text.n - s->at < n || memcmp(s->text.p + s->at, word, n) != 0)
		return expected(s, "a value");
	s->at += n;
	return 0;
}

static int
take_digits(struct json_scan *s)
{
	if (!is_digit(byte_at(s)))
		return expected(s, "a digit");
	while (is_digit(byte_at(s)))
		s->at++;
	return 0;
}

static int
take_number(struct json_scan *s)
{
	if (byte_at(s) == '-')
		s->at++;
	if (byte_at(s) == '0')
		s->at++;
	else if (take_digits(s) == -1)
		return -1;
	if (byte_at(s) == '.') {
		s->at++;
		if (take_digits(s) == -1)
			return -1;
	}
	if (byte_at(s) == 'e' || byte_at(s) == 'E') {
		s->at++;
		if (byte_at(s) == '+' || byte_at(s) == '-')
			s->at++;
		return take_digits(s);
	}
	return 0;
}

/* --- strings --- */

/* The backslash has been read. */
static int
take_escape(struct json_scan *s)
{
	uint8_t c = byte_at(s);

	if (c == 0 || strchr("\"\\/bfnrtu", c) == NULL)
		return expected(s, "one of \"\\/bfnrtu after a backslash");
	s->at++;
	for (int i = 0; c == 'u' && i < 4; i++) {
		if (num_hex_digit(byte_at(s)) == -1)
			return expected(s, "a hex digit of \\uXXXX");
		s->at++;
	}
	return 0;
}

static int
take_string(struct json_scan *s, bool *is_plain)
{
	*is_plain = true;
	s->at++;
	for (;;) {
		uint8_t c = byte_at(s);

		if (c < 0x20)
			return expected(s, "the end of the string");
		s->at++;
		if (c == '"')
			return 0;
		if (c >= 0x80)
			*is_plain = false;
		if (c != '\\')
			continue;
		*is_plain = false;
		if (take_escape(s) == -1)
			return -1;
	}
}

static int
take(struct json_scan *s, struct json_token *t)
{
	switch (t->kind) {
	case JSON_TOKEN_NULL:
		return take_literal(s, "null");
	case JSON_TOKEN_FALSE:
		return take_literal(s, "false");
	case JSON_TOKEN_TRUE:
		return take_literal(s, "true");
	case JSON_TOKEN_NUMBER:
		return take_number(s);
	case JSON_TOKEN_STRING:
		return take_string(s, &t->is_plain);
	case JSON_TOKEN_ARRAY:
	case JSON_TOKEN_OBJECT:
	case JSON_TOKEN_ARRAY_END:
	case JSON_TOKEN_OBJECT_END:
	case JSON_TOKEN_COLON:
	case JSON_TOKEN_COMMA:
		s->at++;
		return 0;
	case JSON_TOKEN_END:
	case JSON_TOKEN_NONE:
		break;
	}
	return expected(s, "a value");
}

int
json_token_take(struct json_scan *s, struct json_token *t)
{
	size_t start;

	t->kind = json_token_peek(s);
	t->is_plain = false;
	start = s->at;
	if (take(s, t) == -1)
		return -1;
	t->text = slice_of(s->text.p + start, s->at - start);
	return 0;
}

struct slice
json_token_inside(const struct json_token *t)
{
	return slice_of(t->text.p + 1, t->text.n - 2);
}

/* The \uXXXX at the start of s, which may be anything; -1 when there is none.
 */
static int32_t
unicode_escape(struct slice s)
{
	int32_t code = 0;

	if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		int digit = num_hex_digit(s.p[i]);

		if (digit == -1)
			return -1;
		code = code << 4 | digit;
	}
	return code;
}

static struct slice
skip(struct slice s, size_t n)
{
	return slice_of(s.p + n, s.n - n);
}

/* \uXXXX, together with a low half that follows a high one. */
static uint32_t
take_unicode(struct slice *rest)
{
	int32_t high = unicode_escape(*rest), low;

	*rest = skip(*rest, 6);
	if (high < 0xd800 || high > 0xdfff)
		return (uint32_t)high;
	if (high >= 0xdc00)
		return REPLACEMENT;
	low = unicode_escape(*rest);
	if (low < 0xdc00 || low > 0xdfff)
		return REPLACEMENT;
	*rest = skip(*rest, 6);
	return 0x10000 + (((uint32_t)high & 0x3ff) << 10) +
	    ((uint32_t)low & 0x3ff);
}

uint32_t
json_token_code(struct slice *rest)
{
	uint32_t code;
	size_t n;

	if (rest->p[0] != '\\') {
		n = utf8_next(*rest, &code);
		*rest = skip(*rest, n > 0 ? n : 1);
		return n > 0 ? code : REPLACEMENT;
	}
	code = rest->p[1];
	if (code == 'u')
		return take_unicode(rest);
	*rest = skip(*rest, 2);
	switch (code) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	}
	return code; /* the quote, the slash and the backslash */
}

int
json_token_string(const struct json_token *t, struct writer *w)
{
	struct slice rest = json_token_inside(t);
	uint8_t utf8[4];

	if (t->is_plain) {
		writer_bytes(w, rest.p, rest.n);
		return w->failed ? -1 : 0;
	}
	while (rest.n > 0 && !w->failed)
		writer_bytes(w, utf8, utf8_put(utf8, json_token_code(&rest)));
	return w->failed ? -1 : 0;
}

size_t
json_token_string_len(const struct json_token *t)
{
	struct slice rest = json_token_inside(t);
	uint8_t utf8[4];
	size_t n = 0;

	if (t->is_plain)
		return rest.n;
	while (rest.n > 0)
		n += utf8_put(utf8, json_token_code(&rest));
	return n;
}
