/* What is in a folder that others may write to: whatever is taken can be used,
 * and is the same when it is written again. */
#include "acme_note.h"
#include "fuzz.h"

#include <string.h>

static void
check_retry(struct slice text)
{
	struct acme_note_retry note, again;
	struct buf out;

	if (acme_note_read_retry(text, &note) == -1)
		return;
	FUZZ_CHECK(note.since_s <= note.until_s);
	buf_init(&out, ACME_NOTE_MAX);
	FUZZ_CHECK(acme_note_put_retry(&out, &note) == 0);
	FUZZ_CHECK(acme_note_read_retry(buf_slice(&out), &again) == 0);
	FUZZ_CHECK(again.fault == note.fault &&
	    again.failures == note.failures && again.asked == note.asked &&
	    again.since_s == note.since_s && again.until_s == note.until_s);
	buf_clear(&out);
}

static void
check_order(struct slice text)
{
	struct acme_note_order note;

	if (acme_note_read_order(text, &note) == 0)
		FUZZ_CHECK(note.key != NULL && note.directory[0] != '\0' &&
		    note.order[0] != '\0' && note.at_s >= 0);
	else
		FUZZ_CHECK(note.key == NULL);
	acme_note_order_clear(&note);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct slice text = slice_of(data, n);
	struct slice token, rest;

	check_retry(text);
	check_order(text);
	slice_cut(text, '.', &token, &rest);
	if (acme_note_is_authorization(token, text))
		FUZZ_CHECK(memchr(data, '/', n) == NULL && n < 512);
	return 0;
}
