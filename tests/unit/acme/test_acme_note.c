/* acme_note: what is written down, and who may have written it. */
#include "acme_note.h"
#include "check.h"

#include <stdio.h>

static void
acme_note_keeps_an_order(void **state)
{
	struct acme_note_order note = { .directory = "https://ca/dir",
		.order = "https://ca/order/1",
		.at_s = 1800000000 };
	struct acme_note_order again;
	struct buf text;

	(void)state;
	note.key = acme_key_make(NULL);
	buf_init(&text, ACME_NOTE_MAX);
	check_int(acme_note_put_order(&text, &note), 0);
	check_int(acme_note_read_order(buf_slice(&text), &again), 0);
	check_text(again.directory, note.directory);
	check_text(again.order, note.order);
	check_int(again.at_s, note.at_s);
	check_text(
	    acme_key_thumbprint(again.key), acme_key_thumbprint(note.key));
	acme_note_order_clear(&again);
	/* a part of it is nothing */
	for (size_t n = 0; n + 2 < buf_len(&text); n++) {
		check_int(acme_note_read_order(
			      slice_of(buf_slice(&text).p, n), &again),
		    -1);
		check_null(again.key);
	}
	acme_note_order_clear(&note);
	buf_clear(&text);
}

static void
acme_note_keeps_a_retry(void **state)
{
	static const enum acme_fault faults[] = { ACME_FAULT_UNREACHABLE,
		ACME_FAULT_LIMITED, ACME_FAULT_REFUSED, ACME_FAULT_CHALLENGE };
	struct acme_note_retry again;
	struct buf text;

	(void)state;
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		const struct acme_note_retry note = { .fault = faults[i],
			.failures = 7,
			.asked = i % 2 == 0,
			.since_s = 1800000000,
			.until_s = 1800003600 };

		buf_init(&text, ACME_NOTE_MAX);
		check_int(acme_note_put_retry(&text, &note), 0);
		check_int(acme_note_read_retry(buf_slice(&text), &again), 0);
		check_int(again.fault, note.fault);
		check_int(again.failures, 7);
		check_int(again.asked, note.asked);
		check_int(again.since_s, note.since_s);
		check_int(again.until_s, note.until_s);
		buf_clear(&text);
	}
}

static void
acme_note_refuses_what_is_none(void **state)
{
	static const char *const texts[] = { "", "fault: limited\n",
		"fault: ours\nfailures: 1\nsince: 1\nuntil: 2\n",
		"fault: limited\nfailures: -1\nsince: 1\nuntil: 2\n",
		"fault: limited\nfailures: 1\nsince: 2\nuntil: 1\n",
		"fault: limited\nfailures: 1\nsince: 1\n-----\nuntil: 2\n" };
	struct acme_note_retry retry;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		check_int(
		    acme_note_read_retry(slice_str(texts[i]), &retry), -1);
	/* but more than is known is fine, in any order */
	check_int(acme_note_read_retry(
		      slice_str("until: 2\nnew: 1\nsince: 1\nfailures: "
				"3\nfault: limited"),
		      &retry),
	    0);
	check_int(retry.failures, 3);
	check(!retry.asked);
}

static void
acme_note_knows_authorizations(void **state)
{
	static const struct {
		const char *token, *text;
		bool want;
	} rows[] = {
		{ "t-_1", "t-_1.abc", true },
		{ "t", "t.", false },
		{ "t", "u.abc", false },
		{ "t", "t", false },
		{ "t", "t.a.b", false },
		{ "t", "t.a b", false },
		{ "t", "t.<script>", false },
		{ "t/u", "t/u.abc", false },
		{ "", ".abc", false },
	};
	char text[ACME_AUTHORIZATION_TEXT + 2];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		check_int(acme_note_is_authorization(slice_str(rows[i].token),
			      slice_str(rows[i].text)),
		    rows[i].want);
	check(
	    !acme_note_is_authorization(slice_str("t"), slice_of("t.a\0b", 5)));
	snprintf(text, sizeof text, "t.%0*d", ACME_AUTHORIZATION_TEXT - 3, 0);
	check(acme_note_is_authorization(slice_str("t"), slice_str(text)));
	snprintf(text, sizeof text, "t.%0*d", ACME_AUTHORIZATION_TEXT - 2, 0);
	check(!acme_note_is_authorization(slice_str("t"), slice_str(text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acme_note_keeps_an_order),
		cmocka_unit_test(acme_note_keeps_a_retry),
		cmocka_unit_test(acme_note_refuses_what_is_none),
		cmocka_unit_test(acme_note_knows_authorizations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
