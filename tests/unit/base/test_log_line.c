/* log_line: events in each format, whatever they hold. */
#include "check.h"

#include "log_line.h"

#include <stdio.h>
#include <stdlib.h>

/* The line of an entry, as a text. */
static const char *
line_of(enum log_format format, const struct log_entry *entry,
    char out[static LOG_LINE_MAX + 1])
{
	struct writer w = writer_of(out, LOG_LINE_MAX);

	log_line_put(&w, format, entry);
	check(!w.failed);
	out[w.n] = '\0';
	return out;
}

static const struct log_field fields[] = {
	{ "key", "nodekey:01", 0 },
	{ "reason", "no bytes \"for\" long", 0 },
	{ "bytes", NULL, 18446744073709551615U },
	{ "empty", "", 0 },
};

static struct log_entry
entry_of(const char *message)
{
	return (struct log_entry){ .level = LOG_LEVEL_WARN,
		.at = { .tv_sec = 1787392136, .tv_nsec = 7999999 },
		.message = slice_str(message),
		.fields = fields,
		.field_count = sizeof fields / sizeof fields[0] };
}

static void
log_line_has_three_formats(void **state)
{
	const struct log_entry e = entry_of("left");
	char out[LOG_LINE_MAX + 1];

	(void)state;
	check_text(line_of(LOG_FORMAT_TEXT, &e, out) + 20,
	    "left key=nodekey:01 reason=\"no bytes \\\"for\\\" long\" "
	    "bytes=18446744073709551615 empty=\"\"\n");
	check_text(line_of(LOG_FORMAT_JOURNAL, &e, out),
	    "<4>left key=nodekey:01 reason=\"no bytes \\\"for\\\" long\" "
	    "bytes=18446744073709551615 empty=\"\"\n");
	check_text(line_of(LOG_FORMAT_JSON, &e, out),
	    "{\"time\":\"2026-08-22T09:48:56.007Z\",\"level\":\"warn\","
	    "\"message\":\"left\",\"key\":\"nodekey:01\","
	    "\"reason\":\"no bytes \\\"for\\\" long\","
	    "\"bytes\":18446744073709551615,\"empty\":\"\"}\n");
}

static void
log_line_tells_levels(void **state)
{
	static const struct {
		enum log_level level;
		const char *journal, *json;
	} rows[] = {
		{ LOG_LEVEL_ERROR, "<3>x\n", "\"level\":\"error\"" },
		{ LOG_LEVEL_WARN, "<4>x\n", "\"level\":\"warn\"" },
		{ LOG_LEVEL_INFO, "<6>x\n", "\"level\":\"info\"" },
		{ LOG_LEVEL_DEBUG, "<7>x\n", "\"level\":\"debug\"" },
	};
	char out[LOG_LINE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct log_entry e = { .level = rows[i].level,
			.message = slice_str("x") };

		check_text(
		    line_of(LOG_FORMAT_JOURNAL, &e, out), rows[i].journal);
		check_contains(line_of(LOG_FORMAT_JSON, &e, out), rows[i].json);
	}
}

static void
log_line_continues_without_a_time(void **state)
{
	const struct log_entry e = { .continues = true,
		.message = slice_str("  more") };
	char out[LOG_LINE_MAX + 1];

	(void)state;
	check_text(line_of(LOG_FORMAT_TEXT, &e, out), "  more\n");
	check_contains(
	    line_of(LOG_FORMAT_JSON, &e, out), "\"message\":\"  more\"}\n");
}

/* In messages and in fields. */
static void
log_line_escapes_what_others_say(void **state)
{
	static const char foreign[] = "a\nb\x1b[2J\xff\"\\\xe2\x80\xae\xc3\xa9";
	const struct log_field field = { "f", foreign, 0 };
	const struct log_entry e = { .message = slice_str(foreign),
		.fields = &field,
		.field_count = 1 };
	char out[LOG_LINE_MAX + 1];

	(void)state;
	check_contains(line_of(LOG_FORMAT_TEXT, &e, out),
	    "a\\nb\\x1b[2J\\xff\"\\\\u202e\xc3\xa9 f=\"");
	check_contains(line_of(LOG_FORMAT_JSON, &e, out),
	    "\"message\":\"a\\\\nb\\\\x1b[2J\\\\xff\\\"\\\\\\\\u202e\xc3\xa9\","
	    "\"f\":\"a\\\\nb\\\\x1b[2J\\\\xff\\\"\\\\\\\\u202e\xc3\xa9\"}\n");
	for (const char *p = out; *p != '\n'; p++)
		check((unsigned char)*p >= ' ');
}

/* Each length of a message whose characters are two or more bytes long. */
static void
log_line_is_whole_where_it_is_cut(void **state)
{
	static const char *const units[] = { "\xc3\xa9", "\"", "\n", "\xff" };
	char message[LOG_LINE_MAX + 64], out[LOG_LINE_MAX + 1];

	(void)state;
	for (size_t u = 0; u < sizeof units / sizeof units[0]; u++)
		for (size_t first = 0; first < 4; first++) {
			struct log_entry e = entry_of("");
			size_t n = first;

			memset(message, 'x', first);
			while (n + 2 <= sizeof message)
				n += (size_t)snprintf(message + n,
				    sizeof message - n, "%s", units[u]);
			e.message = slice_of(message, sizeof message - 1);
			line_of(LOG_FORMAT_JSON, &e, out);
			check_contains(out, "\",\"key\":\"nodekey:01\",");
			check_contains(out, "\"empty\":\"\"}\n");
			check(strlen(out) >= LOG_LINE_MAX - 8);
			line_of(LOG_FORMAT_TEXT, &e, out);
			check_contains(out, " empty=\"\"\n");
			check(strlen(out) >= LOG_LINE_MAX - 8);
		}
}

static void
log_line_leaves_out_what_has_no_room(void **state)
{
	char value[1021], out[LOG_LINE_MAX + 1];
	const struct log_field many[] = { { "a", value, 0 }, { "b", NULL, 1 } };
	const struct log_entry e = {
		.message = slice_str("m"), .fields = many, .field_count = 2
	};

	(void)state;
	memset(value, 'v', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	check_contains(
	    line_of(LOG_FORMAT_JSON, &e, out), "\"message\":\"m\",\"b\":1}\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_line_has_three_formats),
		cmocka_unit_test(log_line_tells_levels),
		cmocka_unit_test(log_line_continues_without_a_time),
		cmocka_unit_test(log_line_escapes_what_others_say),
		cmocka_unit_test(log_line_is_whole_where_it_is_cut),
		cmocka_unit_test(log_line_leaves_out_what_has_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
