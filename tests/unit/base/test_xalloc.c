/* xalloc: gives memory, or ends the program with a word why. */
#include "check.h"
#include "fake_alloc.h"

#include "xalloc.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void
xalloc_gives_memory(void **state)
{
	uint8_t *p = xcalloc(3, 5);
	char *copy = xstrdup("abc"), *text = xprintf("%d-%s", 7, "x");

	(void)state;
	for (size_t i = 0; i < 15; i++)
		check_int(p[i], 0);
	check_text(copy, "abc");
	check_text(text, "7-x");
	free(p);
	free(copy);
	free(text);
}

/* In a child: its exit status, and its words on standard error. */
static void
xalloc_exits_when_short(void **state)
{
	char said[64] = "";
	int fds[2], status;
	pid_t child;

	(void)state;
	check_int(pipe(fds), 0);
	child = fork();
	check(child != -1);
	if (child == 0) {
		dup2(fds[1], STDERR_FILENO);
		fake_alloc_fail_at(1);
		xcalloc(1, 1);
		_exit(0);
	}
	close(fds[1]);
	check_int(waitpid(child, &status, 0), child);
	check(read(fds[0], said, sizeof said - 1) > 0);
	close(fds[0]);
	check(WIFEXITED(status));
	check_int(WEXITSTATUS(status), 2);
	check_text(said, "out of memory\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(xalloc_gives_memory),
		cmocka_unit_test(xalloc_exits_when_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
