/* html: see html.h. */
#include "html.h"

void
html_escape(struct writer *w, struct slice text)
{
	struct reader r = { .rest = text };

	while (r.rest.n > 0 && !w->failed) {
		const uint8_t c = reader_u8(&r);

		switch (c) {
		case '<':
			writer_printf(w, "&lt;");
			break;
		case '>':
			writer_printf(w, "&gt;");
			break;
		case '&':
			writer_printf(w, "&amp;");
			break;
		case '"':
			writer_printf(w, "&#34;");
			break;
		case '\'':
			writer_printf(w, "&#39;");
			break;
		default:
			writer_u8(w, c);
		}
	}
}
