/* yaml_writer: see yaml_writer.h. */
#include "yaml_writer.h"

#include "encode.h"
#include "utf8.h"

#include <yaml.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define BINARY_TAG "tag:yaml.org,2002:binary"
#define ESCAPE_LEN 10 /* \U and eight hex digits */

struct yaml_writer {
	yaml_emitter_t emitter;
	struct buf *out;             /* borrowed */
	char escape[ESCAPE_LEN + 1]; /* the start of one, not yet written */
	size_t escape_len;
	bool failed;
};

static int take_output(void *context, unsigned char *p, size_t n);

/* --- the document --- */

/* Hands an event over; initialized: what yaml_..._event_initialize returned.
 * The emitter owns the event, also when it fails. */
static void
emit(struct yaml_writer *w, int initialized, yaml_event_t *event)
{
	if (initialized == 0 || yaml_emitter_emit(&w->emitter, event) == 0)
		w->failed = true;
}

static void
begin_document(struct yaml_writer *w)
{
	yaml_event_t event;

	emit(w, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING),
	    &event);
	if (!w->failed)
		emit(w,
		    yaml_document_start_event_initialize(
			&event, NULL, NULL, NULL, 1),
		    &event);
}

struct yaml_writer *
yaml_writer_new(struct buf *out)
{
	struct yaml_writer *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	if (yaml_emitter_initialize(&w->emitter) == 0) {
		free(w);
		return NULL;
	}
	w->out = out;
	yaml_emitter_set_output(&w->emitter, take_output, w);
	yaml_emitter_set_encoding(&w->emitter, YAML_UTF8_ENCODING);
	yaml_emitter_set_unicode(&w->emitter, 1);
	yaml_emitter_set_break(&w->emitter, YAML_LN_BREAK);
	yaml_emitter_set_indent(&w->emitter, 2);
	yaml_emitter_set_width(&w->emitter, -1);
	begin_document(w);
	return w;
}

int
yaml_writer_finish(struct yaml_writer *w)
{
	yaml_event_t event;

	if (!w->failed)
		emit(w, yaml_document_end_event_initialize(&event, 1), &event);
	if (!w->failed)
		emit(w, yaml_stream_end_event_initialize(&event), &event);
	return w->failed ? -1 : 0;
}

void
yaml_writer_free(struct yaml_writer *w)
{
	if (w == NULL)
		return;
	yaml_emitter_delete(&w->emitter);
	free(w);
}

/* --- its parts --- */

void
yaml_writer_begin_mapping(struct yaml_writer *w)
{
	yaml_event_t event;

	if (!w->failed)
		emit(w,
		    yaml_mapping_start_event_initialize(
			&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE),
		    &event);
}

void
yaml_writer_end_mapping(struct yaml_writer *w)
{
	yaml_event_t event;

	if (!w->failed)
		emit(w, yaml_mapping_end_event_initialize(&event), &event);
}

void
yaml_writer_begin_sequence(struct yaml_writer *w)
{
	yaml_event_t event;

	if (!w->failed)
		emit(w,
		    yaml_sequence_start_event_initialize(
			&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE),
		    &event);
}

void
yaml_writer_end_sequence(struct yaml_writer *w)
{
	yaml_event_t event;

	if (!w->failed)
		emit(w, yaml_sequence_end_event_initialize(&event), &event);
}

/* tag: NULL for none. */
static void
put_scalar(struct yaml_writer *w, const char *tag, struct slice text,
    yaml_scalar_style_t style)
{
	yaml_event_t event;

	if (w->failed)
		return;
	if (text.n > INT_MAX) {
		w->failed = true;
		return;
	}
	emit(w,
	    yaml_scalar_event_initialize(&event, NULL, (const yaml_char_t *)tag,
		(const yaml_char_t *)text.p, (int)text.n, tag == NULL,
		tag == NULL, style),
	    &event);
}

void
yaml_writer_plain(struct yaml_writer *w, const char *text)
{
	put_scalar(w, NULL, slice_str(text), YAML_PLAIN_SCALAR_STYLE);
}

/* The text with U+FFFD for each byte that is not UTF-8, as in Go. */
static int
make_valid(struct buf *valid, struct slice text)
{
	while (text.n > 0) {
		size_t n = utf8_next(text, NULL);
		int appended = n > 0 ? buf_append(valid, text.p, n)
				     : buf_append(valid, "\xef\xbf\xbd", 3);

		if (appended == -1)
			return -1;
		n = n > 0 ? n : 1;
		text = slice_of(text.p + n, text.n - n);
	}
	return 0;
}

void
yaml_writer_text(struct yaml_writer *w, struct slice text)
{
	struct buf valid;

	buf_init(&valid, 3 * text.n);
	if (utf8_valid(text))
		put_scalar(w, NULL, text.p != NULL ? text : slice_str(""),
		    YAML_DOUBLE_QUOTED_SCALAR_STYLE);
	else if (make_valid(&valid, text) == 0)
		put_scalar(w, NULL, buf_slice(&valid),
		    YAML_DOUBLE_QUOTED_SCALAR_STYLE);
	else
		w->failed = true;
	buf_clear(&valid);
}

void
yaml_writer_binary(struct yaml_writer *w, struct slice bytes)
{
	size_t cap = bytes.n / 3 * 4 + 5;
	char *text = malloc(cap);

	if (text == NULL) {
		w->failed = true;
		return;
	}
	encode_base64(text, cap, bytes);
	put_scalar(
	    w, BINARY_TAG, slice_str(text), YAML_DOUBLE_QUOTED_SCALAR_STYLE);
	free(text);
}

/* --- what the emitter writes --- */

/* The value of eight hex digits. */
static uint32_t
code_of(const char *digits)
{
	return (uint32_t)strtoul(digits, NULL, 16);
}

/* Writes what is held back of an escape: itself, or the character that it is
 * for when YAML has that character in quotes. */
static int
put_escape(struct yaml_writer *w)
{
	uint8_t character[4];
	uint32_t code = 0;
	size_t n = w->escape_len;

	w->escape_len = 0;
	w->escape[n] = '\0';
	if (n == ESCAPE_LEN)
		code = code_of(w->escape + 2);
	if (code < 0x10000 || code > 0x10ffff || (code & 0xfffe) == 0xfffe)
		return buf_append(w->out, w->escape, n);
	return buf_append(w->out, character, utf8_put(character, code));
}

/* Text that holds no backslash goes through; n is its length. */
static size_t
plain_run(const unsigned char *p, size_t n)
{
	const unsigned char *end = memchr(p, '\\', n);

	return end != NULL ? (size_t)(end - p) : n;
}

/* The emitter escapes everything above U+FFFF, the flags in names of regions
 * among it, though YAML allows these characters (spec 1.1, 5.1) and all readers
 * take them: they are put back. A backslash is only ever in double quotes here,
 * where it begins an escape. */
static int
take_output(void *context, unsigned char *p, size_t n)
{
	struct yaml_writer *w = context;

	for (size_t i = 0; i < n;) {
		size_t run = w->escape_len == 0 ? plain_run(p + i, n - i) : 0;

		if (run > 0 && buf_append(w->out, p + i, run) == -1)
			return 0;
		i += run;
		if (i == n)
			break;
		w->escape[w->escape_len++] = (char)p[i++];
		if (w->escape_len == 1 ||
		    (w->escape[1] == 'U' && w->escape_len < ESCAPE_LEN))
			continue;
		if (put_escape(w) == -1)
			return 0;
	}
	return 1;
}
