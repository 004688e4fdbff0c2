/* sd_listen: which sockets were given, and whether they fit. */
#include "check.h"
#include "fake_env.h"

#include "sd_listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#define FAR 40 /* beyond all descriptors that are given */

/* Makes it descriptor number 3 + i, as a service manager does. */
static void
give(int i, int fd)
{
	const int far = fcntl(fd, F_DUPFD, FAR);

	check(far >= FAR);
	close(fd);
	check_int(dup2(far, SD_LISTEN_FIRST + i), SD_LISTEN_FIRST + i);
	close(far);
}

/* A socket on an address of its own; listening where that means something. */
static int
bound(int family, int type)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const int fd = socket(family, type, 0);

	check(fd != -1);
	if (family == AF_INET)
		check_int(bind(fd, (struct sockaddr *)&in4, sizeof in4), 0);
	if (family == AF_INET6)
		check_int(bind(fd, (struct sockaddr *)&in6, sizeof in6), 0);
	if (family != AF_UNIX && type == SOCK_STREAM)
		check_int(listen(fd, 1), 0);
	return fd;
}

static void
take_away(const struct sd_listen *l)
{
	for (size_t i = 0; i < l->count; i++)
		close(l->v[i].fd);
}

static int
setup(void **state)
{
	(void)state;
	fake_env_clear();
	fake_env_set_pid("LISTEN_PID", 0);
	return 0;
}

static void
sd_listen_takes_them_with_names(void **state)
{
	struct sd_listen l;
	struct fail why = { 0 };

	(void)state;
	give(0, bound(AF_INET, SOCK_STREAM));
	give(1, bound(AF_INET, SOCK_DGRAM));
	give(2, bound(AF_INET, SOCK_STREAM));
	fake_env_set("LISTEN_FDS", "3");
	fake_env_set("LISTEN_FDNAMES", "https:stun");
	check_int(sd_listen_take(&l, fake_env_get, &why), 0);
	check_text(why.text, "");
	check_size(l.count, 3);
	check_text(l.v[0].name, "https");
	check_text(l.v[1].name, "stun");
	check_text(l.v[2].name, "unknown");
	check_int(l.v[0].type, SOCK_STREAM);
	check_int(l.v[1].type, SOCK_DGRAM);
	check(l.v[0].listens && !l.v[1].listens);
	check(l.v[0].addr.is_set && l.v[0].addr.is_v4 && l.v[0].addr.port != 0);
	check((fcntl(3, F_GETFD) & FD_CLOEXEC) != 0);
	check((fcntl(3, F_GETFL) & O_NONBLOCK) != 0);
	take_away(&l);
}

static void
sd_listen_knows_the_wildcard(void **state)
{
	struct sd_listen l;
	const int fd = socket(AF_INET6, SOCK_STREAM, 0);

	(void)state;
	if (fd == -1)
		skip(); /* IPv6 is off */
	close(fd);
	give(0, bound(AF_INET6, SOCK_STREAM));
	fake_env_set("LISTEN_FDS", "1");
	check_int(sd_listen_take(&l, fake_env_get, NULL), 0);
	check(!l.v[0].addr.is_set && l.v[0].addr.port != 0);
	take_away(&l);
}

static void
sd_listen_leaves_what_is_of_others(void **state)
{
	struct sd_listen l;

	(void)state;
	check_int(sd_listen_take(&l, fake_env_get, NULL), 0);
	check_size(l.count, 0);
	fake_env_set("LISTEN_FDS", "1");
	fake_env_set_pid("LISTEN_PID", 1);
	check_int(sd_listen_take(&l, fake_env_get, NULL), 0);
	check_size(l.count, 0);
}

static void
refused(const char *want)
{
	struct sd_listen l;
	struct fail why = { 0 };

	check_int(sd_listen_take(&l, fake_env_get, &why), -1);
	check_contains(why.text, want);
}

static void
sd_listen_refuses_wrong_variables(void **state)
{
	int file[2];

	(void)state;
	fake_env_set("LISTEN_FDS", "many");
	refused("LISTEN_FDS: \"many\" is not a number");
	fake_env_set("LISTEN_FDS", "17");
	refused("LISTEN_FDS");
	fake_env_set("LISTEN_FDS", "1");
	close(SD_LISTEN_FIRST);
	refused("descriptor 3 (unknown): Bad file descriptor");
	check_int(pipe(file), 0);
	give(0, file[0]);
	refused("descriptor 3 (unknown): Socket operation on non-socket");
	close(SD_LISTEN_FIRST);
	close(file[1]);
	fake_env_set("LISTEN_PID", "me");
	refused("LISTEN_PID: \"me\" is not");
}

static void
unfit(
    const struct sd_listen_socket *s, enum listener_kind kind, const char *want)
{
	struct fail why = { 0 };

	check_int(sd_listen_check(s, kind, false, &why), -1);
	check_contains(why.text, want);
}

static void
sd_listen_checks_kind_and_family(void **state)
{
	struct sd_listen l;

	(void)state;
	give(0, bound(AF_INET, SOCK_STREAM));
	give(1, bound(AF_INET, SOCK_DGRAM));
	give(2, bound(AF_UNIX, SOCK_STREAM));
	give(3, socket(AF_INET, SOCK_STREAM, 0));
	fake_env_set("LISTEN_FDS", "4");
	fake_env_set("LISTEN_FDNAMES", "a:b:c:d");
	check_int(sd_listen_take(&l, fake_env_get, NULL), 0);
	check_int(sd_listen_check(&l.v[0], LISTENER_TCP, false, NULL), 0);
	check_int(sd_listen_check(&l.v[1], LISTENER_UDP, false, NULL), 0);
	unfit(&l.v[0], LISTENER_UDP, "(a) is not a UDP socket");
	unfit(&l.v[1], LISTENER_TCP, "(b) is not a listening stream socket");
	unfit(&l.v[2], LISTENER_TCP, "(c) is not a socket of IPv4 or IPv6");
	unfit(&l.v[3], LISTENER_TCP, "(d) is not a listening stream socket");
	l.v[2].listens = true;
	check_int(sd_listen_check(&l.v[2], LISTENER_TCP, true, NULL), 0);
	take_away(&l);
}

static void
sd_listen_shares_a_duplicate(void **state)
{
	struct fail why = { 0 };
	int fd;

	(void)state;
	give(0, bound(AF_INET, SOCK_DGRAM));
	fd = sd_listen_share(SD_LISTEN_FIRST, &why);
	check(fd > SD_LISTEN_FIRST);
	check((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
	close(SD_LISTEN_FIRST);
	check_int(sd_listen_share(SD_LISTEN_FIRST, &why), -1);
	check_contains(why.text, "descriptor 3: Bad file descriptor");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sd_listen_takes_them_with_names),
		TEST(sd_listen_knows_the_wildcard),
		TEST(sd_listen_leaves_what_is_of_others),
		TEST(sd_listen_refuses_wrong_variables),
		TEST(sd_listen_checks_kind_and_family),
		TEST(sd_listen_shares_a_duplicate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
