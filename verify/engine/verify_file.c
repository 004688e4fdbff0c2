/*
 * verify_file: a node list in a file, kept in memory and read again when the
 * file changes.
 *
 * While a file is written in place only a part of it can be read, and a
 * truncated list of plain keys is a valid list with fewer keys. So a file that
 * changed in place is read only when two checks, a short time apart, find it
 * the same; one that was replaced by a rename is read at once. When the new
 * list cannot be read, is invalid, or is empty, the last good one stays in use.
 */
#include "verify_file.h"

#include "buf.h"
#include "verify_document.h"
#include "verify_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_REFRESH_MS 1000 /* between two checks, unless configured */
#define FILE_SETTLE_MS 100   /* for which a file must stay the same */
#define FILE_CHUNK 65536     /* bytes read at a time */

/* What changes when a file changes. */
struct stamp {
	bool exists;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct verify_file {
	struct verify_source source; /* first */
	/* immutable */
	char *path;       /* owned */
	bool allow_empty; /* standard input without a byte is an empty list */
	/* used by list only */
	struct stamp loaded; /* of the text last read, good or bad */
	struct stamp seen;   /* at the last check */
	bool has_read;
	/* the text last read was read whole and judged: not when a shortage of
	 * ours came between */
	bool has_judged;
	struct fail bad; /* why the text last read is not a list; or "" */
};

static struct stamp
stamp_of(const struct stat *st)
{
	return (struct stamp){
		.exists = true,
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime = st->st_mtim,
		.ctime = st->st_ctim,
	};
}

static struct stamp
stamp_now(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return (struct stamp){ .exists = false };
	return stamp_of(&st);
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
same_file(const struct stamp *a, const struct stamp *b)
{
	return a->exists == b->exists && a->dev == b->dev && a->ino == b->ino;
}

static bool
same_stamp(const struct stamp *a, const struct stamp *b)
{
	return same_file(a, b) && a->size == b->size &&
	    same_time(&a->mtime, &b->mtime) && same_time(&a->ctime, &b->ctime);
}

/* Reads all of fd, or more than a list may have, which is rejected later. */
static int
read_all(int fd, struct buf *text, struct fail *why)
{
	ssize_t n;

	do {
		uint8_t *to = buf_room(text, FILE_CHUNK);

		if (to == NULL)
			return fail_set(why, "out of memory, or too large");
		n = read(fd, to, FILE_CHUNK);
		if (n == -1 && errno == EINTR)
			continue;
		if (n > 0)
			buf_added(text, (size_t)n);
	} while (n > 0 && buf_len(text) <= VERIFY_DOCUMENT_BYTES_MAX);
	return n == -1 ? fail_errno(why, "cannot read") : 0;
}

static bool
is_stdin(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* Opens and reads; a FIFO or a device would block or never end. */
static int
read_file(
    const char *path, struct buf *text, struct stamp *stamp, struct fail *why)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = open(path, flags);
	struct stat st;
	int rc = -1;

	if (fd == -1)
		return fail_errno(why, "cannot open");
	if (fstat(fd, &st) == -1)
		fail_errno(why, "cannot stat");
	else if (!S_ISREG(st.st_mode))
		fail_set(why, "is not a regular file");
	else
		rc = read_all(fd, text, why);
	if (rc == 0)
		*stamp = stamp_of(&st);
	close(fd);
	return rc;
}

/* Whether the error says nothing about the file. */
static bool
is_shortage(int error)
{
	return error == ENOMEM || error == EMFILE || error == ENFILE ||
	    error == EIO;
}

/* Reads and parses the file; *stamp is the state of it that was read. Without a
 * list *is_short tells whether it was a shortage that may pass. */
static struct verify_nodes *
load(const char *path, bool allow_empty, struct stamp *stamp, bool *is_short,
    struct fail *why)
{
	struct verify_nodes *nodes = NULL;
	struct fail reason = { 0 };
	struct buf text;
	int rc;

	buf_init(&text, VERIFY_DOCUMENT_BYTES_MAX + 2 * FILE_CHUNK);
	errno = 0; /* what follows sets it only when it fails */
	if (is_stdin(path))
		rc = read_all(STDIN_FILENO, &text, &reason);
	else
		rc = read_file(path, &text, stamp, &reason);
	if (rc == 0 && is_stdin(path) && buf_len(&text) == 0 && !allow_empty)
		rc = fail_set(&reason,
		    "standard input is empty (did the command before it "
		    "fail?)");
	if (rc == 0)
		nodes = verify_document_parse(buf_slice(&text), &reason);
	*is_short = nodes == NULL && is_shortage(errno);
	buf_clear(&text);
	if (nodes != NULL)
		return nodes;
	if (reason.line > 0)
		fail_at(why, reason.line, reason.column, "%s:%u: %s", path,
		    reason.line, reason.text);
	else
		fail_set(why, "%s: %s", path, reason.text);
	return NULL;
}

struct verify_nodes *
verify_file_load(const char *path, bool allow_empty, struct fail *why)
{
	struct stamp stamp;
	bool is_short;

	return load(path, allow_empty, &stamp, &is_short, why);
}

static enum verify_listed
read_list(
    struct verify_file *f, struct verify_listing *listing, struct fail *why)
{
	struct verify_nodes *nodes;
	bool is_short;
	int rc;

	f->bad = (struct fail){ 0 };
	f->has_judged = false;
	nodes = load(f->path, f->allow_empty || f->has_read, &f->loaded,
	    &is_short, &f->bad);
	if (nodes == NULL) {
		*why = f->bad;
		if (is_short)
			return VERIFY_LIST_OURS;
		/* this state of the file is bad: do not read it again */
		f->loaded = f->seen;
		f->has_judged = true;
		listing->is_new = true;
		return VERIFY_LIST_BAD;
	}
	rc = verify_nodes_put(nodes, listing->set, why);
	verify_nodes_free(nodes);
	f->has_read = true;
	f->has_judged = rc == 0;
	return rc == 0 ? VERIFY_LISTED : VERIFY_LIST_OURS;
}

static enum verify_listed
list(struct verify_source *s, struct verify_listing *listing, struct fail *why)
{
	struct verify_file *f = (struct verify_file *)s;
	const struct stamp stamp = stamp_now(f->path);
	const bool settled = !f->has_read || same_stamp(&stamp, &f->seen) ||
	    !stamp.exists || !same_file(&stamp, &f->loaded);

	f->seen = stamp;
	if (f->has_read && f->has_judged && same_stamp(&stamp, &f->loaded) &&
	    !listing->reread) {
		if (f->bad.text[0] == '\0')
			return VERIFY_LIST_SAME;
		*why = f->bad;
		return VERIFY_LIST_BAD;
	}
	if (!settled && !listing->reread) {
		listing->again_ms = FILE_SETTLE_MS;
		return VERIFY_LIST_LATER;
	}
	return read_list(f, listing, why);
}

/* Standard input is read once. */
static enum verify_listed
list_stdin(
    struct verify_source *s, struct verify_listing *listing, struct fail *why)
{
	struct verify_file *f = (struct verify_file *)s;

	return f->has_read ? VERIFY_LIST_SAME : read_list(f, listing, why);
}

static void
close_file(struct verify_source *s)
{
	struct verify_file *f = (struct verify_file *)s;

	free(f->path);
	free(f);
}

static const struct verify_source_ops file_ops = {
	.list = list,
	.close = close_file,
};

static const struct verify_source_ops stdin_ops = {
	.list = list_stdin,
	.close = close_file,
};

static struct verify_source *
open_file(const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	struct verify_file *f = calloc(1, sizeof *f);

	if (f != NULL)
		f->path = strdup(config->argument);
	if (f == NULL || f->path == NULL) {
		free(f);
		fail_set(why, "out of memory");
		return NULL;
	}
	f->source.ops = is_stdin(config->argument) ? &stdin_ops : &file_ops;
	f->allow_empty = context->allow_empty;
	return &f->source;
}

const struct verify_source_kind verify_file_kind = {
	.name = "nodes",
	.label = "node list",
	.tool_option = "nodes",
	.relay_option = "verify-nodes",
	.argument_name = "FILE",
	.tool_help = "node list: plain keys, or what headscale nodes list -o "
		     "json prints",
	.relay_help = "admit only the node keys in this file, which is read "
		      "again when it changes; of several files, only the "
		      "keys that are in all",
	.argument_type = VERIFY_OPTION_FILE,
	.needs_argument = true,
	.outage = VERIFY_OUTAGE_LAST_GOOD,
	.refresh_ms = FILE_REFRESH_MS,
	.list_first = true,
	.doubt_empty = true,
	.open = open_file,
};
