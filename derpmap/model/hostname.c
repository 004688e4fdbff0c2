/* hostname: see hostname.h. */
#include "hostname.h"

#include "utf8.h"

#include <stdio.h>

static void
add(struct hostname *h, enum hostname_fault fault)
{
	if (h->faults == 0)
		h->first = fault;
	h->faults |= (unsigned)fault;
}

/* Blanks, invisible characters, dashes, quotes and dots outside of ASCII: no
 * script writes names with them, they come from word processors, web pages and
 * input methods. */
static bool
is_punctuation(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x80, 0xbf },     /* controls, the no-break space, « » */
		{ 0x2000, 0x206f }, /* spaces, joiners, dashes, quotes */
		{ 0x2212, 0x2212 }, /* minus */
		{ 0x3000, 0x3003 }, /* ideographic space, comma and dot */
		{ 0x3008, 0x3011 }, /* brackets */
		{ 0xfe50, 0xfe6f }, /* small forms */
		{ 0xfeff, 0xfeff }, /* byte order mark */
		{ 0xff00, 0xff0f }, /* full-width forms of ASCII's */
		{ 0xff1a, 0xff20 }, { 0xfffd, 0xfffd }, /* what was not UTF-8 */
	};

	/* which a name may hold between certain letters (RFC 5892 A.1 to A.3),
	 * and two letters among the signs */
	if (code == 0x200c || code == 0x200d || code == 0xb7 || code == 0xaa ||
	    code == 0xba)
		return false;
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

static void
check_character(struct hostname *h, uint32_t c)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')
		return;
	if (c >= 'A' && c <= 'Z') {
		add(h, HOSTNAME_UPPER);
	} else if (c >= 0x80 && !is_punctuation(c)) {
		add(h, HOSTNAME_NOT_ASCII);
	} else if (c == '_') {
		add(h, HOSTNAME_UNDERSCORE);
	} else {
		if ((h->faults & HOSTNAME_CHARACTER) == 0)
			h->character = c;
		add(h, HOSTNAME_CHARACTER);
	}
}

/* A label that is not empty. */
static void
check_label(struct hostname *h, struct slice label)
{
	if (label.n > HOSTNAME_LABEL_MAX)
		add(h, HOSTNAME_LABEL_LONG);
	if (label.p[0] == '-' || label.p[label.n - 1] == '-')
		add(h, HOSTNAME_LABEL_DASH);
	for (size_t n; label.n > 0;
	     label = slice_of(label.p + n, label.n - n)) {
		uint32_t code;

		n = utf8_next(label, &code);
		if (n == 0) {
			n = 1;
			code = 0xfffd;
		}
		check_character(h, code);
	}
}

static bool
is_numeric(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') && text.p[i] != '.')
			return false;
	return true;
}

void
hostname_check(struct hostname *h, struct slice text)
{
	struct slice rest = text, label;
	bool more;

	*h = (struct hostname){ .is_address = false };
	h->is_address = netaddr_parse_ip(&h->address, text) == 0;
	if (h->is_address)
		return;
	if (text.n == 0) {
		add(h, HOSTNAME_EMPTY);
		return;
	}
	if (text.n > HOSTNAME_MAX)
		add(h, HOSTNAME_LONG);
	do {
		more = slice_cut(rest, '.', &label, &rest);
		if (label.n > 0)
			check_label(h, label);
		else
			add(h,
			    more || text.n == 1 ? HOSTNAME_LABEL_EMPTY
						: HOSTNAME_LAST_DOT);
	} while (more);
	if (is_numeric(text))
		add(h, HOSTNAME_NUMERIC);
}

void
hostname_show(char out[static HOSTNAME_SHOWN], uint32_t character)
{
	static const struct {
		uint32_t character;
		const char *name;
	} names[] = {
		{ ' ', "a blank" },
		{ '\t', "a tab" },
		{ '\n', "a line break" },
		{ '\r', "a carriage return" },
		{ 0xa0, "a no-break space (U+00A0)" },
		{ 0x200b, "a zero-width space (U+200B)" },
		{ 0x2018, "a typographic quote (U+2018)" },
		{ 0x2019, "a typographic quote (U+2019)" },
		{ 0x201c, "a typographic quote (U+201C)" },
		{ 0x201d, "a typographic quote (U+201D)" },
		{ 0x2013, "a typographic dash (U+2013)" },
		{ 0x2014, "a typographic dash (U+2014)" },
		{ 0x3002, "an ideographic full stop (U+3002)" },
		{ 0xfeff, "a byte order mark (U+FEFF)" },
		{ 0xff0e, "a full-width dot (U+FF0E)" },
		{ 0xff1a, "a full-width colon (U+FF1A)" },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].character == character) {
			snprintf(out, HOSTNAME_SHOWN, "%s", names[i].name);
			return;
		}
	if (character > ' ' && character < 0x7f)
		snprintf(
		    out, HOSTNAME_SHOWN, "the character '%c'", (char)character);
	else
		snprintf(out, HOSTNAME_SHOWN, "the character U+%04X",
		    (unsigned)character);
}
