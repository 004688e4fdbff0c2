/* Unit tests of verify/engine/verify_program and verify_command: programs that
 * print a node list, and all that they do instead. */
#include "unit/verify/engine.h"
#include "unit/verify/trace.h"

#include "verify_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define LONG_MS 60000 /* nothing that works takes as long */
#define SHORT_MS 300  /* for what never ends; doubled until it has begun */
#define ROOM ((size_t)1 << 20)

/* What came of a program. */
struct ran {
	enum verify_program_end end;
	char out[4096];
	struct fail why;
	char timeout[64]; /* of run_traced */
};

static atomic_bool never;
static bool others; /* what runs has the rights of another user */
static bool hangs;  /* what runs is in a call that nothing interrupts */
static atomic_uint polls;

/* see ld(1), --wrap */
int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);
int __real_poll(struct pollfd *fds, nfds_t n, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms);

int
__wrap_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
	atomic_fetch_add(&polls, 1);
	return __real_poll(fds, n, timeout_ms);
}

int
__wrap_kill(pid_t pid, int signal)
{
	if (hangs)
		return 0;
	if (!others)
		return __real_kill(pid, signal);
	errno = EPERM;
	return -1;
}

/* "/bin/sh -c SCRIPT" as one text; static memory. */
static const char *
shell(const char *script)
{
	static char command[4096];
	struct fail why = { 0 };
	struct buf text;

	buf_init(&text, sizeof command - 1);
	check_int(verify_program_quote(&text, slice_str("/bin/sh"), &why), 0);
	check_int(verify_program_quote(&text, slice_str("-c"), &why), 0);
	check_int(verify_program_quote(&text, slice_str(script), &why), 0);
	snprintf(command, sizeof command, "%.*s", (int)buf_len(&text),
	    (const char *)buf_slice(&text).p);
	buf_clear(&text);
	return command;
}

static struct ran
run_until(const char *command, uint64_t timeout_ms, const atomic_bool *stop)
{
	struct ran ran = { .out = "" };
	struct verify_program p;
	struct buf out;

	if (verify_program_parse(&p, command, &ran.why) == -1)
		fail_msg("%s", ran.why.text);
	buf_init(&out, ROOM);
	ran.end = verify_program_run(&p, timeout_ms, stop, &out, &ran.why);
	snprintf(ran.out, sizeof ran.out, "%.*s", (int)buf_len(&out),
	    (const char *)buf_slice(&out).p);
	buf_clear(&out);
	verify_program_clear(&p);
	return ran;
}

static struct ran
run(const char *script, uint64_t timeout_ms)
{
	return run_until(shell(script), timeout_ms, &never);
}

static void
program_has_words_and_no_shell(void **state)
{
	static const char *const words[] = { "a", "b c", "d\\e", "\\", "\t f",
		"$HOME", "'", "*" };
	struct fail why = { 0 };
	struct verify_program p;
	struct buf text;
	size_t n = 0;

	(void)state;
	buf_init(&text, 1000);
	for (; n < sizeof words / sizeof words[0]; n++)
		check_int(
		    verify_program_quote(&text, slice_str(words[n]), &why), 0);
	check_int(verify_program_quote(&text, slice_str(""), &why), -1);
	check_int(buf_append(&text, "", 1), 0);
	check_int(
	    verify_program_parse(&p, (const char *)buf_slice(&text).p, &why),
	    0);
	for (size_t i = 0; i < n; i++)
		check_text(p.words[i], words[i]);
	check_null(p.words[n]);
	verify_program_clear(&p);
	buf_clear(&text);
}

static void
program_has_some_words(void **state)
{
	static const char *const commands[] = { "", "  \t " };
	char many[4 * VERIFY_PROGRAM_WORDS_MAX] = "";
	struct verify_program p;

	(void)state;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		struct fail why = { 0 };

		check_int(verify_program_parse(&p, commands[i], &why), -1);
		check_text(why.text, "the command is empty");
		verify_program_clear(&p);
	}
	for (size_t i = 0; i < VERIFY_PROGRAM_WORDS_MAX; i++)
		strcat(many, " a");
	check_int(verify_program_parse(&p, many, NULL), 0);
	verify_program_clear(&p);
	strcat(many, " a");
	check_int(verify_program_parse(&p, many, NULL), -1);
	verify_program_clear(&p);
}

static void
program_prints(void **state)
{
	struct ran ran =
	    run("cat; echo one; echo two >&2; echo three", LONG_MS);

	(void)state;
	check_int(ran.end, VERIFY_PROGRAM_DONE);
	check_text(ran.out, "one\nthree\n");
}

/* Descriptors without close-on-exec are not for it either. */
static void
program_has_none_of_our_descriptors(void **state)
{
	const int fd = open("/dev/null", O_RDONLY);
	const int high = fcntl(fd, F_DUPFD, 50);
	struct ran ran;

	(void)state;
	check(high >= 50);
	ran = run("ls /proc/self/fd", LONG_MS);
	check_int(ran.end, VERIFY_PROGRAM_DONE);
	/* the last is that of the folder itself */
	check_text(ran.out, "0\n1\n2\n3\n");
	close(fd);
	close(high);
}

static void
program_fails(void **state)
{
	static const struct {
		const char *script, *why;
	} cases[] = {
		{ "exit 3", "/bin/sh ended with status 3" },
		{ "echo list; echo no socket >&2; echo more >&2; exit 1",
		    "/bin/sh ended with status 1: no socket" },
		{ "printf '\\n\\033[31mred\\n' >&2; exit 1",
		    "/bin/sh ended with status 1: \\x1b[31mred" },
		{ "kill -KILL $$", "/bin/sh was ended by signal 9" },
		/* all that it says is read, or it would wait for ever */
		{ "yes bad | head -c 300000 >&2; exit 2",
		    "/bin/sh ended with status 2: bad" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ran ran = run(cases[i].script, LONG_MS);

		check_int(ran.end, VERIFY_PROGRAM_FAILED);
		check_text(ran.why.text, cases[i].why);
	}
}

static void
program_does_not_exist(void **state)
{
	struct ran ran =
	    run_until("/nonexistent/headscale nodes", LONG_MS, &never);

	(void)state;
	check_int(ran.end, VERIFY_PROGRAM_FAILED);
	check_text(ran.why.text,
	    "cannot run /nonexistent/headscale: No such file or directory");
}

static void
program_floods(void **state)
{
	struct ran ran = run("exec yes", LONG_MS);

	(void)state;
	check_int(ran.end, VERIFY_PROGRAM_FAILED);
	check_text(ran.why.text,
	    "/bin/sh printed more than a node list may have, and was killed");
}

/* One that never ends, but has begun: the time is doubled until it has. */
static struct ran
run_traced(const char *script, uint64_t timeout_ms, const char *begun)
{
	char path[128], whole[512];
	struct ran ran;
	int trace;

	for (;; timeout_ms *= 2) {
		trace = trace_open(path, sizeof path);
		snprintf(whole, sizeof whole, "exec 3>%s; echo up >&3; %s",
		    path, script);
		ran = run(whole, timeout_ms);
		if (strstr(ran.why.text, begun) != NULL ||
		    timeout_ms >= LONG_MS)
			break;
		close(trace);
	}
	trace_await_end(trace);
	snprintf(ran.timeout, sizeof ran.timeout, " within %llu ms",
	    (unsigned long long)timeout_ms);
	return ran;
}

static void
program_that_hangs_is_killed_with_its_children(void **state)
{
	struct ran ran = run_traced(
	    "echo list; echo cannot connect >&2; sleep 1000 & sleep 1000",
	    SHORT_MS, "connect");

	(void)state;
	check_int(ran.end, VERIFY_PROGRAM_FAILED);
	check_contains(ran.why.text, "/bin/sh did not end within ");
	check_contains(ran.why.text, ran.timeout);
	check_contains(ran.why.text, ", and was killed: cannot connect");
}

static void
program_left_its_group(void **state)
{
	struct ran ran =
	    run_traced("exec perl -e 'setpgrp(0, getpgrp(getppid())) or die; "
		       "print STDERR \"cannot "
		       "connect\\n\"; sleep 1000'",
		SHORT_MS, "connect");

	(void)state;
	check_int(ran.end, VERIFY_PROGRAM_FAILED);
	check_contains(ran.why.text, ", and was killed: cannot connect");
}

/* Its thread goes on, and it is not started a second time beside itself. */
static void
program_that_cannot_be_killed_is_left(void **state)
{
	char path[] = "/tmp/program-left-XXXXXX", script[256];
	const int flag = mkstemp(path);
	struct fail why = { 0 };
	struct verify_program p;
	struct buf out;

	(void)state;
	assert_true(flag != -1);
	buf_init(&out, ROOM);
	snprintf(script, sizeof script,
	    "test -s %s && exec echo a; exec sleep 1000", path);
	check_int(verify_program_parse(&p, shell(script), &why), 0);
	others = true;
	for (unsigned i = 0; i < 2; i++) {
		check_int(verify_program_run(&p, SHORT_MS, &never, &out, &why),
		    VERIFY_PROGRAM_FAILED);
		check_contains(why.text, "cannot be killed");
	}
	others = false;
	check(p.left > 0);
	check_int(kill(p.left, SIGKILL), 0);
	check_int(write(flag, "x", 1), 1);
	while (verify_program_run(&p, LONG_MS, &never, &out, &why) !=
	    VERIFY_PROGRAM_DONE)
		check_contains(why.text, "cannot be killed");
	check_int(p.left, 0);
	verify_program_clear(&p);
	buf_clear(&out);
	close(flag);
	unlink(path);
}

/* A reload does not wait long for it. */
static void
program_that_hangs_is_left_when_told_to_stop(void **state)
{
	const atomic_bool stop = true;
	struct fail why = { 0 };
	struct verify_program p;
	struct buf out;
	unsigned before;

	(void)state;
	buf_init(&out, ROOM);
	check_int(verify_program_parse(&p, "sleep 1000", &why), 0);
	before = atomic_load(&polls);
	hangs = true;
	check_int(verify_program_run(&p, LONG_MS, &stop, &out, &why),
	    VERIFY_PROGRAM_STOPPED);
	hangs = false;
	/* 5 ms each, and 1 s in all, not 5 */
	check(atomic_load(&polls) - before < 300);
	check(p.left > 0);
	check_int(kill(p.left, SIGKILL), 0);
	check_int(waitpid(p.left, NULL, 0), p.left);
	verify_program_clear(&p);
	buf_clear(&out);
}

static void
program_leaves_children(void **state)
{
	struct ran ran =
	    run_traced("sleep 1000 >/dev/null 2>&1 & echo list", LONG_MS, "");

	(void)state;
	check_int(ran.end, VERIFY_PROGRAM_DONE);
	check_text(ran.out, "list\n");
	/* this one may still print a part of the list */
	ran =
	    run_traced("sleep 1000 2>/dev/null & echo list", SHORT_MS, "left");
	check_int(ran.end, VERIFY_PROGRAM_FAILED);
	check_contains(ran.why.text,
	    "/bin/sh left a program that did not close its output within ");
	check_contains(ran.why.text, ran.timeout);
	check_contains(ran.why.text, " ms, and was killed");
}

static void
program_is_told_to_stop(void **state)
{
	atomic_bool stop = true;
	struct ran ran = run_until(shell("sleep 1000"), LONG_MS, &stop);

	(void)state;
	check_int(ran.end, VERIFY_PROGRAM_STOPPED);
}

/* ---- the source */

static struct verify *
new_engine(struct engine_notices *notices, const char *script)
{
	struct verify_config config = {
		.context.notice = engine_notice,
		.context.notice_ctx = notices,
		.context.wall_s = engine_wall_s,
		.context.refresh_ms = 50,
		.ask_ms = LONG_MS,
	};

	engine_add(&config, "command", shell(script));
	return engine_new(&config);
}

static void
command_lists_all_shapes(void **state)
{
	static const char *const shapes[] = {
		"printf '[{\"node_key\":\"%s\"}]'",
		"printf '[{\"nodeKey\":\"%s\",\"expiry\":null}]'",
		"printf '{\"nodes\":[{\"nodeKey\":\"%s\"}]}'",
		"printf '{\"BackendState\":\"Running\",\"Self\":{\"PublicKey\":"
		"\"%s\"},\"Peer\":{}}'",
		"printf '{\"devices\":[{\"nodeKey\":\"%s\",\"authorized\":true,"
		"\"keyExpiryDisabled\":true}]}'",
		"echo '%s name # comment'",
	};

	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		struct engine_notices notices = ENGINE_NOTICES;
		char script[512];
		struct verify *v;

		snprintf(script, sizeof script, shapes[i], engine_key_text(1));
		v = new_engine(&notices, script);
		if (engine_check(v, 1).verdict != VERIFY_ALLOW)
			fail_msg("not allowed by %s: %s", script,
			    engine_check(v, 1).reason);
		check_int(engine_check(v, 2).verdict, VERIFY_DENY);
		verify_free(v);
	}
}

/* Whom it last named stays while it fails, and nobody else gets in. */
static void
command_outlives_its_failures(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	char script[256], path[128];
	struct verify *v;
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/list", engine_dir());
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "%s\n", engine_key_text(1));
	check_int(fclose(f), 0);
	snprintf(script, sizeof script, "exec cat %s", path);
	v = new_engine(&notices, script);
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	check_int(unlink(path), 0);
	engine_await_notice(&notices, "ended with status 1: cat: ");
	check_int(engine_check(v, 1).verdict, VERIFY_ALLOW);
	check(engine_check(v, 2).verdict != VERIFY_ALLOW);
	verify_free(v);
}

static void
command_that_prints_nothing_is_no_empty_list(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v = new_engine(&notices, "echo; exit 0");

	(void)state;
	engine_await_notice(&notices, "the command printed nothing");
	check_int(engine_check(v, 1).verdict, VERIFY_UNKNOWN);
	verify_free(v);
}

/* Ending the engine does not wait for the program. */
static void
command_ends_with_the_engine(void **state)
{
	struct engine_notices notices = ENGINE_NOTICES;
	char path[128], script[256];
	const int trace = trace_open(path, sizeof path);
	struct verify *v;

	(void)state;
	snprintf(
	    script, sizeof script, "exec 3>%s; echo up >&3; sleep 1000", path);
	v = new_engine(&notices, script);
	trace_await_begin(trace);
	verify_free(v);
	trace_await_end(trace);
}

static void
command_has_a_time(void **state)
{
	static const char *const bad[] = { "0s", "soon", "-1s" };
	struct engine_notices notices = ENGINE_NOTICES;
	struct verify *v;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct verify_config config = { .source_count = 0 };
		struct verify_source_config *row =
		    engine_add(&config, "command", "true");
		struct fail why = { 0 };

		row->options[row->option_count++] =
		    (struct verify_option_value){ "command-timeout", bad[i] };
		check_null(verify_new(&config, &why));
		check_contains(why.text, "is not a time such as 30s");
		row->options[row->option_count - 1].value = "61m";
		why = (struct fail){ 0 };
		check_null(verify_new(&config, &why));
		check_contains(why.text, "is longer than an hour");
	}
	{
		struct verify_config config = {
			.context.notice = engine_notice,
			.context.notice_ctx = &notices,
		};
		struct verify_source_config *row =
		    engine_add(&config, "command", "sleep 1000");

		row->options[row->option_count++] =
		    (struct verify_option_value){ "command-timeout", "200ms" };
		v = engine_new(&config);
	}
	engine_await_notice(
	    &notices, "sleep did not end within 200 ms, and was killed");
	verify_free(v);
}

static atomic_bool told;

static void *
run_and_tell(void *ctx)
{
	(void)ctx;
	(void)run_until("sleep 1000", LONG_MS, &never);
	told = true;
	return NULL;
}

/* What a signal ends must not look like an outage, which may admit everybody,
 * before the signal has ended us. In a process of its own, as nothing runs
 * there any more afterwards. */
static void
program_that_ends_with_us_tells_nothing(void **state)
{
	const pid_t pid = fork();
	pthread_t thread;
	int status = -1;

	(void)state;
	if (pid == 0) {
		pthread_create(&thread, NULL, run_and_tell, NULL);
		usleep(50000); /* it may have begun, or be about to */
		verify_program_end_all();
		usleep(300000);
		_exit(told);
	}
	check(pid != -1);
	check_int(waitpid(pid, &status, 0), pid);
	check(WIFEXITED(status));
	check_int(WEXITSTATUS(status), 0);
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "trace", "list", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(program_has_words_and_no_shell),
		cmocka_unit_test(program_has_some_words),
		cmocka_unit_test(program_prints),
		cmocka_unit_test(program_has_none_of_our_descriptors),
		cmocka_unit_test(program_fails),
		cmocka_unit_test(program_does_not_exist),
		cmocka_unit_test(program_floods),
		cmocka_unit_test(
		    program_that_hangs_is_killed_with_its_children),
		cmocka_unit_test(program_left_its_group),
		cmocka_unit_test(program_that_cannot_be_killed_is_left),
		cmocka_unit_test(program_that_hangs_is_left_when_told_to_stop),
		cmocka_unit_test(program_leaves_children),
		cmocka_unit_test(program_is_told_to_stop),
		cmocka_unit_test(program_that_ends_with_us_tells_nothing),
		cmocka_unit_test(command_lists_all_shapes),
		cmocka_unit_test(command_outlives_its_failures),
		cmocka_unit_test(command_that_prints_nothing_is_no_empty_list),
		cmocka_unit_test(command_ends_with_the_engine),
		cmocka_unit_test(command_has_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
