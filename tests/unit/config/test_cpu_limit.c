/* cpu_limit: affinity and quotas, from files of a folder made for the test. */
#include "check.h"

#include "cpu_limit.h"

#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct machine {
	char root[64];
	unsigned cpus; /* that the test may use */
};

static void
make_folders(char *path)
{
	for (char *p = path + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
}

static void
put(const struct machine *m, const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s%s", m->root, name);
	make_folders(path);
	f = fopen(path, "w");
	check(f != NULL);
	fputs(text, f);
	fclose(f);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int
set_up(void **state)
{
	struct machine *m = calloc(1, sizeof *m);
	cpu_set_t set;

	snprintf(m->root, sizeof m->root, "/tmp/test_cpu_limit.XXXXXX");
	check(mkdtemp(m->root) != NULL);
	check_int(sched_getaffinity(0, sizeof set, &set), 0);
	m->cpus = (unsigned)CPU_COUNT(&set);
	*state = m;
	return 0;
}

static int
tear_down(void **state)
{
	struct machine *m = *state;

	nftw(m->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(m);
	return 0;
}

static void
cpu_limit_is_the_affinity_mask(void **state)
{
	struct machine *m = *state;
	cpu_set_t all, one;

	check_int(cpu_limit(m->root), m->cpus); /* no control groups */
	check_int(sched_getaffinity(0, sizeof all, &all), 0);
	CPU_ZERO(&one);
	for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET((size_t)i, &all))
			CPU_SET((size_t)i, &one);
	check_int(sched_setaffinity(0, sizeof one, &one), 0);
	check_int(cpu_limit(m->root), 1);
	check_int(sched_setaffinity(0, sizeof all, &all), 0);
}

static void
cpu_limit_reads_version_2(void **state)
{
	struct machine *m = *state;
	static const struct {
		const char *max;
		unsigned most;
	} rows[] = {
		{ "max 100000\n", UINT16_MAX },
		{ "100000 100000\n", 1 },
		{ "50000 100000\n", 1 },
		{ "149000 100000\n", 1 },
		{ "150000 100000\n", 2 },
		{ "1 100000\n", 1 },
		{ "9000000 100000\n", 90 },
		{ "garbage\n", UINT16_MAX },
		{ "100000 0\n", UINT16_MAX },
		{ "-1 100000\n", UINT16_MAX },
	};

	put(m, "/proc/self/cgroup", "0::/system.slice/derper.service\n");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		put(m, "/sys/fs/cgroup/system.slice/derper.service/cpu.max",
		    rows[i].max);
		check_int(cpu_limit(m->root),
		    rows[i].most < m->cpus ? rows[i].most : m->cpus);
	}
}

static void
cpu_limit_looks_at_the_groups_above(void **state)
{
	struct machine *m = *state;

	put(m, "/proc/self/cgroup", "0::/a/b\n");
	put(m, "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	check_int(cpu_limit(m->root), m->cpus);
	put(m, "/sys/fs/cgroup/a/cpu.max", "90000 100000\n");
	check_int(cpu_limit(m->root), 1);
}

/* In a container the path names what only the host sees; the container's own
 * group is the root of the mount. */
static void
cpu_limit_looks_at_the_root_of_the_mount(void **state)
{
	struct machine *m = *state;

	put(m, "/proc/self/cgroup", "0::/docker/0123\n");
	put(m, "/sys/fs/cgroup/cpu.max", "100000 100000\n");
	check_int(cpu_limit(m->root), 1);
}

static void
cpu_limit_reads_version_1(void **state)
{
	struct machine *m = *state;
	const char *group = "/sys/fs/cgroup/cpu,cpuacct/docker/1/";
	char quota[128], period[128];

	snprintf(quota, sizeof quota, "%scpu.cfs_quota_us", group);
	snprintf(period, sizeof period, "%scpu.cfs_period_us", group);
	put(m, "/proc/self/cgroup",
	    "5:memory:/docker/1\n4:cpuset:/docker/1\n"
	    "3:cpu,cpuacct:/docker/1\n");
	put(m, quota, "-1\n");
	put(m, period, "100000\n");
	check_int(cpu_limit(m->root), m->cpus);
	put(m, quota, "100000\n");
	check_int(cpu_limit(m->root), 1);
	/* cpuset alone is not the cpu controller */
	put(m, "/proc/self/cgroup", "4:cpuset:/docker/1\n");
	check_int(cpu_limit(m->root), m->cpus);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    cpu_limit_is_the_affinity_mask, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    cpu_limit_reads_version_2, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    cpu_limit_looks_at_the_groups_above, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    cpu_limit_looks_at_the_root_of_the_mount, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    cpu_limit_reads_version_1, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
