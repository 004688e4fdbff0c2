/* log: see log.h. */
#include "log.h"

#include "quote.h"

#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool debug_on;                /* immutable once threads run */
static atomic_uint_fast64_t dropped; /* atomic */
static pthread_mutex_t sink = PTHREAD_MUTEX_INITIALIZER; /* one writer */

void
log_set_debug(bool on)
{
	debug_on = on;
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
 * control character is made sure here, where all lines pass.
 */
__attribute__((format(printf, 2, 0))) static void
print(bool timed, const char *fmt, va_list args)
{
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
	struct writer w = writer_of(line, sizeof line - 1);
	time_t now = time(NULL);
	struct tm tm;
	int n;

	localtime_r(&now, &tm);
	if (timed)
		w.n = strftime(line, sizeof line, "%Y/%m/%d %H:%M:%S ", &tm);
	n = vsnprintf(text, sizeof text, fmt, args);
	if (n > 0)
		quote_put(&w,
		    slice_of(text,
			(size_t)n < sizeof text ? (size_t)n : sizeof text - 1));
	line[w.n] = '\n';
	write_line(line, w.n + 1);
}

#define LOG_FUNCTION(name, condition, timed) \
	void name(const char *fmt, ...)      \
	{                                    \
		va_list args;                \
		if (!(condition))            \
			return;              \
		va_start(args, fmt);         \
		print((timed), fmt, args);   \
		va_end(args);                \
	}

LOG_FUNCTION(log_error, true, true)
LOG_FUNCTION(log_warn, true, true)
LOG_FUNCTION(log_info, true, true)
LOG_FUNCTION(log_debug, debug_on, true)
LOG_FUNCTION(log_continue, true, false)

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
