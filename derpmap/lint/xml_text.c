/* xml_text: see xml_text.h. Source: XML 1.0, 2.2 Characters and 3.3.3
 * Attribute-Value Normalization, which is why blanks are written by number. */
#include "xml_text.h"

#include "utf8.h"

#include <stdbool.h>

static bool
is_allowed(uint32_t code)
{
	return code == '\t' || code == '\n' || code == '\r' ||
	    (code >= 0x20 && code != 0xfffe && code != 0xffff);
}

void
xml_text_content(FILE *to, const char *text)
{
	struct slice rest = slice_str(text);

	while (rest.n > 0) {
		uint32_t code = 0;
		size_t n = utf8_next(rest, &code);

		if (n == 0 || !is_allowed(code))
			fputs("\xef\xbf\xbd", to);
		else if (code < 0x20 || code == '&' || code == '<' ||
		    code == '>' || code == '"' || (code >= 0x7f && code < 0xa0))
			fprintf(to, "&#%u;", code);
		else
			fwrite(rest.p, 1, n, to);
		n = n > 0 ? n : 1;
		rest = slice_of(rest.p + n, rest.n - n);
	}
}

void
xml_text_attribute(FILE *to, const char *name, const char *text)
{
	fprintf(to, " %s=\"", name);
	xml_text_content(to, text);
	fputc('"', to);
}
