/* acme_memory: see acme_memory.h. */
#include "acme_memory.h"

#include "newfile.h"

#include <errno.h>
#include <unistd.h>

int
acme_memory_keep_order(const struct acme_folder *f,
    const struct acme_note_order *note, struct fail *why)
{
	struct buf text;
	int rc;

	buf_init(&text, ACME_NOTE_MAX);
	rc = acme_note_put_order(&text, note) == -1
	    ? fail_set(why, "out of memory")
	    : newfile_replace(f->order, buf_slice(&text), 0600, why);
	acme_folder_wipe(&text);
	return rc;
}

int
acme_memory_keep_retry(const struct acme_folder *f,
    const struct acme_note_retry *note, struct fail *why)
{
	struct buf text;
	int rc;

	buf_init(&text, ACME_NOTE_MAX);
	rc = acme_note_put_retry(&text, note) == -1
	    ? fail_set(why, "out of memory")
	    : newfile_replace(f->retry, buf_slice(&text), 0600, why);
	buf_clear(&text);
	return rc;
}

/* What a file that cannot be read says of what is in it. */
static enum acme_reading
reading_of(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM
	    ? ACME_READ_SHORT
	    : ACME_READ_BAD;
}

enum acme_reading
acme_memory_order(const struct acme_folder *f, struct acme_note_order *note)
{
	enum acme_reading reading;
	struct buf text;

	*note = (struct acme_note_order){ 0 };
	buf_init(&text, ACME_NOTE_MAX);
	reading = acme_folder_read(f->order, &text) == -1
	    ? reading_of(errno)
	    : acme_note_read_order(buf_slice(&text), note);
	acme_folder_wipe(&text);
	return reading;
}

int
acme_memory_retry(const struct acme_folder *f, struct acme_note_retry *note)
{
	struct buf text;
	int rc;

	buf_init(&text, ACME_NOTE_MAX);
	rc = acme_folder_read(f->retry, &text);
	if (rc == 0)
		rc = acme_note_read_retry(buf_slice(&text), note);
	buf_clear(&text);
	return rc;
}

void
acme_memory_forget_order(const struct acme_folder *f)
{
	(void)unlink(f->order);
}

void
acme_memory_forget_retry(const struct acme_folder *f)
{
	(void)unlink(f->retry);
}
