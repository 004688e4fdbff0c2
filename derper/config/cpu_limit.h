/*
 * cpu_limit: how many processors this process may really use.
 *
 * The number of processors of the machine says little in a container: the
 * affinity mask (taskset, --cpuset-cpus) and the CPU quota of the control
 * groups (--cpus, CPUQuota=) are what counts. More workers than that cost CPU
 * for each packet and get nothing done sooner.
 *
 * Threads: pure, but for the files it reads. Source: sched_getaffinity(2),
 * cgroups(7), Linux Documentation/admin-guide/cgroup-v2.rst (cpu.max) and
 * scheduler/sched-bwc.rst (cpu.cfs_quota_us).
 */
#ifndef DERPKIT_CPU_LIMIT_H
#define DERPKIT_CPU_LIMIT_H

/*
 * Processors that the affinity mask and the quotas of all control groups above
 * us allow: at least 1; a quota of 1.5 or more counts as 2, of less as 1.
 * `root` is put before the paths of /proc and /sys, "" but in tests. What
 * cannot be read sets no limit.
 */
unsigned cpu_limit(const char *root);

#endif
