/* http_query: see http_query.h. */
#include "http_query.h"

#include "num.h"

#include <string.h>

/* Appends the text with "+" and "%xx" decoded. -1: it is malformed. */
static int
decode(struct slice text, struct writer *w)
{
	for (size_t i = 0; i < text.n; i++) {
		int high, low;

		if (text.p[i] != '%') {
			writer_u8(w, text.p[i] == '+' ? ' ' : text.p[i]);
			continue;
		}
		if (text.n - i < 3)
			return -1;
		high = num_hex_digit(text.p[i + 1]);
		low = num_hex_digit(text.p[i + 2]);
		if (high == -1 || low == -1)
			return -1;
		writer_u8(w, (uint8_t)(high << 4 | low));
		i += 2;
	}
	return 0;
}

static bool
is_name(struct slice text, const char *name)
{
	uint8_t decoded[64];
	struct writer w = writer_of(decoded, sizeof decoded);

	return decode(text, &w) == 0 && !w.failed &&
	    slice_is(writer_slice(&w), name);
}

bool
http_query_value(struct slice query, const char *name, struct writer *w)
{
	struct slice part, key, value;
	const struct writer before = *w;

	while (query.n > 0) {
		slice_cut(query, '&', &part, &query);
		if (part.n == 0 || memchr(part.p, ';', part.n) != NULL)
			continue;
		slice_cut(part, '=', &key, &value);
		if (!is_name(key, name))
			continue;
		if (decode(value, w) == 0)
			return true;
		*w = before;
	}
	return false;
}
