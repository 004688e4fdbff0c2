/* sd_notify: the variables, the socket, messages. */
#include "fake_manager.h"
#include "sd_notify.h"

#include <errno.h>
#include <stddef.h>

static void
refused(const char *want)
{
	struct sd_notify n;
	struct fail why = { 0 };

	check_int(sd_notify_open(&n, fake_env_get, &why), -1);
	check_contains(why.text, want);
	check(!n.used);
	sd_notify_close(&n);
}

static void
sd_notify_sends_to_the_socket(void **state)
{
	struct fake_manager m;
	struct sd_notify n;
	char longest[SD_NOTIFY_MESSAGE_MAX * 2];

	(void)state;
	fake_manager_open(&m);
	check_int(sd_notify_open(&n, fake_env_get, NULL), 0);
	check(n.used);
	check_size(n.watchdog_us, 0);
	check_int(sd_notify_send(&n, "STATUS=%d\nREADY=1", 7), 0);
	check_text(fake_manager_next(&m), "STATUS=7\nREADY=1");
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	check_int(sd_notify_send(&n, "%s", longest), 0);
	check_size(strlen(fake_manager_next(&m)), SD_NOTIFY_MESSAGE_MAX - 1);
	fake_manager_close(&m);
	check_int(sd_notify_send(&n, "READY=1"), -1);
	check(errno == ECONNREFUSED || errno == ENOENT);
	sd_notify_close(&n);
	sd_notify_close(&n);
}

static void
sd_notify_knows_abstract_sockets(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char name[64], got[32] = "";
	struct sd_notify n;

	(void)state;
	snprintf(name, sizeof name, "@derpkit-notify-%d", (int)getpid());
	memcpy(sa.sun_path + 1, name + 1, strlen(name) - 1);
	check_int(bind(fd, (struct sockaddr *)&sa,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			  strlen(name))),
	    0);
	fake_env_clear();
	fake_env_set("NOTIFY_SOCKET", name);
	check_int(sd_notify_open(&n, fake_env_get, NULL), 0);
	check_int(sd_notify_send(&n, "READY=1"), 0);
	check_int(recv(fd, got, sizeof got - 1, 0), 7);
	check_text(got, "READY=1");
	sd_notify_close(&n);
	close(fd);
}

static void
sd_notify_without_a_manager_is_silent(void **state)
{
	struct sd_notify n, zero = { .used = false };

	(void)state;
	fake_env_clear();
	check_int(sd_notify_open(&n, fake_env_get, NULL), 0);
	check(!n.used);
	check_int(sd_notify_send(&n, "READY=1"), 0);
	sd_notify_close(&n);
	check_int(sd_notify_send(&zero, "READY=1"), 0);
	sd_notify_close(&zero); /* not descriptor 0 */
}

/* The watchdog of another process is none of ours. */
static void
sd_notify_reads_the_watchdog(void **state)
{
	struct fake_manager m;
	struct sd_notify n;

	(void)state;
	fake_manager_open(&m);
	fake_env_set("WATCHDOG_USEC", "30000000");
	check_int(sd_notify_open(&n, fake_env_get, NULL), 0);
	check_size(n.watchdog_us, 30000000);
	sd_notify_close(&n);
	fake_env_set_pid("WATCHDOG_PID", 0);
	check_int(sd_notify_open(&n, fake_env_get, NULL), 0);
	check_size(n.watchdog_us, 30000000);
	sd_notify_close(&n);
	fake_env_set_pid("WATCHDOG_PID", 1);
	check_int(sd_notify_open(&n, fake_env_get, NULL), 0);
	check_size(n.watchdog_us, 0);
	sd_notify_close(&n);
	fake_manager_close(&m);
}

static void
sd_notify_refuses_wrong_variables(void **state)
{
	char longest[120];

	(void)state;
	fake_env_clear();
	fake_env_set("NOTIFY_SOCKET", "vsock:2:1234");
	refused("NOTIFY_SOCKET: \"vsock:2:1234\" is not the path");
	fake_env_set("NOTIFY_SOCKET", "@");
	refused("NOTIFY_SOCKET");
	memset(longest, '/', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	fake_env_set("NOTIFY_SOCKET", longest);
	refused("NOTIFY_SOCKET");
	fake_env_set("NOTIFY_SOCKET", "/x");
	fake_env_set("WATCHDOG_USEC", "soon");
	refused("WATCHDOG_USEC: \"soon\" is not");
	fake_env_set("WATCHDOG_USEC", "0");
	refused("WATCHDOG_USEC");
	fake_env_set("WATCHDOG_USEC", "1");
	fake_env_set("WATCHDOG_PID", "me");
	refused("WATCHDOG_PID: \"me\" is not");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sd_notify_sends_to_the_socket),
		cmocka_unit_test(sd_notify_knows_abstract_sockets),
		cmocka_unit_test(sd_notify_without_a_manager_is_silent),
		cmocka_unit_test(sd_notify_reads_the_watchdog),
		cmocka_unit_test(sd_notify_refuses_wrong_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
