/* process_stats: see process_stats.h. */
#include "process_stats.h"

#include "clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* btime of /proc/stat, which comes after a line per CPU. */
static int64_t
read_boot_time(void)
{
	FILE *f = fopen("/proc/stat", "re");
	char line[512];
	int64_t boot_s = 0;

	if (f == NULL)
		return 0;
	while (boot_s == 0 && fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "btime %" SCNd64, &boot_s) != 1)
			boot_s = 0;
	fclose(f);
	return boot_s;
}

void
process_stats_open(struct process_stats *p)
{
	struct rlimit files = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &files);
	*p = (struct process_stats){
		.memory_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC),
		.files_fd =
		    open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.page = (uint64_t)sysconf(_SC_PAGESIZE),
		.max_files = files.rlim_cur,
		.started_s = clock_wall_s(),
		.started_ms = clock_now_ms(),
		.boot_s = read_boot_time(),
	};
}

void
process_stats_close(struct process_stats *p)
{
	if (p->memory_fd != -1)
		close(p->memory_fd);
	if (p->files_fd != -1)
		close(p->files_fd);
	p->memory_fd = p->files_fd = -1;
}

static void
read_memory(const struct process_stats *p, struct process_use *use)
{
	char text[128];
	uint64_t virtual, resident;
	ssize_t n = p->memory_fd != -1
	    ? pread(p->memory_fd, text, sizeof text - 1, 0)
	    : -1;

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%" SCNu64 " %" SCNu64, &virtual, &resident) != 2)
		return;
	use->virtual = virtual * p->page;
	use->resident = resident * p->page;
}

uint64_t
process_stats_files(const struct process_stats *p)
{
	_Alignas(8) char entries[32768];
	uint64_t count = 0;
	ssize_t n;

	if (p->files_fd == -1 || lseek(p->files_fd, 0, SEEK_SET) == -1)
		return 0;
	/* readdir would want a descriptor that closedir closes */
	while ((n = getdents64(p->files_fd, entries, sizeof entries)) > 0)
		for (ssize_t at = 0; at < n; count++) {
			const struct dirent64 *entry =
			    (const struct dirent64 *)(entries + at);

			at += entry->d_reclen;
		}
	return n == 0 && count > 2 ? count - 2 : 0; /* "." and ".." */
}

void
process_stats_read(const struct process_stats *p, struct process_use *use)
{
	struct timespec t;

	memset(use, 0, sizeof *use);
	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0)
		use->cpu_ns =
		    (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
	read_memory(p, use);
}
