/* acme_note: see acme_note.h. */
#include "acme_note.h"

#include "encode.h"
#include "num.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Those that are told; the others concern one relay only. */
static const char *const faults[ACME_FAULT_COUNT] = {
	[ACME_FAULT_UNREACHABLE] = "unreachable",
	[ACME_FAULT_LIMITED] = "limited",
	[ACME_FAULT_REFUSED] = "refused",
	[ACME_FAULT_CHALLENGE] = "challenge",
};

int
acme_note_put_order(struct buf *text, const struct acme_note_order *note)
{
	/* at once, so that no part of it stays behind where memory moves */
	if (buf_room(text, ACME_NOTE_MAX) == NULL ||
	    buf_printf(text, "directory: %s\norder: %s\nat: %" PRId64 "\n",
		note->directory, note->order, note->at_s) == -1)
		return -1;
	return acme_key_write(note->key, text);
}

int
acme_note_put_retry(struct buf *text, const struct acme_note_retry *note)
{
	return buf_printf(text,
	    "fault: %s\nfailures: %u\nasked: %s\nsince: %" PRId64
	    "\nuntil: %" PRId64 "\n",
	    faults[note->fault], note->failures, note->asked ? "yes" : "no",
	    note->since_s, note->until_s);
}

/* The value of the first line with that name; empty when there is none. Lines
 * end where PEM begins. */
static struct slice
value_of(struct slice text, const char *name)
{
	struct slice line, found, value;

	while (text.n > 0 && !slice_starts(text, "-----")) {
		slice_cut(text, '\n', &line, &text);
		if (slice_cut(line, ':', &found, &value) &&
		    slice_is(found, name))
			return slice_trim(value);
	}
	return slice_of(NULL, 0);
}

static int
read_url(struct slice text, const char *name, char to[static ACME_URL_MAX])
{
	const struct slice value = value_of(text, name);

	if (value.n == 0 || value.n >= ACME_URL_MAX ||
	    memchr(value.p, '\0', value.n) != NULL)
		return -1;
	memcpy(to, value.p, value.n);
	to[value.n] = '\0';
	return 0;
}

static int
read_number(struct slice text, const char *name, uint64_t max, uint64_t *to)
{
	return num_parse_decimal(value_of(text, name), max, to);
}

enum acme_reading
acme_note_read_order(struct slice text, struct acme_note_order *note)
{
	const uint8_t *pem =
	    text.n > 0 ? memmem(text.p, text.n, "-----BEGIN ", 11) : NULL;
	uint64_t at_s;

	*note = (struct acme_note_order){ 0 };
	if (pem == NULL || text.n > ACME_NOTE_MAX ||
	    read_url(text, "directory", note->directory) == -1 ||
	    read_url(text, "order", note->order) == -1 ||
	    read_number(text, "at", INT64_MAX, &at_s) == -1)
		return ACME_READ_BAD;
	note->at_s = (int64_t)at_s;
	return acme_key_load(
	    slice_of(pem, text.n - (size_t)(pem - text.p)), &note->key, NULL);
}

void
acme_note_order_clear(struct acme_note_order *note)
{
	acme_key_free(note->key);
	note->key = NULL;
}

int
acme_note_read_retry(struct slice text, struct acme_note_retry *note)
{
	const struct slice fault = value_of(text, "fault");
	uint64_t failures, since_s, until_s;

	*note = (struct acme_note_retry){ 0 };
	for (unsigned i = 0; i < ACME_FAULT_COUNT; i++)
		if (faults[i] != NULL && slice_is(fault, faults[i]))
			note->fault = (enum acme_fault)i;
	if (note->fault == ACME_FAULT_NONE ||
	    read_number(text, "failures", UINT32_MAX, &failures) == -1 ||
	    read_number(text, "since", INT64_MAX, &since_s) == -1 ||
	    read_number(text, "until", INT64_MAX, &until_s) == -1 ||
	    until_s < since_s)
		return -1;
	note->failures = (unsigned)failures;
	note->asked = slice_is(value_of(text, "asked"), "yes");
	note->since_s = (int64_t)since_s;
	note->until_s = (int64_t)until_s;
	return 0;
}

bool
acme_note_is_authorization(struct slice token, struct slice text)
{
	struct slice first, print;

	return text.n < ACME_AUTHORIZATION_TEXT && encode_is_base64url(token) &&
	    slice_cut(text, '.', &first, &print) && slice_eq(first, token) &&
	    encode_is_base64url(print);
}
