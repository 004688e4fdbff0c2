/* usage: see usage.h. */
#include "usage.h"

#include "clock.h"

#include <inttypes.h>
#include <stdio.h>
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

static uint64_t
to_us(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000 + (uint64_t)t->tv_nsec / 1000;
}

/* The process's own clock: /proc/PID/stat shows the same sum, but in steps of
 * 10 ms, which is as much as twenty logins. */
static int
take_process(uint64_t *us, pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &used) == -1)
		return -1;
	*us = to_us(&used);
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
	u->self_us = to_us(&self);
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
