/* syscall_filter: see syscall_filter.h. */
#include "syscall_filter.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>

/*
 * Found by running all scenarios under strace, and what glibc, OpenSSL,
 * libcurl and getaddrinfo may fall back to on other versions and machines.
 * Names that an architecture does not have are left out there.
 */
static const char *const allowed[] = {
	/* descriptors and files */
	"read",
	"readv",
	"pread64",
	"preadv",
	"write",
	"writev",
	"pwrite64",
	"pwritev",
	"open",
	"openat",
	"close",
	"close_range",
	"stat",
	"fstat",
	"lstat",
	"newfstatat",
	"fstatat64",
	"fstat64",
	"stat64",
	"statx",
	"statfs",
	"fstatfs",
	"access",
	"faccessat",
	"faccessat2",
	"lseek",
	"_llseek",
	"getdents64",
	"readlink",
	"readlinkat",
	"getcwd",
	"fcntl",
	"fcntl64",
	"dup",
	"dup2",
	"dup3",
	"pipe",
	"pipe2",
	"ioctl",
	"fsync",
	"fdatasync",
	"ftruncate",
	"fallocate",
	"flock",
	"umask",
	"chmod",
	"fchmod",
	"fchmodat",
	"fchown",
	"rename",
	"renameat",
	"renameat2",
	"unlink",
	"unlinkat",
	"link",
	"linkat",
	"mkdir",
	"mkdirat",
	"inotify_init1",
	"inotify_add_watch",
	"inotify_rm_watch",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",
	"signalfd4",
	/* waiting */
	"poll",
	"ppoll",
	"ppoll_time64",
	"select",
	"pselect6",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"nanosleep",
	"clock_nanosleep",
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"gettimeofday",
	"time",
	/* sockets; socket itself is below */
	"socketpair",
	"bind",
	"listen",
	"accept",
	"accept4",
	"connect",
	"getsockname",
	"getpeername",
	"getsockopt",
	"setsockopt",
	"shutdown",
	"sendto",
	"recvfrom",
	"sendmsg",
	"recvmsg",
	"sendmmsg",
	"recvmmsg",
	"send",
	"recv",
	/* memory; mmap and mprotect are below */
	"brk",
	"munmap",
	"mremap",
	"madvise",
	"mlock",
	"mlock2",
	"munlock",
	"membarrier",
	"memfd_secret",
	/* threads and signals; clone is below */
	"futex",
	"futex_time64",
	"set_robust_list",
	"get_robust_list",
	"set_tid_address",
	"rseq",
	"gettid",
	"getpid",
	"getppid",
	"tgkill",
	"tkill",
	"exit",
	"exit_group",
	"sched_yield",
	"sched_getaffinity",
	"sched_setaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"getcpu",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"rt_sigtimedwait",
	"rt_sigtimedwait_time64",
	"rt_sigsuspend",
	"rt_sigpending",
	"sigaltstack",
	"restart_syscall",
	"arch_prctl",
	"prctl",
	/* facts */
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getresuid",
	"getresgid",
	"getrandom",
	"uname",
	"sysinfo",
	"getrusage",
	"getrlimit",
	"prlimit64",
	"capget",
};

static int
allow_plain(scmp_filter_ctx filter)
{
	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
		int call = seccomp_syscall_resolve_name(allowed[i]);

		if (call < 0)
			continue; /* not on this architecture */
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) != 0)
			return -1;
	}
	return 0;
}

/* The families that we and name resolution use: getaddrinfo asks netlink which
 * addresses the machine has. */
static int
allow_sockets(scmp_filter_ctx filter)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6,
		AF_NETLINK };

	for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
		if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket),
			1,
			SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0)) !=
		    0)
			return -1;
	return 0;
}

/* Memory is never writable and executable: neither at once nor in turn. A
 * shared object that name resolution loads is mapped from its file, without
 * PROT_WRITE where it has PROT_EXEC. */
static int
allow_memory(scmp_filter_ctx filter)
{
	const int maps[] = { SCMP_SYS(mmap), SCMP_SYS(mmap2) };

	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
		if (maps[i] >= 0 &&
		    (seccomp_rule_add(filter, SCMP_ACT_ALLOW, maps[i], 1,
			 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE, 0)) != 0 ||
			seccomp_rule_add(filter, SCMP_ACT_ALLOW, maps[i], 1,
			    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0))
			return -1;
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* Threads, not processes. The flags of clone3 are in memory, where a filter
 * cannot see them: with ENOSYS the C library takes clone. */
static int
allow_threads(scmp_filter_ctx filter)
{
	if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) != 0)
		return -1;
	return seccomp_rule_add(
	    filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

int
syscall_filter_enforce(struct fail *why)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (filter == NULL)
		return fail_set(why, "out of memory");
	rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc != 0 || allow_plain(filter) != 0 || allow_sockets(filter) != 0 ||
	    allow_memory(filter) != 0 || allow_threads(filter) != 0) {
		seccomp_release(filter);
		return fail_set(why, "the filter cannot be built");
	}
	rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc == 0)
		return 0;
	errno = -rc;
	return fail_errno(why, "seccomp");
}
