/* cpu_limit: see cpu_limit.h. */
#include "cpu_limit.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE                                                            \
	4096 /* bytes of a line of /proc/self/cgroup or of a quota file \
	      */
#define CPUS_MAX 8192 /* processors that an affinity mask has room for */

/* Where each kind of control group is mounted, below the root; the first one
 * that has the file counts. */
static const char *const v2_mounts[] = { "/sys/fs/cgroup",
	"/sys/fs/cgroup/unified" };
static const char *const v1_mounts[] = { "/sys/fs/cgroup/cpu",
	"/sys/fs/cgroup/cpu,cpuacct" };

static unsigned
affinity(void)
{
	cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
	const size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
	int count = 0;

	if (set != NULL && sched_getaffinity(0, size, set) == 0)
		count = CPU_COUNT_S(size, set);
	CPU_FREE(set);
	if (count < 1)
		count = (int)sysconf(_SC_NPROCESSORS_ONLN);
	return count < 1 ? 1 : (unsigned)count;
}

/* The first line of a small file; false when it cannot be read. */
static bool
read_line(char line[static LINE], const char *root, const char *mount,
    const char *group, const char *name)
{
	char path[PATH_MAX];
	FILE *f;
	bool got;
	int n =
	    snprintf(path, sizeof path, "%s%s%s/%s", root, mount, group, name);

	if (n < 0 || (size_t)n >= sizeof path)
		return false;
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	got = fgets(line, LINE, f) != NULL;
	fclose(f);
	return got;
}

/* The smaller of the limit and quota/period, rounded; no quota is <= 0. */
static unsigned
lower(unsigned limit, long long quota, long long period)
{
	long long cpus;

	if (quota <= 0 || period <= 0)
		return limit;
	cpus = quota / period + (quota % period * 2 >= period);
	if (cpus < 1)
		cpus = 1;
	return cpus < limit ? (unsigned)cpus : limit;
}

static unsigned
limit_v2(unsigned limit, const char *root, const char *mount, const char *group)
{
	char line[LINE];
	long long quota, period;

	/* "max 100000" is not a quota, and no number */
	if (read_line(line, root, mount, group, "cpu.max") &&
	    sscanf(line, "%lld %lld", &quota, &period) == 2)
		return lower(limit, quota, period);
	return limit;
}

static unsigned
limit_v1(unsigned limit, const char *root, const char *mount, const char *group)
{
	char quota[LINE], period[LINE];

	if (read_line(quota, root, mount, group, "cpu.cfs_quota_us") &&
	    read_line(period, root, mount, group, "cpu.cfs_period_us"))
		return lower(
		    limit, strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
	return limit;
}

/* The limits of a group and of all groups above it. Within a container the
 * path may name groups that are not visible, while its own is the mount's
 * root: every prefix is tried, those that are not there set no limit. */
static unsigned
limit_groups(unsigned limit, const char *root, bool v1, char *group)
{
	const char *const *mounts = v1 ? v1_mounts : v2_mounts;
	char *slash;

	for (;;) {
		for (size_t i = 0; i < 2; i++)
			limit = v1 ? limit_v1(limit, root, mounts[i], group)
				   : limit_v2(limit, root, mounts[i], group);
		slash = strrchr(group, '/');
		if (slash == NULL)
			return limit;
		*slash = '\0';
	}
}

/* Whether a comma-separated list of controllers has "cpu". */
static bool
has_cpu(const char *controllers, size_t n)
{
	while (n > 0) {
		const char *comma = memchr(controllers, ',', n);
		size_t word = comma != NULL ? (size_t)(comma - controllers) : n;

		if (word == 3 && memcmp(controllers, "cpu", 3) == 0)
			return true;
		if (comma == NULL)
			return false;
		controllers += word + 1;
		n -= word + 1;
	}
	return false;
}

/* A line of /proc/self/cgroup is ID:CONTROLLERS:PATH; in version 2 the list of
 * controllers is empty. */
static unsigned
limit_line(unsigned limit, const char *root, char *line)
{
	char *controllers = strchr(line, ':'), *path;

	if (controllers == NULL)
		return limit;
	controllers++;
	path = strchr(controllers, ':');
	if (path == NULL)
		return limit;
	line[strcspn(line, "\n")] = '\0';
	if (path == controllers)
		return limit_groups(limit, root, false, path + 1);
	if (has_cpu(controllers, (size_t)(path - controllers)))
		return limit_groups(limit, root, true, path + 1);
	return limit;
}

unsigned
cpu_limit(const char *root)
{
	unsigned limit = affinity();
	char path[PATH_MAX], line[LINE];
	FILE *f;

	snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	if (f == NULL)
		return limit;
	while (fgets(line, sizeof line, f) != NULL)
		limit = limit_line(limit, root, line);
	fclose(f);
	return limit;
}
