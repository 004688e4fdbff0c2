/* own_address: which addresses this machine has. */
#include "check.h"

#include "own_address.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

static bool is_without_netlink;

/* see ld(1), --wrap */
int __real_getifaddrs(struct ifaddrs **list);
int __wrap_getifaddrs(struct ifaddrs **list);

int
__wrap_getifaddrs(struct ifaddrs **list)
{
	if (!is_without_netlink)
		return __real_getifaddrs(list);
	errno = EAFNOSUPPORT;
	return -1;
}

static enum own_address
ask(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return own_address_ask(&a);
}

static void
own_address_knows_its_own(void **state)
{
	(void)state;
	check_int(ask("127.0.0.1"), OWN_ADDRESS_YES);
	/* documentation: nobody has them */
	check_int(ask("203.0.113.77"), OWN_ADDRESS_NO);
	check_int(ask("2001:db8::77"), OWN_ADDRESS_NO);
}

static void
own_address_says_when_it_cannot_be_asked(void **state)
{
	struct rlimit limit, none;
	enum own_address found;

	(void)state;
	check_int(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	check_int(setrlimit(RLIMIT_NOFILE, &none), 0);
	found = ask("203.0.113.77");
	check_int(setrlimit(RLIMIT_NOFILE, &limit), 0);
	check_int(found, OWN_ADDRESS_UNKNOWN);
}

static void
add_address(int fd, const char *label, uint32_t address)
{
	struct ifreq r = { .ifr_flags = 0 };
	const struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(address) };

	snprintf(r.ifr_name, sizeof r.ifr_name, "%s", label);
	memcpy(&r.ifr_addr, &in, sizeof in);
	check_int(ioctl(fd, SIOCSIFADDR, &r), 0);
}

/* A network of our own: an interface with two addresses of one subnet. False:
 * that cannot be made here. */
static bool
make_network(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	check(fd != -1);
	check_int(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	add_address(fd, "lo:1", 0xc0000201);
	add_address(fd, "lo:2", 0xc0000202);
	close(fd);
	return true;
}

/* False: /proc is read-only, as in containers. */
static bool
let_bind_to_all(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_nonlocal_bind", "w");

	if (f == NULL)
		return false;
	check(fputs("1", f) != EOF);
	return fclose(f) == 0;
}

/* The last: this process has another network then. */
static void
own_address_knows_the_second_of_a_subnet(void **state)
{
	(void)state;
	if (!make_network())
		skip();
	for (unsigned i = 0; i < 2; i++) {
		is_without_netlink = i == 1;
		check_int(ask("192.0.2.1"), OWN_ADDRESS_YES);
		check_int(ask("192.0.2.2"), OWN_ADDRESS_YES);
		check_int(ask("198.51.100.3"), OWN_ADDRESS_NO);
	}
	if (!let_bind_to_all())
		return;
	is_without_netlink = false;
	check_int(ask("192.0.2.2"), OWN_ADDRESS_YES);
	check_int(ask("198.51.100.3"), OWN_ADDRESS_NO);
	check_int(ask("0.0.0.0"), OWN_ADDRESS_NO);
	is_without_netlink = true;
	check_int(ask("198.51.100.3"), OWN_ADDRESS_NO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_address_knows_its_own),
		cmocka_unit_test(own_address_says_when_it_cannot_be_asked),
		cmocka_unit_test(own_address_knows_the_second_of_a_subnet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
