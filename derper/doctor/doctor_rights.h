/*
 * doctor_rights: the rights of the user that a relay belongs to, for root, who
 * looks at it.
 *
 * Arguments and variables of a process are what it says of itself. Root does
 * what follows from them, such as to read the files and ask the servers that
 * they name, as that user only, so that a relay that was taken over has nothing
 * read that it cannot read. Files are then those that the relay sees, also
 * where its unit has them at other places (DynamicUser=). Life:
 * doctor_rights_open -> (doctor_rights_take -> doctor_rights_give_back)* ->
 * doctor_rights_close. Threads: the main thread; the whole process's rights
 * change. Source: credentials(7), ioctl_ns(2).
 */
#ifndef DERPKIT_DOCTOR_RIGHTS_H
#define DERPKIT_DOCTOR_RIGHTS_H

#include "fail.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define DOCTOR_RIGHTS_GROUPS_MAX 1024

struct doctor_rights_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[DOCTOR_RIGHTS_GROUPS_MAX];
	size_t group_count;
};

struct doctor_rights {
	/* the relay's; NULL: we keep our own. Borrowed */
	const struct doctor_rights_user *user;
	gid_t own_groups[DOCTOR_RIGHTS_GROUPS_MAX];
	size_t own_group_count;
	/* Folders: where relative paths begin, and what / is. Owned; -1: they
	 * stay as they are */
	int folder, own_folder, root, own_root;
};

/* Who made the other end of a connection to a UNIX socket listen. *pid is 0
 * when it is in another PID namespace. -1 with errno. */
int doctor_rights_ask_peer(int fd, struct doctor_rights_user *user, pid_t *pid);

/* Of the process, which is the user's: borrowed. Those of the user are taken
 * only if we are root and he is not. pid 0: nothing is to change. -1 and the
 * reason; to be closed in any case. */
int doctor_rights_open(struct doctor_rights *r, pid_t pid,
    const struct doctor_rights_user *user, struct fail *why);

/* -1 and the reason: do nothing in the relay's name then; to be given back in
 * any case. */
int doctor_rights_take(const struct doctor_rights *r, struct fail *why);
int doctor_rights_give_back(const struct doctor_rights *r, struct fail *why);

void doctor_rights_close(struct doctor_rights *r);

#endif
