/* doctor_rights: see doctor_rights.h. */
#include "doctor_rights.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/nsfs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int
doctor_rights_ask_peer(int fd, struct doctor_rights_user *user, pid_t *pid)
{
	struct ucred who = { .pid = 0 };
	socklen_t len = sizeof who, size = sizeof user->groups;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == -1)
		return -1;
	*pid = who.pid;
	user->uid = who.uid;
	user->gid = who.gid;
	/* without them he has fewer rights, never more */
	user->group_count =
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, user->groups, &size) == 0
	    ? size / sizeof user->groups[0]
	    : 0;
	return 0;
}

/* ---- what the relay sees */

static int
open_of(pid_t pid, const char *what, int flags)
{
	char path[64];

	if (pid == 0)
		snprintf(path, sizeof path, "/proc/self/%s", what);
	else
		snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
	return open(path, flags | O_CLOEXEC);
}

static bool
is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	    x.st_ino == y.st_ino;
}

/* Whether the process has mounts of its own that were made with our rights:
 * those that a user makes in a user namespace of his may have any program and
 * library at any place. */
static bool
has_own_mounts(pid_t pid)
{
	const int theirs = open_of(pid, "ns/mnt", O_RDONLY);
	const int ours = open_of(0, "ns/mnt", O_RDONLY);
	const int users = open_of(0, "ns/user", O_RDONLY);
	const int owner = theirs != -1 ? ioctl(theirs, NS_GET_USERNS) : -1;
	const int fds[] = { theirs, ours, users, owner };
	const bool has = theirs != -1 && ours != -1 && users != -1 &&
	    owner != -1 && !is_same(theirs, ours) && is_same(users, owner);

	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] != -1)
			close(fds[i]);
	return has;
}

/* Keeps / as the process sees it if that is ours with other mounts below: with
 * a root folder of its own (RootDirectory=) its libraries are not ours. */
static void
open_root(struct doctor_rights *r, pid_t pid)
{
	if (!has_own_mounts(pid))
		return;
	r->own_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r->root = open_of(pid, "root", O_PATH | O_DIRECTORY);
	if (r->root == -1 || r->own_root == -1 ||
	    !is_same(r->root, r->own_root)) {
		if (r->root != -1)
			close(r->root);
		r->root = -1;
	}
}

int
doctor_rights_open(struct doctor_rights *r, pid_t pid,
    const struct doctor_rights_user *user, struct fail *why)
{
	int n;

	*r = (struct doctor_rights){
		.folder = -1, .own_folder = -1, .root = -1, .own_root = -1
	};
	if (pid == 0)
		return 0;
	r->own_folder = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->own_folder == -1)
		return fail_errno(why, "this folder");
	/* others than root and the user may not look there */
	r->folder = open_of(pid, "cwd", O_PATH | O_DIRECTORY);
	if (geteuid() != 0 || user->uid == 0)
		return 0;
	n = getgroups(DOCTOR_RIGHTS_GROUPS_MAX, r->own_groups);
	if (n == -1)
		return fail_errno(why, "groups");
	r->own_group_count = (size_t)n;
	r->user = user;
	open_root(r, pid);
	return 0;
}

/* ---- taking and giving back */

static int
go_to(int root, int folder)
{
	if (root != -1 && (fchdir(root) == -1 || chroot(".") == -1))
		return -1;
	return folder == -1 ? 0 : fchdir(folder);
}

int
doctor_rights_take(const struct doctor_rights *r, struct fail *why)
{
	if (go_to(r->root, r->folder) == -1)
		return fail_errno(why, "the relay's folder");
	if (r->user != NULL &&
	    (setgroups(r->user->group_count, r->user->groups) == -1 ||
		setegid(r->user->gid) == -1 || seteuid(r->user->uid) == -1))
		return fail_errno(why,
		    "cannot act as the relay's user (%u): run this as that "
		    "user",
		    (unsigned)r->user->uid);
	return 0;
}

int
doctor_rights_give_back(const struct doctor_rights *r, struct fail *why)
{
	if (r->user != NULL &&
	    (seteuid(0) == -1 || setegid(getgid()) == -1 ||
		setgroups(r->own_group_count, r->own_groups) == -1))
		return fail_errno(why, "cannot act as root again");
	if (r->folder == -1 && r->root == -1)
		return 0;
	if (go_to(r->root != -1 ? r->own_root : -1, r->own_folder) == -1)
		return fail_errno(why, "cannot go back to this folder");
	return 0;
}

void
doctor_rights_close(struct doctor_rights *r)
{
	const int fds[] = { r->folder, r->own_folder, r->root, r->own_root };

	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i] != -1)
			close(fds[i]);
}
