/* log: lines, a sink that is not read, and the limit for unauthenticated
 * clients. */
#include "check.h"

#include "log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Standard error goes to a pipe while a test runs. */
struct sink {
	int read_end;
	int saved;
};

static struct sink
sink_open(void)
{
	struct sink s;
	int fds[2];

	check_int(pipe2(fds, O_NONBLOCK), 0);
	s.read_end = fds[0];
	s.saved = dup(STDERR_FILENO);
	check(dup2(fds[1], STDERR_FILENO) == STDERR_FILENO);
	close(fds[1]);
	return s;
}

static void
sink_restore(struct sink *s)
{
	dup2(s->saved, STDERR_FILENO);
	close(s->saved);
	close(s->read_end);
}

/* What has been logged since, as text. */
static void
sink_read(const struct sink *s, char *out, size_t cap)
{
	ssize_t n = read(s->read_end, out, cap - 1);

	out[n > 0 ? n : 0] = '\0';
}

static void
log_writes_go_lines(void **state)
{
	struct sink s = sink_open();
	char quiet[256], text[256];
	int year, day, used = 0;

	(void)state;
	log_debug("not shown");
	sink_read(&s, quiet, sizeof quiet);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("shown %d", 1);
	log_set_level(LOG_LEVEL_INFO);
	log_error("and %s", "this");
	sink_read(&s, text, sizeof text);
	sink_restore(&s);
	check_text(quiet, "");
	check_int(
	    sscanf(text, "%4d/%*2d/%2d %*2d:%*2d:%*2d %n", &year, &day, &used),
	    2);
	check_int(used, 20);
	check(year > 2000);
	check_contains(text + 20, "shown 1\n");
	check_contains(text, " and this\n");
}

static void
log_holds_no_control_character(void **state)
{
	struct sink s = sink_open();
	char text[256];

	(void)state;
	log_warn("a\nb\x1b[2J \xc2\x9b %s", "\xe2\x80\xae\x9b");
	sink_read(&s, text, sizeof text);
	sink_restore(&s);
	check_text(text + 20, "a\\nb\\x1b[2J \\u009b \\u202e\\x9b\n");
}

static void
log_continues_an_event(void **state)
{
	struct sink s = sink_open();
	char text[256];

	(void)state;
	log_continue("  %s", "more of it");
	sink_read(&s, text, sizeof text);
	sink_restore(&s);
	check_text(text, "  more of it\n");
}

static void
log_shows_levels_up_to_the_last(void **state)
{
	struct sink s = sink_open();
	char text[512];

	(void)state;
	log_set_level(LOG_LEVEL_WARN);
	log_error("one");
	log_warn("two");
	log_info("three");
	log_continue("four");
	log_event(LOG_LEVEL_INFO, "five", NULL, 0);
	log_event(LOG_LEVEL_ERROR, "six", NULL, 0);
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("seven");
	log_set_level(LOG_LEVEL_INFO);
	sink_read(&s, text, sizeof text);
	sink_restore(&s);
	check_contains(text, " one\n");
	check_contains(text, " two\n");
	check_contains(text, " six\n");
	check(strstr(text, "three") == NULL && strstr(text, "four") == NULL);
	check(strstr(text, "five") == NULL && strstr(text, "seven") == NULL);
}

static void
log_writes_the_format_that_is_set(void **state)
{
	const struct log_field fields[] = { { "bytes", NULL, 7 } };
	struct sink s = sink_open();
	char text[512];

	(void)state;
	log_set_format(LOG_FORMAT_JOURNAL);
	log_event(LOG_LEVEL_WARN, "left", fields, 1);
	log_continue("more");
	log_set_format(LOG_FORMAT_TEXT);
	sink_read(&s, text, sizeof text);
	sink_restore(&s);
	check_text(text, "<4>left bytes=7\n<6>more\n");
}

/* The variable is compared with what standard error is. */
static void
log_detects_the_journal(void **state)
{
	struct sink s = sink_open();
	char here[64], other[64];
	enum log_format formats[3];
	struct stat st;

	(void)state;
	check_int(fstat(STDERR_FILENO, &st), 0);
	snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino);
	snprintf(other, sizeof other, "%ju:%ju", (uintmax_t)st.st_dev,
	    (uintmax_t)st.st_ino + 1);
	formats[0] = log_detect_format(here);
	formats[1] = log_detect_format(other);
	formats[2] = log_detect_format(NULL);
	sink_restore(&s);
	check_int(formats[0], LOG_FORMAT_JOURNAL);
	check_int(formats[1], LOG_FORMAT_TEXT);
	check_int(formats[2], LOG_FORMAT_TEXT);
}

static void
log_cuts_long_lines(void **state)
{
	struct sink s = sink_open();
	char text[2 * LOG_LINE_MAX];

	(void)state;
	log_info("%05000d", 1);
	sink_read(&s, text, sizeof text);
	sink_restore(&s);
	check(strlen(text) <= LOG_LINE_MAX);
	check(strlen(text) >= LOG_LINE_MAX - 2);
	check_int(text[strlen(text) - 1], '\n');
}

/* A full pipe that blocks, as a service manager's would. */
static void
log_drops_what_is_not_read(void **state)
{
	struct sink s = sink_open();
	uint64_t before = log_dropped(), after;

	(void)state;
	fcntl(STDERR_FILENO, F_SETFL,
	    fcntl(STDERR_FILENO, F_GETFL) & ~O_NONBLOCK);
	alarm(20); /* ends a test that blocks */
	for (int i = 0; i < 2000; i++)
		log_info("%0100d", i);
	alarm(0);
	after = log_dropped();
	sink_restore(&s);
	check(after > before);
	check(after < before + 2000);
}

static void
log_survives_a_closed_reader(void **state)
{
	struct sink s = sink_open();
	uint64_t before = log_dropped(), after;

	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as the programs do */
	close(s.read_end);
	log_info("not read");
	after = log_dropped();
	s.read_end = dup(s.saved);
	sink_restore(&s);
	check_size(after, before + 1);
}

static void
log_limit_lets_bursts_through(void **state)
{
	struct log_limit limit = { .burst = 3, .per_s = 2 };
	struct sink s = sink_open();
	char text[512];
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 10; i++)
		allowed += log_allowed(&limit, 5000);
	check_int(allowed, 3);
	/* one more after half a second, and the note that counts the rest */
	check(!log_allowed(&limit, 5499));
	check(log_allowed(&limit, 5500));
	check(!log_allowed(&limit, 5500));
	sink_read(&s, text, sizeof text);
	check_contains(text, "8 similar lines suppressed\n");
	/* a long silence fills the bucket, not more */
	allowed = 0;
	for (int i = 0; i < 10; i++)
		allowed += log_allowed(&limit, 1000000);
	sink_read(&s, text, sizeof text);
	sink_restore(&s);
	check_int(allowed, 3);
	check_contains(text, "1 similar lines suppressed\n");
}

/* What a program takes instead. */
struct taken {
	unsigned count;
	enum log_level last;
	char text[64];
};

static void
take(void *ctx, enum log_level level, struct slice message)
{
	struct taken *t = ctx;

	t->count++;
	t->last = level;
	snprintf(t->text, sizeof t->text, "%.*s", (int)message.n,
	    (const char *)message.p);
}

static void
log_gives_lines_of_all_levels_to_a_taker(void **state)
{
	struct taken t = { .count = 0 };
	const struct log_sink to = { take, &t };
	struct sink s = sink_open();
	char text[256];

	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	log_set_sink(&to);
	log_debug("one %d", 1);
	check_int(t.last, LOG_LEVEL_DEBUG);
	check_text(t.text, "one 1");
	log_warn("two");
	log_set_sink(NULL);
	log_error("three");
	log_set_level(LOG_LEVEL_INFO);
	sink_read(&s, text, sizeof text);
	sink_restore(&s);
	check_int(t.count, 2);
	check_int(t.last, LOG_LEVEL_WARN);
	check_contains(text, "three\n");
	check(strstr(text, "two") == NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_writes_go_lines),
		cmocka_unit_test(log_holds_no_control_character),
		cmocka_unit_test(log_continues_an_event),
		cmocka_unit_test(log_shows_levels_up_to_the_last),
		cmocka_unit_test(log_writes_the_format_that_is_set),
		cmocka_unit_test(log_detects_the_journal),
		cmocka_unit_test(log_cuts_long_lines),
		cmocka_unit_test(log_drops_what_is_not_read),
		cmocka_unit_test(log_survives_a_closed_reader),
		cmocka_unit_test(log_limit_lets_bursts_through),
		cmocka_unit_test(log_gives_lines_of_all_levels_to_a_taker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
