/* utf8: see utf8.h. */
#include "utf8.h"

/* Shortest value that needs this many bytes: smaller ones are overlong. */
static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };

size_t
utf8_next(struct slice s, uint32_t *code)
{
	uint32_t v;
	size_t n;

	if (s.n == 0)
		return 0;
	v = s.p[0];
	if (v < 0x80)
		n = 1;
	else if (v >= 0xc2 && v < 0xe0)
		n = 2;
	else if (v >= 0xe0 && v < 0xf0)
		n = 3;
	else if (v >= 0xf0 && v < 0xf5)
		n = 4;
	else
		return 0;
	if (n > s.n)
		return 0;
	if (n > 1)
		v &= 0x7fU >> n;
	for (size_t i = 1; i < n; i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s.p[i] & 0x3fU);
	}
	if (v < least[n] || (v >= 0xd800 && v < 0xe000) || v > 0x10ffff)
		return 0;
	if (code != NULL)
		*code = v;
	return n;
}

bool
utf8_valid(struct slice s)
{
	size_t n;

	while (s.n > 0) {
		n = utf8_next(s, NULL);
		if (n == 0)
			return false;
		s = slice_of(s.p + n, s.n - n);
	}
	return true;
}

size_t
utf8_put(uint8_t out[static 4], uint32_t code)
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (uint8_t)(0xc0 | code >> 6);
		out[1] = (uint8_t)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (uint8_t)(0xe0 | code >> 12);
		out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | code >> 18);
	out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (code & 0x3f));
	return 4;
}

size_t
utf8_cut(struct slice s, size_t max)
{
	size_t n = max;

	if (s.n <= max)
		return s.n;
	/* a code point has at most three bytes after its first */
	while (n > 0 && max - n < 3 && (s.p[n] & 0xc0) == 0x80)
		n--;
	return (s.p[n] & 0xc0) == 0x80 ? max : n;
}
