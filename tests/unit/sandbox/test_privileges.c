/* privileges: which capabilities a process has, and keeps. Each case is tried
 * by a child, since nothing can be taken back. */
#include "check.h"

#include "privileges.h"

#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define NOT_HERE 77 /* a child's exit status: it cannot be tried here */

static bool
has(cap_flag_t set, cap_value_t what)
{
	cap_t now = cap_get_proc();
	cap_flag_value_t value = CAP_CLEAR;

	if (now != NULL)
		(void)cap_get_flag(now, what, set, &value);
	cap_free(now);
	return value == CAP_SET;
}

/* As what a container gives to a program file with capabilities: those are
 * permitted, and none is in force. */
static int
become(cap_value_t one, cap_value_t other)
{
	const cap_value_t both[] = { one, other };
	cap_t caps = cap_init();
	int rc = -1;

	if (caps != NULL && has(CAP_PERMITTED, one) &&
	    has(CAP_PERMITTED, other) && has(CAP_EFFECTIVE, CAP_SETUID) &&
	    prctl(PR_SET_KEEPCAPS, 1UL, 0UL, 0UL, 0UL) == 0 &&
	    setuid(NOBODY) == 0 &&
	    cap_set_flag(caps, CAP_PERMITTED, 2, both, CAP_SET) == 0)
		rc = cap_set_proc(caps);
	cap_free(caps);
	return rc;
}

static void
check_child(int (*run)(void))
{
	int status = 0;
	pid_t pid = fork();

	check(pid != -1);
	if (pid == 0)
		_exit(run());
	check_int(waitpid(pid, &status, 0), pid);
	check(WIFEXITED(status));
	if (WEXITSTATUS(status) == NOT_HERE)
		skip();
	check_int(WEXITSTATUS(status), 0);
}

/* In the child: the line of the first expectation that does not hold. */
#define expect(cond)                                                       \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "line %d: %s\n", __LINE__, #cond); \
			return 1;                                          \
		}                                                          \
	} while (0)

static int
use_what_is_permitted(void)
{
	struct fail why = { 0 };

	if (become(CAP_NET_BIND_SERVICE, CAP_DAC_OVERRIDE) == -1)
		return NOT_HERE;
	expect(!has(CAP_EFFECTIVE, CAP_NET_BIND_SERVICE));
	expect(privileges_use_permitted(&why) == 0);
	expect(has(CAP_EFFECTIVE, CAP_NET_BIND_SERVICE));
	expect(has(CAP_EFFECTIVE, CAP_DAC_OVERRIDE));
	expect(!has(CAP_EFFECTIVE, CAP_CHOWN));
	return 0;
}

static int
have_nothing_to_use(void)
{
	struct fail why = { 0 };
	cap_t none = cap_init();

	expect(none != NULL && cap_set_proc(none) == 0);
	cap_free(none);
	expect(privileges_use_permitted(&why) == 0);
	expect(!has(CAP_EFFECTIVE, CAP_NET_BIND_SERVICE));
	return 0;
}

/* Drops all but the capability to read files; `kept` is what that is. */
static int
drop(cap_value_t one, cap_value_t other, cap_value_t kept)
{
	struct fail why = { 0 };

	if (become(one, other) == -1)
		return NOT_HERE;
	expect(privileges_use_permitted(&why) == 0);
	expect(privileges_drop_capabilities(true, &why) == 0);
	for (cap_value_t i = 0; cap_get_bound(i) >= 0; i++) {
		expect(has(CAP_EFFECTIVE, i) == (i == kept));
		expect(has(CAP_PERMITTED, i) == (i == kept));
	}
	return 0;
}

static int
keep_reading(void)
{
	return drop(CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH);
}

static int
keep_reading_in_a_container(void)
{
	return drop(CAP_NET_BIND_SERVICE, CAP_DAC_OVERRIDE, CAP_DAC_OVERRIDE);
}

static int
keep_nothing(void)
{
	return drop(CAP_NET_BIND_SERVICE, CAP_CHOWN, -1);
}

static int
keep_nothing_unconfined(void)
{
	struct fail why = { 0 };

	if (become(CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) == -1)
		return NOT_HERE;
	expect(privileges_drop_capabilities(false, &why) == 0);
	expect(!has(CAP_PERMITTED, CAP_DAC_READ_SEARCH));
	expect(!has(CAP_PERMITTED, CAP_DAC_OVERRIDE));
	return 0;
}

static void
permitted_capabilities_are_used(void **state)
{
	(void)state;
	check_child(use_what_is_permitted);
	check_child(have_nothing_to_use);
}

static void
one_that_reads_files_is_kept(void **state)
{
	(void)state;
	check_child(keep_reading);
	check_child(keep_reading_in_a_container);
	check_child(keep_nothing);
	check_child(keep_nothing_unconfined);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(permitted_capabilities_are_used),
		cmocka_unit_test(one_that_reads_files_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
