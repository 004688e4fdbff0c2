/* yaml_cursor: see yaml_cursor.h. */
#include "yaml_cursor.h"

#include <stdarg.h>
#include <stdio.h>

int
yaml_cursor_init(
    struct yaml_cursor *cur, struct doc_builder *b, struct slice text)
{
	*cur = (struct yaml_cursor){ .builder = b, .indent = -1 };
	buf_init(&cur->text, 4 * DOC_TEXT_MAX);
	buf_init(&cur->breaks, 4 * DOC_TEXT_MAX);
	if (yaml_source_init(&cur->source, b->arena, text) == -1)
		return yaml_cursor_no_memory(cur);
	return 0;
}

void
yaml_cursor_clear(struct yaml_cursor *cur)
{
	buf_clear(&cur->text);
	buf_clear(&cur->breaks);
}

int
yaml_cursor_fail(
    struct yaml_cursor *cur, enum doc_error error, const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return doc_builder_fail(
	    cur->builder, error, yaml_source_pos(&cur->source), "%s", text);
}

int
yaml_cursor_no_memory(struct yaml_cursor *cur)
{
	return yaml_cursor_fail(
	    cur, DOC_MEMORY, "not enough memory to read the document");
}

int
yaml_cursor_need(struct yaml_cursor *cur, size_t n)
{
	if (yaml_source_need(&cur->source, n))
		return 0;
	return doc_builder_fail(cur->builder, DOC_ENCODING,
	    cur->source.failed_at, "%s", cur->source.failed_text);
}

int
yaml_cursor_skip_blanks(struct yaml_cursor *cur)
{
	if (yaml_cursor_need(cur, 1) == -1)
		return -1;
	while (yaml_is_blank(&cur->source, 0)) {
		yaml_source_skip(&cur->source);
		if (yaml_cursor_need(cur, 1) == -1)
			return -1;
	}
	return 0;
}

void
yaml_cursor_reset(struct yaml_cursor *cur)
{
	cur->piece = slice_of(NULL, 0);
	buf_consume(&cur->text, buf_len(&cur->text));
	buf_consume(&cur->breaks, buf_len(&cur->breaks));
}

int
yaml_cursor_append(struct yaml_cursor *cur, const void *p, size_t n)
{
	struct slice piece = cur->piece;

	if (n == 0)
		return 0;
	cur->piece = slice_of(NULL, 0);
	if (buf_append(&cur->text, piece.p, piece.n) == -1 ||
	    buf_append(&cur->text, p, n) == -1)
		return yaml_cursor_no_memory(cur);
	return 0;
}

int
yaml_cursor_append_source(struct yaml_cursor *cur, struct slice bytes)
{
	if (cur->piece.n == 0 && buf_len(&cur->text) == 0)
		cur->piece = bytes;
	else if (cur->piece.n > 0 && cur->piece.p + cur->piece.n == bytes.p)
		cur->piece.n += bytes.n;
	else
		return yaml_cursor_append(cur, bytes.p, bytes.n);
	return 0;
}

int
yaml_cursor_keep_name(struct yaml_cursor *cur, struct slice *text)
{
	struct slice got =
	    cur->piece.n > 0 ? cur->piece : buf_slice(&cur->text);
	const char *copy = "";

	if (got.n > 0)
		copy =
		    arena_text(cur->builder->arena, (const char *)got.p, got.n);
	if (copy == NULL)
		return yaml_cursor_no_memory(cur);
	*text = slice_of(copy, got.n);
	return 0;
}

int
yaml_cursor_keep(struct yaml_cursor *cur, struct slice *text)
{
	if (cur->piece.n == 0)
		return yaml_cursor_keep_name(cur, text);
	*text = cur->piece;
	return 0;
}
