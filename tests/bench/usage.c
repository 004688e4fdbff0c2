/* usage: see usage.h. */
#include "usage.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t
ticks_to_us(uint64_t ticks)
{
	return ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* The first line of a file; -1 when there is none. */
static int
first_line(const char *path, char *line, int cap)
{
	FILE *f = fopen(path, "re");
	int result = -1;

	if (f == NULL)
		return -1;
	if (fgets(line, cap, f) != NULL)
		result = 0;
	fclose(f);
	return result;
}

static int
take_process(uint64_t *us, pid_t pid)
{
	char path[64], line[1024];
	const char *fields;
	uint64_t user, system;

	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	if (first_line(path, line, sizeof line) == -1)
		return -1;
	/* the second field is the name in parentheses and may hold anything;
	 * from the one behind it, user and system time are the 12th and 13th */
	fields = strrchr(line, ')');
	if (fields == NULL ||
	    sscanf(fields + 1,
		" %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64
		" %" SCNu64,
		&user, &system) != 2)
		return -1;
	*us = ticks_to_us(user + system);
	return 0;
}

static int
take_machine(struct usage *u)
{
	char line[1024];
	uint64_t user, nice, system, idle, iowait, irq, softirq, steal;

	if (first_line("/proc/stat", line, sizeof line) == -1 ||
	    sscanf(line,
		"cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		" %" SCNu64 " %" SCNu64 " %" SCNu64,
		&user, &nice, &system, &idle, &iowait, &irq, &softirq,
		&steal) != 8)
		return -1;
	u->busy_us = ticks_to_us(user + nice + system + irq + softirq);
	u->steal_us = ticks_to_us(steal);
	return 0;
}

int
usage_take(struct usage *u, pid_t relay)
{
	struct timespec self;

	*u = (struct usage){ .at_us = clock_now_us() };
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &self);
	u->self_us =
	    (uint64_t)self.tv_sec * 1000000 + (uint64_t)self.tv_nsec / 1000;
	if (relay != 0 && take_process(&u->relay_us, relay) == -1)
		return -1;
	return take_machine(u);
}

struct usage
usage_between(const struct usage *from, const struct usage *to)
{
	if (to->at_us == 0)
		return (struct usage){ 0 };
	return (struct usage){
		.at_us = to->at_us - from->at_us,
		.relay_us = to->relay_us - from->relay_us,
		.self_us = to->self_us - from->self_us,
		.busy_us = to->busy_us - from->busy_us,
		.steal_us = to->steal_us - from->steal_us,
	};
}
