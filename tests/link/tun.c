/* tun: see tun.h. */
#include "tun.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int
enter(const char *namespace_path, struct fail *why)
{
	int fd = open(namespace_path, O_RDONLY | O_CLOEXEC);
	int entered;

	if (fd == -1)
		return fail_errno(why, "%s", namespace_path);
	entered = setns(fd, CLONE_NEWNET);
	if (entered == -1)
		fail_errno(why, "%s", namespace_path);
	close(fd);
	return entered;
}

int
tun_open(const char *namespace_path, const char *device, struct fail *why)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd;

	if (strlen(device) >= sizeof request.ifr_name) {
		return fail_set(why, "%s: too long for a device name", device);
	}
	memcpy(request.ifr_name, device, strlen(device));
	if (enter(namespace_path, why) == -1)
		return -1;
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return fail_errno(why, "/dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &request) == -1) {
		fail_errno(why, "%s", device);
		close(fd);
		return -1;
	}
	return fd;
}
