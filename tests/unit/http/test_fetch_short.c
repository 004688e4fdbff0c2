/* fetch_short: what is short here is never told as the other side's absence. */
#include "fetch.h"

#include "check.h"
#include "fake_alloc.h"
#include "unit/http/http_stub.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_FILTER 100 /* exit status where there is no seccomp */

/* Makes every attempt to open a file fail so, from here on, in this process. */
static int
fail_to_open(unsigned error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    (unsigned)offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = sizeof code / sizeof code[0],
		.filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

/* In a child: asks a host whose name has to be looked up in files that cannot
 * be opened. What comes of it is the exit status. */
_Noreturn static void
ask_without_files(unsigned error, int text)
{
	const struct fetch_request request = { .url = "http://relay.invalid/",
		.timeout_ms = 20000 };
	struct fetch_client *c = fetch_client_new(1);
	struct fetch_response response;
	struct fail why = { 0 };
	enum fetch_result result;

	if (c == NULL || fail_to_open(error) == -1)
		_exit(NO_FILTER);
	result = fetch(c, &request, &response, &why);
	(void)!write(text, why.text, strlen(why.text));
	_exit((int)result);
}

static int
result_without_files(unsigned error, char *text, size_t size)
{
	int pipes[2], status;
	ssize_t n;
	pid_t child;

	check_int(pipe(pipes), 0);
	child = fork();
	check(child != -1);
	if (child == 0)
		ask_without_files(error, pipes[1]);
	close(pipes[1]);
	n = read(pipes[0], text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	close(pipes[0]);
	check_int(waitpid(child, &status, 0), child);
	check(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* To a resolver that may not read its files each name is one that nobody has;
 * where they are not there at all, that is how this host is set up. */
static void
fetch_short_sees_resolver_files_that_may_not_be_read(void **state)
{
	static const struct {
		unsigned error;
		enum fetch_result want;
	} cases[] = {
		{ EACCES, FETCH_SHORT },
		{ EPERM, FETCH_SHORT },
		{ ENOENT, FETCH_UNREACHABLE },
	};
	char text[FAIL_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const int result =
		    result_without_files(cases[i].error, text, sizeof text);

		if (result == NO_FILTER)
			skip();
		check_int(result, cases[i].want);
		check((strstr(text, "cannot read the resolver's files") !=
			  NULL) == (cases[i].want == FETCH_SHORT));
	}
}

/* A shortage of ours is told as one, wherever it comes. */
static void
fetch_short_memory_is_told_as_such(void **state)
{
	struct http_stub stub = {
		.reply = { .bytes = "HTTP/1.1 200 OK\r\n\r\nhi" },
	};
	struct fetch_client *c = fetch_client_new(1);
	size_t n = 0;
	bool failed;

	(void)state;
	assert_non_null(c);
	http_stub_open(&stub);
	do {
		const struct fetch_request request = {
			.url = stub.url, .timeout_ms = 20000, .body_max = 100
		};
		struct fetch_response response;
		struct fail why = { 0 };
		enum fetch_result result;

		fake_alloc_fail_at(++n);
		result = fetch(c, &request, &response, &why);
		failed = fake_alloc_failed();
		/* libcurl does without some of them */
		assert_true(
		    result == FETCH_OK || (failed && result == FETCH_SHORT));
		assert_false(response.body_cut);
		if (result == FETCH_OK)
			assert_int_equal(response.body_len, 2);
		else
			assert_string_equal(why.text, "out of memory");
		fetch_response_clear(&response);
	} while (failed);
	assert_true(n > 2); /* the body is read, and passed on */
	http_stub_close(&stub);
	fetch_client_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    fetch_short_sees_resolver_files_that_may_not_be_read),
		cmocka_unit_test(fetch_short_memory_is_told_as_such),
	};

	if (fetch_global_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
