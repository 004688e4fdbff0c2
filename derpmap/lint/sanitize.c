/* sanitize: see sanitize.h. */
#include "sanitize.h"

#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* C0, DEL and C1, among them what terminals read as commands. */
static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

char *
sanitize_text(const char *text, bool printable)
{
	struct slice rest = slice_str(text);
	/* the longest replacement is of 4 bytes, for one */
	char *out = reallocarray(NULL, rest.n + 1, 4);
	size_t used = 0, n;
	uint32_t code;

	if (out == NULL)
		return NULL;
	for (; rest.n > 0; rest = slice_of(rest.p + n, rest.n - n)) {
		n = utf8_next(rest, &code);
		if (n == 0) {
			n = 1;
			memcpy(out + used, "\xef\xbf\xbd", 3);
			used += 3;
		} else if (printable && is_control(code)) {
			snprintf(out + used, 5, "\\x%02x", code & 0xff);
			used += 4;
		} else {
			memcpy(out + used, rest.p, n);
			used += n;
		}
	}
	out[used] = '\0';
	return out;
}
