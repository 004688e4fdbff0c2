/* sandbox: what a process can and cannot do any more. Each case is tried by a
 * child, since nothing can be taken back. */
#include "check.h"

#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_HERE 77 /* a child's exit status: the kernel has no such thing */

struct folders {
	char root[64], read[96], write[96], other[96]; /* folders */
};

static void
put_file(const char *folder, const char *name)
{
	char path[160];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	check(fd != -1);
	close(fd);
}

static int
set_up(void **state)
{
	struct folders *f = calloc(1, sizeof *f);

	snprintf(f->root, sizeof f->root, "/tmp/test_sandbox.XXXXXX");
	check(mkdtemp(f->root) != NULL);
	snprintf(f->read, sizeof f->read, "%s/read", f->root);
	snprintf(f->write, sizeof f->write, "%s/write", f->root);
	snprintf(f->other, sizeof f->other, "%s/other", f->root);
	check_int(mkdir(f->read, 0700) | mkdir(f->write, 0700) |
		mkdir(f->other, 0700),
	    0);
	put_file(f->read, "file");
	put_file(f->other, "file");
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct folders *f = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", f->root);
	check_int(system(command), 0);
	free(f);
	return 0;
}

static struct sandbox_config
everything(const struct folders *f, const char *paths[static 2])
{
	paths[0] = f->read;
	paths[1] = f->write;
	return (struct sandbox_config){ .landlock = true,
		.seccomp = true,
		.read_paths = &paths[0],
		.read_count = 1,
		.write_paths = &paths[1],
		.write_count = 1 };
}

/* Runs it in a child; its exit status. */
static int
in_child(const struct folders *f, int (*run)(const struct folders *f))
{
	int status = 0;
	pid_t pid = fork();

	check(pid != -1);
	if (pid == 0)
		_exit(run(f));
	check_int(waitpid(pid, &status, 0), pid);
	check(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
check_child(const struct folders *f, int (*run)(const struct folders *f))
{
	int status = in_child(f, run);

	if (status == NOT_HERE)
		skip();
	check_int(status, 0);
}

/* In the child: the line of the first expectation that does not hold. */
#define expect(cond)                                    \
	do {                                            \
		if (!(cond))                            \
			return failed(__LINE__, #cond); \
	} while (0)

static int
failed(int line, const char *what)
{
	fprintf(
	    stderr, "line %d: %s (errno: %s)\n", line, what, strerror(errno));
	return 1;
}

static int
open_in(const char *folder, const char *name, int flags)
{
	char path[160];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, flags, 0600);
	if (fd == -1)
		return -errno;
	close(fd);
	return 0;
}

static int
only_files_that_are_named(const struct folders *f)
{
	char report[SANDBOX_TEXT], from[160], to[160];
	const char *paths[2];
	struct sandbox_config config = everything(f, paths);

	config.seccomp = false;
	sandbox_enter(&config, report);
	if (strstr(report, "Landlock: on") == NULL)
		return NOT_HERE;
	expect(open_in(f->read, "file", O_RDONLY) == 0);
	expect(open_in(f->read, "file", O_WRONLY) == -EACCES);
	expect(open_in(f->read, "new", O_WRONLY | O_CREAT) == -EACCES);
	expect(open_in(f->other, "file", O_RDONLY) == -EACCES);
	expect(open_in(f->write, "new", O_WRONLY | O_CREAT) == 0);
	snprintf(from, sizeof from, "%s/new", f->write);
	snprintf(to, sizeof to, "%s/renamed", f->write);
	expect(rename(from, to) == 0);
	expect(unlink(to) == 0);
	expect(open_in("/etc", "hosts", O_RDONLY) != -EACCES);
	expect(open_in("/", "var", O_RDONLY) == -EACCES);
	return 0;
}

static void *
nothing(void *ctx)
{
	return ctx;
}

static int
only_calls_that_are_needed(const struct folders *f)
{
	char report[SANDBOX_TEXT], *const none[] = { NULL };
	const char *paths[2];
	struct sandbox_config config = everything(f, paths);
	struct addrinfo *found;
	pthread_t thread;
	void *map;

	sandbox_enter(&config, report);
	if (strstr(report, "filter: on") == NULL)
		return NOT_HERE;
	expect(execve("/bin/true", none, none) == -1 && errno == EPERM);
	expect(fork() == -1 && errno == EPERM);
	expect(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == EPERM);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(map == MAP_FAILED && errno == EPERM);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	expect(map != MAP_FAILED);
	expect(mprotect(map, 4096, PROT_EXEC) == -1 && errno == EPERM);
	/* what goes on working */
	expect(pthread_create(&thread, NULL, nothing, NULL) == 0);
	expect(pthread_join(thread, NULL) == 0);
	expect(getaddrinfo("localhost", "80", NULL, &found) == 0);
	freeaddrinfo(found);
	expect(socket(AF_INET6, SOCK_STREAM, 0) != -1);
	return 0;
}

static int
no_privileges_are_left(const struct folders *f)
{
	const char *paths[2];
	struct sandbox_config config = everything(f, paths);
	char report[SANDBOX_TEXT];
	cap_flag_value_t value;
	struct rlimit core;
	cap_t caps;

	config.landlock = config.seccomp = false;
	sandbox_enter(&config, report);
	expect(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	expect(prctl(PR_GET_DUMPABLE) == 0);
	expect(prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1);
	caps = cap_get_proc();
	for (cap_value_t i = 0; cap_get_bound(i) >= 0; i++) {
		expect(cap_get_flag(caps, i, CAP_PERMITTED, &value) == 0);
		expect(value == CAP_CLEAR);
		expect(geteuid() != 0 || cap_get_bound(i) == 0);
	}
	cap_free(caps);
	return 0;
}

static int
nothing_is_given_up(const struct folders *f)
{
	const struct sandbox_config config = { .core_dumps = true,
		.capabilities = true };
	char report[SANDBOX_TEXT];

	sandbox_enter(&config, report);
	expect(strcmp(report,
		   "memory dumps prevented: off, no_new_privs: off, "
		   "capabilities dropped: off, Landlock: off, "
		   "system call filter: off") == 0);
	expect(prctl(PR_GET_DUMPABLE) == 1);
	expect(prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 0);
	expect(open_in(f->other, "file", O_RDONLY) == 0);
	return 0;
}

static void
sandbox_limits_files(void **state)
{
	check_child(*state, only_files_that_are_named);
}

static void
sandbox_limits_system_calls(void **state)
{
	if (!SANDBOX_DEFAULT)
		skip(); /* sanitizers need what is not allowed */
	check_child(*state, only_calls_that_are_needed);
}

static void
sandbox_drops_privileges(void **state)
{
	if (!SANDBOX_DEFAULT)
		skip(); /* the leak checker needs to look into the process */
	check_child(*state, no_privileges_are_left);
}

static void
sandbox_can_be_switched_off(void **state)
{
	check_child(*state, nothing_is_given_up);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    sandbox_limits_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    sandbox_limits_system_calls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    sandbox_drops_privileges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    sandbox_can_be_switched_off, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
