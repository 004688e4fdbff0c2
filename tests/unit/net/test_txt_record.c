/* txt_record: answers of DNS servers. */
#include "check.h"

#include "txt_record.h"

#define HEAD(answers) "\x12\x34\x81\x80\0\1\0" answers "\0\0\0\0"
#define QUESTION "\1p\7example\0\0\x10\0\1"
#define RECORD(type, data) "\xc0\x0c\0" type "\0\1\0\0\0\x3c\0" data
#define BYTES(text) slice_of((text), sizeof(text) - 1)

/* What it holds; NULL: nothing. */
static const char *
parse(struct slice answer, char out[static 65])
{
	struct writer w = writer_of(out, 64);

	if (txt_record_parse(answer, &w) == -1)
		return NULL;
	out[w.n] = '\0';
	return out;
}

static void
txt_record_takes_the_first_record(void **state)
{
	char out[65];

	(void)state;
	check_text(parse(BYTES(HEAD("\1") QUESTION RECORD("\x10",
			     "\3\2"
			     "50")),
		       out),
	    "50");
	/* of several strings, and after an alias */
	check_text(parse(BYTES(HEAD("\3") QUESTION RECORD("\5", "\2\xc0\x0c")
				 RECORD("\x10",
				     "\5\1"
				     "1\2"
				     "00") RECORD("\x10",
				     "\2\1"
				     "7")),
		       out),
	    "100");
	check_text(
	    parse(BYTES(HEAD("\1") QUESTION RECORD("\x10", "\1\0")), out), "");
}

static void
txt_record_refuses_what_is_not_one(void **state)
{
	static const char good[] = HEAD("\1") QUESTION RECORD("\x10",
	    "\3\2"
	    "50");
	char out[65];

	(void)state;
	check_null(parse(BYTES(HEAD("\0") QUESTION), out));
	check_null(parse(
	    BYTES(HEAD("\1") QUESTION RECORD("\1", "\4\x7f\0\0\1")), out));
	/* a string that is longer than its record */
	check_null(parse(BYTES(HEAD("\1") QUESTION RECORD("\x10",
			     "\3\5"
			     "50")),
	    out));
	for (size_t n = 0; n < sizeof good - 1; n++)
		check_null(parse(slice_of(good, n), out));
}

static void
txt_record_needs_room(void **state)
{
	static const char good[] = HEAD("\1") QUESTION RECORD("\x10",
	    "\3\2"
	    "50");
	char out[1];
	struct writer w = writer_of(out, sizeof out);

	(void)state;
	check_int(txt_record_parse(slice_of(good, sizeof good - 1), &w), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(txt_record_takes_the_first_record),
		cmocka_unit_test(txt_record_refuses_what_is_not_one),
		cmocka_unit_test(txt_record_needs_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
