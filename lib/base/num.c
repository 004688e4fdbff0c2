/* num: see num.h. */
#include "num.h"

#include <stdlib.h>
#include <string.h>

int
num_hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int
parse_digits(struct slice text, int base, uint64_t *out)
{
	uint64_t v = 0;

	if (text.n == 0)
		return -1;
	for (size_t i = 0; i < text.n; i++) {
		int d = num_hex_digit(text.p[i]);

		if (d == -1 || d >= base ||
		    __builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return -1;
	}
	*out = v;
	return 0;
}

static struct slice
skip(struct slice s, size_t n)
{
	return slice_of(s.p + n, s.n - n);
}

/* Strips the base prefix from *text and names the base (Go, base 0). */
static int
take_base(struct slice *text)
{
	static const struct {
		const char *prefix;
		int base;
	} bases[] = { { "0x", 16 }, { "0X", 16 }, { "0o", 8 }, { "0O", 8 },
		{ "0b", 2 }, { "0B", 2 } };

	for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
		if (slice_starts(*text, bases[i].prefix)) {
			*text = skip(*text, 2);
			return bases[i].base;
		}
	if (text->n > 1 && text->p[0] == '0') {
		*text = skip(*text, 1);
		return 8;
	}
	return 10;
}

int
num_parse_int(struct slice text, int64_t min, int64_t max, int64_t *out)
{
	bool negative = slice_starts(text, "-");
	uint64_t v;
	int64_t n;
	int base;

	if (negative || slice_starts(text, "+"))
		text = skip(text, 1);
	base = take_base(&text);
	if (parse_digits(text, base, &v) == -1)
		return -1;
	if (v > (uint64_t)INT64_MAX + (negative ? 1 : 0))
		return -1;
	n = negative ? (int64_t)(0 - v) : (int64_t)v;
	if (n < min || n > max)
		return -1;
	*out = n;
	return 0;
}

int
num_parse_decimal(struct slice text, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (parse_digits(text, 10, &v) == -1 || v > max)
		return -1;
	*out = v;
	return 0;
}

int
num_parse_bool(struct slice text, bool *out)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE",
		"True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE",
		"False" };

	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
		if (slice_is(text, yes[i])) {
			*out = true;
			return 0;
		}
		if (slice_is(text, no[i])) {
			*out = false;
			return 0;
		}
	}
	return -1;
}

/* Takes a unit off *text; its length in nanoseconds, 0 when there is none. */
static uint64_t
take_unit(struct slice *text)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "\u00b5s", 1000 },
		{ "\u03bcs", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
		{ "m", 60000000000 }, { "h", 3600000000000 } };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (slice_starts(*text, units[i].name)) {
			*text = skip(*text, strlen(units[i].name));
			return units[i].ns;
		}
	return 0;
}

/* Takes "digits[.digits]unit" off *text and adds it to *ns. */
static int
take_duration_part(struct slice *text, uint64_t *ns)
{
	uint64_t whole = 0, fraction = 0, scale = 1, unit, part;
	bool dot = false, digits = false;

	for (; text->n > 0; *text = skip(*text, 1)) {
		uint8_t c = text->p[0];

		if (c == '.' && !dot) {
			dot = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		digits = true;
		if (!dot) {
			if (whole > UINT64_MAX / 16)
				return -1;
			whole = whole * 10 + (uint64_t)(c - '0');
		} else if (scale < 1000000000) {
			fraction = fraction * 10 + (uint64_t)(c - '0');
			scale *= 10;
		}
	}
	unit = take_unit(text);
	if (!digits || unit == 0 ||
	    __builtin_mul_overflow(whole, unit, &whole) ||
	    __builtin_add_overflow(*ns, whole, ns))
		return -1;
	/* below one unit; double keeps 15 digits */
	part = (uint64_t)((double)fraction / (double)scale * (double)unit);
	return __builtin_add_overflow(*ns, part, ns) ? -1 : 0;
}

int
num_parse_duration_ns(struct slice text, int64_t *out)
{
	bool negative = slice_starts(text, "-");
	uint64_t ns = 0;

	if (negative || slice_starts(text, "+"))
		text = skip(text, 1);
	if (text.n == 0)
		return -1;
	if (slice_is(text, "0"))
		text.n = 0; /* the one number without a unit */
	while (text.n > 0)
		if (take_duration_part(&text, &ns) == -1)
			return -1;
	if (ns > INT64_MAX)
		return -1;
	*out = negative ? -(int64_t)ns : (int64_t)ns;
	return 0;
}

int
num_parse_duration_ms(struct slice text, uint64_t *out)
{
	int64_t ns;

	if (slice_starts(text, "-") || num_parse_duration_ns(text, &ns) == -1)
		return -1;
	*out = (uint64_t)ns / 1000000;
	return 0;
}
