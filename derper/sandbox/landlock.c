/* landlock: see landlock.h. */
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights that Debian 12's headers do not name yet: linux/landlock.h of 6.2
 * (ABI 3) and 6.10 (ABI 5). */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif

/* All rights on files of ABI 1: EXECUTE to MAKE_SYM. */
#define RIGHTS_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_WRITE                                                         \
	(RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |                       \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |      \
	    LANDLOCK_ACCESS_FS_TRUNCATE)
/* Rights that mean something for a file that is not a folder. */
#define RIGHTS_FILE                                                     \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	    LANDLOCK_ACCESS_FS_TRUNCATE)

int
landlock_open(struct landlock *l, struct fail *why)
{
	struct landlock_ruleset_attr attr;

	*l = (struct landlock){ .fd = -1 };
	l->abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	if (l->abi < 1)
		return fail_set(why, "the kernel has no Landlock");
	l->all = RIGHTS_ABI_1;
	if (l->abi >= 2)
		l->all |= LANDLOCK_ACCESS_FS_REFER;
	if (l->abi >= 3)
		l->all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (l->abi >= 5)
		l->all |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	attr = (struct landlock_ruleset_attr){ .handled_access_fs = l->all };
	l->fd =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
	if (l->fd == -1)
		return fail_errno(why, "landlock_create_ruleset");
	return 0;
}

int
landlock_allow(
    struct landlock *l, const char *path, bool write, struct fail *why)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = (write ? RIGHTS_WRITE : RIGHTS_READ) & l->all,
		.parent_fd = open(path, O_PATH | O_CLOEXEC),
	};
	struct stat st;
	long rc;

	if (rule.parent_fd == -1)
		return errno == ENOENT || errno == ENOTDIR
		    ? 0
		    : fail_errno(why, "%s", path);
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= RIGHTS_FILE;
	rc = syscall(
	    SYS_landlock_add_rule, l->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	if (rc != 0)
		fail_errno(why, "%s", path);
	close(rule.parent_fd);
	return rc == 0 ? 0 : -1;
}

int
landlock_enforce(struct landlock *l, struct fail *why)
{
	long rc = syscall(SYS_landlock_restrict_self, l->fd, 0);

	if (rc != 0)
		fail_errno(why, "landlock_restrict_self");
	landlock_close(l);
	return rc == 0 ? 0 : -1;
}

void
landlock_close(struct landlock *l)
{
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}
