/*
 * verify_file: a node list in a file, kept in memory and read again when the
 * file changes.
 *
 * Who writes a list in place leaves a moment in which half of it is there; a
 * truncated list of plain keys is a good list with fewer keys. So a file that
 * changed in place is believed only when it looked the same twice, a little
 * apart; one that was replaced by a rename is read at once. A list that cannot
 * be read, is bad, or has become empty leaves the last good one in force.
 */
#include "verify_file.h"

#include "buf.h"
#include "verify_source.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LOOK_MS 1000  /* between two looks, unless configured */
#define FILE_SETTLE_MS 100 /* that a file must stay the same when written */
#define FILE_CHUNK 65536   /* bytes read at a time */

/* What tells that a file changed. */
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
	char *path; /* owned */
	void (*notice)(void *ctx, const char *text);
	void *notice_ctx;
	int64_t (*wall_s)(void);
	uint64_t look_ms;
	/* used by tick only */
	struct stamp loaded; /* of the text last read, good or bad */
	struct stamp seen;   /* at the last look */
	/* the last good list */
	pthread_mutex_t lock;
	struct verify_nodes *nodes; /* owned; locked by lock */
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

/* Reads all of fd; one byte more than a list may have is enough to refuse it
 * later. */
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
	} while (n > 0 && buf_len(text) <= VERIFY_NODES_BYTES_MAX);
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
		fail_set(why, "is no regular file");
	else
		rc = read_all(fd, text, why);
	if (rc == 0)
		*stamp = stamp_of(&st);
	close(fd);
	return rc;
}

/* Reads and parses the file; *stamp tells which state of it. */
static struct verify_nodes *
load(const char *path, struct stamp *stamp, struct fail *why)
{
	struct verify_nodes *nodes = NULL;
	struct fail reason = { 0 };
	struct buf text;
	int rc;

	buf_init(&text, VERIFY_NODES_BYTES_MAX + 2 * FILE_CHUNK);
	if (is_stdin(path))
		rc = read_all(STDIN_FILENO, &text, &reason);
	else
		rc = read_file(path, &text, stamp, &reason);
	if (rc == 0)
		nodes = verify_nodes_parse(buf_slice(&text), &reason);
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
verify_file_load(const char *path, struct fail *why)
{
	struct stamp stamp;

	return load(path, &stamp, why);
}

__attribute__((format(printf, 2, 3))) static void
note(const struct verify_file *f, const char *fmt, ...)
{
	char text[FAIL_TEXT_MAX + 256];
	va_list args;

	if (f->notice == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	f->notice(f->notice_ctx, text);
}

static size_t
count(struct verify_source *s)
{
	struct verify_file *f = (struct verify_file *)s;
	size_t n;

	pthread_mutex_lock(&f->lock);
	n = verify_nodes_count(f->nodes);
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* Puts the list in force, unless it is an empty one after one that was not: a
 * list that a script failed to fill would put everybody off the relay. */
static void
replace(struct verify_file *f, struct verify_nodes *nodes)
{
	const size_t before = count(&f->source);
	const size_t now = verify_nodes_count(nodes);
	struct verify_nodes *old;

	if (now == 0 && before > 0) {
		verify_nodes_free(nodes);
		note(f,
		    "node list %s turned empty; keeping the %zu keys of the "
		    "last good list",
		    f->path, before);
		return;
	}
	pthread_mutex_lock(&f->lock);
	old = f->nodes;
	f->nodes = nodes;
	pthread_mutex_unlock(&f->lock);
	verify_nodes_free(old);
	note(f, "node list %s: %zu keys, %zu before%s", f->path, now, before,
	    now < before / 2 ? "; less than half of them are left" : "");
}

static void
reload(struct verify_file *f)
{
	struct fail why = { 0 };
	struct verify_nodes *nodes = load(f->path, &f->loaded, &why);

	if (nodes != NULL) {
		replace(f, nodes);
		return;
	}
	/* what was looked at is what is bad: no second word about it */
	f->loaded = f->seen;
	note(f,
	    "node list is bad, keeping the %zu keys of the last good one: "
	    "%s",
	    count(&f->source), why.text);
}

static uint64_t
tick(struct verify_source *s, bool now)
{
	struct verify_file *f = (struct verify_file *)s;
	const struct stamp stamp = stamp_now(f->path);
	const bool settled = same_stamp(&stamp, &f->seen) || !stamp.exists ||
	    !same_file(&stamp, &f->loaded);

	f->seen = stamp;
	if (same_stamp(&stamp, &f->loaded) && !now)
		return f->look_ms;
	if (!settled && !now)
		return FILE_SETTLE_MS;
	reload(f);
	return f->look_ms;
}

static void
ask(struct verify_source *s, const struct verify_question *q,
    struct verify_answer *answer)
{
	struct verify_file *f = (struct verify_file *)s;
	const struct verify_node *node;
	char key[DERP_KEY_TEXT], time[VERIFY_NODES_TIME_TEXT];

	derp_key_format(q->key, key);
	pthread_mutex_lock(&f->lock);
	node = verify_nodes_find(f->nodes, q->key);
	if (node == NULL) {
		verify_source_answer(answer, VERIFY_DENY,
		    "peer %s not authorized (not in node list %s)", key,
		    f->path);
	} else if (verify_nodes_is_expired(node, f->wall_s())) {
		verify_nodes_format_time(node->expires_s, time);
		verify_source_answer(answer, VERIFY_DENY,
		    "peer %s not authorized (%s%sexpired %s in node list %s)",
		    key, node->name, node->name[0] != '\0' ? " " : "", time,
		    f->path);
	} else {
		verify_source_answer(answer, VERIFY_ALLOW,
		    "%s%sin node list %s", node->name,
		    node->name[0] != '\0' ? " " : "", f->path);
	}
	pthread_mutex_unlock(&f->lock);
}

static void
free_file(struct verify_source *s)
{
	struct verify_file *f = (struct verify_file *)s;

	verify_nodes_free(f->nodes);
	pthread_mutex_destroy(&f->lock);
	free(f->path);
	free(f);
}

static struct verify_source *
make(const struct verify_config *config, struct fail *why)
{
	struct verify_file *f = calloc(1, sizeof *f);

	if (f == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&f->lock, NULL);
	f->source = (struct verify_source){
		.ask = ask,
		.tick = is_stdin(config->nodes_file) ? NULL : tick,
		.count = count,
		.free = free_file,
	};
	f->notice = config->notice;
	f->notice_ctx = config->notice_ctx;
	f->wall_s = config->wall_s;
	f->look_ms = config->look_ms != 0 ? config->look_ms : FILE_LOOK_MS;
	f->path = strdup(config->nodes_file);
	if (f->path == NULL)
		fail_set(why, "out of memory");
	else
		f->nodes = load(f->path, &f->loaded, why);
	if (f->nodes == NULL) {
		free_file(&f->source);
		return NULL;
	}
	f->seen = f->loaded;
	if (verify_nodes_count(f->nodes) == 0)
		note(f, "node list %s is empty: it admits nobody", f->path);
	return &f->source;
}

static bool
is_configured(const struct verify_config *config)
{
	return config->nodes_file != NULL && config->nodes_file[0] != '\0';
}

const struct verify_source_kind verify_file_kind = { is_configured, make };
