/* log_line: see log_line.h. */
#include "log_line.h"

#include "quote.h"
#include "utf8.h"

#include <inttypes.h>
#include <string.h>

#define FIELDS_MAX 1024 /* bytes of all fields */

/* Text as the inside of a string in double quotes, for JSON as for text: whole
 * characters, for as long as they fit. quote_put leaves nothing else that JSON
 * does not allow there. */
static void
put_inside(struct writer *w, struct slice text)
{
	uint8_t shown[LOG_LINE_MAX];
	struct writer safe = writer_of(shown, sizeof shown);
	size_t n;

	quote_put(&safe, text);
	for (size_t at = 0; at < safe.n && !w->failed; at += n) {
		const char escaped[2] = { '\\', (char)shown[at] };

		n = utf8_next(slice_of(shown + at, safe.n - at), NULL);
		if (shown[at] == '"' || shown[at] == '\\')
			writer_bytes(w, escaped, sizeof escaped);
		else
			writer_bytes(w, shown + at, n);
	}
}

/* Whether a value shows where it ends without quotes. */
static bool
is_plain(struct slice value)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] <= ' ' || value.p[i] >= 0x7f ||
		    memchr("\"\\=", value.p[i], 3) != NULL)
			return false;
	return value.n > 0;
}

static void
put_field(
    struct writer *w, enum log_format format, const struct log_field *field)
{
	const bool json = format == LOG_FORMAT_JSON;
	const struct slice text =
	    slice_str(field->text != NULL ? field->text : "");
	const bool quoted = field->text != NULL && (json || !is_plain(text));

	writer_printf(w, json ? ",\"%s\":" : " %s=", field->name);
	if (quoted)
		writer_u8(w, '"');
	if (field->text == NULL)
		writer_printf(w, "%" PRIu64, field->number);
	else if (quoted)
		put_inside(w, text);
	else
		writer_bytes(w, text.p, text.n);
	if (quoted)
		writer_u8(w, '"');
}

/* All that comes after the message. */
static void
put_tail(
    struct writer *w, enum log_format format, const struct log_entry *entry)
{
	if (format == LOG_FORMAT_JSON)
		writer_u8(w, '"');
	for (size_t i = 0; i < entry->field_count; i++) {
		struct writer field = *w;

		put_field(&field, format, &entry->fields[i]);
		if (!field.failed)
			*w = field;
	}
}

static void
put_go_time(struct writer *w, const struct timespec *at)
{
	char text[32];
	struct tm tm;

	localtime_r(&at->tv_sec, &tm);
	writer_bytes(
	    w, text, strftime(text, sizeof text, "%Y/%m/%d %H:%M:%S ", &tm));
}

static void
put_json_head(struct writer *w, const struct log_entry *entry)
{
	static const char *const words[] = {
		[LOG_LEVEL_ERROR] = "error",
		[LOG_LEVEL_WARN] = "warn",
		[LOG_LEVEL_INFO] = "info",
		[LOG_LEVEL_DEBUG] = "debug",
	};
	char time[32];
	struct tm tm;

	gmtime_r(&entry->at.tv_sec, &tm);
	time[strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &tm)] = '\0';
	writer_printf(w,
	    "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"message\":\"", time,
	    entry->at.tv_nsec / 1000000, words[entry->level]);
}

static void
put_head(
    struct writer *w, enum log_format format, const struct log_entry *entry)
{
	static const uint8_t priorities[] = {
		[LOG_LEVEL_ERROR] = '3',
		[LOG_LEVEL_WARN] = '4',
		[LOG_LEVEL_INFO] = '6',
		[LOG_LEVEL_DEBUG] = '7',
	};

	switch (format) {
	case LOG_FORMAT_TEXT:
		if (!entry->continues)
			put_go_time(w, &entry->at);
		return;
	case LOG_FORMAT_JSON:
		put_json_head(w, entry);
		return;
	case LOG_FORMAT_JOURNAL:
		writer_printf(w, "<%c>", priorities[entry->level]);
		return;
	}
}

void
log_line_put(
    struct writer *w, enum log_format format, const struct log_entry *entry)
{
	const char *end = format == LOG_FORMAT_JSON ? "}\n" : "\n";
	char tail_bytes[FIELDS_MAX];
	struct writer tail = writer_of(tail_bytes, sizeof tail_bytes);
	struct writer message;

	put_tail(&tail, format, entry);
	put_head(w, format, entry);
	message = writer_of(w->p + w->n, w->cap - w->n - tail.n - strlen(end));
	if (format == LOG_FORMAT_JSON)
		put_inside(&message, entry->message);
	else
		quote_put(&message, entry->message);
	w->n += message.n;
	writer_bytes(w, tail.p, tail.n);
	writer_bytes(w, end, strlen(end));
}
