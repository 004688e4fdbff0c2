/* log: see log.h. */
#include "log.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* immutable once threads run */
static enum log_format line_format = LOG_FORMAT_TEXT;
static enum log_level last_level = LOG_LEVEL_INFO;
static struct log_sink taker; /* take is NULL: standard error */

static atomic_uint_fast64_t dropped;                     /* atomic */
static pthread_mutex_t sink = PTHREAD_MUTEX_INITIALIZER; /* one writer */

void
log_set_format(enum log_format format)
{
	line_format = format;
}

void
log_set_level(enum log_level level)
{
	last_level = level;
}

void
log_set_sink(const struct log_sink *to)
{
	taker = to != NULL ? *to : (struct log_sink){ .take = NULL };
}

static bool
is_wanted(enum log_level level)
{
	return level <= last_level || taker.take != NULL;
}

/* The variable is inherited also by those whose standard error is not that
 * stream any more. */
enum log_format
log_detect_format(const char *journal_stream)
{
	char here[64];
	struct stat st;

	if (journal_stream == NULL || fstat(STDERR_FILENO, &st) == -1)
		return LOG_FORMAT_TEXT;
	snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	return strcmp(here, journal_stream) == 0 ? LOG_FORMAT_JOURNAL
						 : LOG_FORMAT_TEXT;
}

uint64_t
log_dropped(void)
{
	return atomic_load(&dropped);
}

/*
 * A pipe with room takes PIPE_BUF bytes at once without blocking; asking first
 * is the way to not block that leaves the descriptor's flags alone, which are
 * shared with whoever started us.
 */
static void
write_line(const char *line, size_t n)
{
	struct pollfd fd = { .fd = STDERR_FILENO, .events = POLLOUT };
	bool taken = false;

	pthread_mutex_lock(&sink);
	if (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0)
		taken = write(STDERR_FILENO, line, n) == (ssize_t)n;
	pthread_mutex_unlock(&sink);
	if (!taken)
		atomic_fetch_add(&dropped, 1);
}

/*
 * Foreign text is quoted where it is put into a message; that no line holds a
 * control character is made sure in log_line_put, where all lines pass.
 */
static void
write_entry(struct log_entry *entry)
{
	char line[LOG_LINE_MAX];
	struct writer w = writer_of(line, sizeof line);

	if (taker.take != NULL) {
		taker.take(taker.ctx, entry->level, entry->message);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &entry->at);
	log_line_put(&w, line_format, entry);
	write_line(line, w.n);
}

__attribute__((format(printf, 3, 0))) static void
print(enum log_level level, bool continues, const char *fmt, va_list args)
{
	struct log_entry entry = { .level = level, .continues = continues };
	char text[LOG_LINE_MAX];
	int n;

	if (!is_wanted(level))
		return;
	n = vsnprintf(text, sizeof text, fmt, args);
	if (n > 0)
		entry.message = slice_of(text,
		    (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
	write_entry(&entry);
}

#define LOG_FUNCTION(name, level, continues)            \
	void name(const char *fmt, ...)                 \
	{                                               \
		va_list args;                           \
		va_start(args, fmt);                    \
		print((level), (continues), fmt, args); \
		va_end(args);                           \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR, false)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN, false)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO, false)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG, false)
LOG_FUNCTION(log_continue, LOG_LEVEL_INFO, true)

void
log_event(enum log_level level, const char *message,
    const struct log_field *fields, size_t count)
{
	struct log_entry entry = { .level = level,
		.message = slice_str(message),
		.fields = fields,
		.field_count = count };

	if (is_wanted(level))
		write_entry(&entry);
}

bool
log_allowed(struct log_limit *limit, uint64_t now_ms)
{
	uint64_t refill = (now_ms - limit->filled_ms) * limit->per_s / 1000;

	if (limit->filled_ms == 0 || refill >= limit->used) {
		limit->used = 0;
		limit->filled_ms = now_ms;
	} else if (refill > 0) {
		limit->used -= (unsigned)refill;
		limit->filled_ms = now_ms;
	}
	if (limit->used >= limit->burst) {
		limit->suppressed++;
		return false;
	}
	limit->used++;
	if (limit->suppressed > 0) {
		log_warn("%llu similar lines suppressed",
		    (unsigned long long)limit->suppressed);
		limit->suppressed = 0;
	}
	return true;
}
