/* json_writer: see json_writer.h. */
#include "json_writer.h"

#include "utf8.h"

static void
put(struct json_writer *w, const void *p, size_t n)
{
	if (!w->failed && n > 0 && buf_append(w->out, p, n) == -1)
		w->failed = true;
}

static void
put_line(struct json_writer *w)
{
	put(w, "\n", 1);
	for (unsigned i = 0; i < w->depth; i++)
		put(w, "  ", 2);
}

/* What comes before a key, or before a value that has none. */
static void
begin_entry(struct json_writer *w)
{
	if (!w->keyed && w->depth > 0) {
		if (w->filled)
			put(w, ",", 1);
		put_line(w);
	}
	w->keyed = false;
	w->filled = true;
}

void
json_writer_begin(struct json_writer *w, char bracket)
{
	begin_entry(w);
	put(w, &bracket, 1);
	w->depth++;
	w->filled = false;
}

void
json_writer_end(struct json_writer *w, char bracket)
{
	w->depth--;
	if (w->filled)
		put_line(w);
	put(w, &bracket, 1);
	w->filled = true;
}

void
json_writer_key(struct json_writer *w, const char *name)
{
	begin_entry(w);
	if (!w->failed && buf_printf(w->out, "\"%s\": ", name) == -1)
		w->failed = true;
	w->keyed = true;
}

void
json_writer_plain(struct json_writer *w, const char *text)
{
	struct slice s = slice_str(text);

	begin_entry(w);
	put(w, s.p, s.n);
}

/* Characters that go into quotes as they are: also those are escaped that end a
 * line, or cannot be seen. */
static bool
is_safe(uint32_t code)
{
	return code >= 0x20 && code != '"' && code != '\\' && code != 0x7f &&
	    !(code >= 0x80 && code < 0xa0) && code != 0x2028 &&
	    code != 0x2029 && code != 0xfeff && (code & 0xfffe) != 0xfffe;
}

static void
put_escape(struct json_writer *w, uint32_t code)
{
	int result;

	if (w->failed)
		return;
	if (code == '"' || code == '\\')
		result = buf_printf(w->out, "\\%c", (int)code);
	else if (code == '\n')
		result = buf_append(w->out, "\\n", 2);
	else if (code == '\t')
		result = buf_append(w->out, "\\t", 2);
	else if (code < 0x10000)
		result = buf_printf(w->out, "\\u%04x", code);
	else
		result = buf_printf(w->out, "\\u%04x\\u%04x",
		    0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
	w->failed = result == -1;
}

void
json_writer_text(struct json_writer *w, struct slice text)
{
	begin_entry(w);
	put(w, "\"", 1);
	while (text.n > 0) {
		uint32_t code = 0xfffd;
		size_t n = utf8_next(text, &code);

		if (n == 0)
			put(w, "\xef\xbf\xbd", 3);
		else if (is_safe(code))
			put(w, text.p, n);
		else
			put_escape(w, code);
		n = n > 0 ? n : 1;
		text = slice_of(text.p + n, text.n - n);
	}
	put(w, "\"", 1);
}

int
json_writer_finish(struct json_writer *w)
{
	put(w, "\n", 1);
	return w->failed ? -1 : 0;
}
