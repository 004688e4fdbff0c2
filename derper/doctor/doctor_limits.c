/* doctor_limits: descriptors, memory and kernel settings. */
#include "doctor_checks.h"

#include "descriptors.h"
#include "listener.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static const char name[] = "limits";

#define BASE_BYTES ((uint64_t)64 << 20) /* of the program itself */
/* What Linux gives a socket by default: bursts of STUN questions fit. */
#define RECEIVE_BYTES 212992

/* The number after a text at the beginning of a line of a file; false: there is
 * none. */
static bool
read_number(const char *path, const char *before, uint64_t *value)
{
	const size_t n = strlen(before);
	FILE *f = fopen(path, "re");
	char line[256];
	bool found = false;

	while (f != NULL && !found && fgets(line, sizeof line, f) != NULL)
		found = strncmp(line, before, n) == 0 &&
		    sscanf(line + n, "%" SCNu64, value) == 1;
	if (f != NULL)
		fclose(f);
	return found;
}

/* What the relay that runs has, or what one that starts raises itself to. */
static uint64_t
open_files(const struct doctor_subject *d)
{
	struct rlimit limit = { .rlim_max = 0 };
	uint64_t value;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/limits", (int)d->pid);
	if (d->pid != 0 && read_number(path, "Max open files", &value))
		return value;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max;
}

static void
look_at_files(const struct doctor_subject *d)
{
	const uint64_t needed = descriptors_needed(d->config);
	const uint64_t files = open_files(d);
	char advice[160];

	snprintf(advice, sizeof advice,
	    "raise it to %" PRIu64 " (LimitNOFILE= in the unit, ulimit -n, "
	    "--ulimit nofile=), or lower -max-connections",
	    needed);
	if (files >= needed)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "%" PRIu64 " open files are enough for -max-connections "
		    "%" PRId64,
		    files, d->config->max_connections);
	else
		doctor_report_add(d->report, name, DOCTOR_WARNING, advice,
		    "%" PRIu64 " open files, and -max-connections %" PRId64
		    " needs %" PRIu64,
		    files, d->config->max_connections, needed);
}

static uint64_t
memory_available(void)
{
	uint64_t kib = 0, group = UINT64_MAX;

	if (!read_number("/proc/meminfo", "MemAvailable:", &kib))
		return UINT64_MAX;
	(void)read_number("/sys/fs/cgroup/memory.max", "", &group);
	return group < kib * 1024 ? group : kib * 1024;
}

static void
look_at_memory(const struct doctor_subject *d)
{
	const uint64_t most = BASE_BYTES +
	    (uint64_t)d->config->queue_bytes_total +
	    (uint64_t)d->config->login_bytes_total;
	const uint64_t available = memory_available();

	if (available >= most)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "memory for all queues, %" PRIu64 " MB, is there",
		    most >> 20);
	else
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "lower -queue-bytes-total and -login-bytes-total, or give "
		    "it more memory",
		    "%" PRIu64 " MB of memory are available, and full queues "
		    "take %" PRIu64 " MB",
		    available >> 20, most >> 20);
}

static void
look_at_setting(const struct doctor_subject *d, const char *setting,
    uint64_t least, const char *what)
{
	char path[96], advice[96];
	uint64_t value;

	snprintf(path, sizeof path, "/proc/sys/net/core/%s", setting);
	snprintf(advice, sizeof advice, "sysctl -w net.core.%s=%" PRIu64,
	    setting, least);
	/* not every container shows them */
	if (!read_number(path, "", &value))
		return;
	if (value >= least)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "net.core.%s is %" PRIu64, setting, value);
	else
		doctor_report_add(d->report, name, DOCTOR_WARNING, advice,
		    "net.core.%s is %" PRIu64 ": %s", setting, value, what);
}

void
doctor_limits(const struct doctor_subject *d)
{
	look_at_files(d);
	look_at_memory(d);
	look_at_setting(d, "somaxconn", LISTENER_BACKLOG,
	    "clients that connect at once after an outage are refused");
	if (d->config->stun)
		look_at_setting(d, "rmem_default", RECEIVE_BYTES,
		    "bursts of STUN questions are lost");
}
