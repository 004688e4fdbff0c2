/*
 * usage: processor time of the relay, of this process and of the machine.
 *
 * Taken at both ends of a measuring window and subtracted. Sources:
 * clock_getcpuclockid(3), proc(5). Threads: any.
 */
#ifndef DERPKIT_USAGE_H
#define DERPKIT_USAGE_H

#include <stdint.h>
#include <sys/types.h>

struct usage {
	uint64_t at_us;    /* monotonic */
	uint64_t relay_us; /* user + system of the relay */
	uint64_t self_us;  /* user + system of this process */
	uint64_t busy_us;  /* all processors, all processes; 10 ms steps */
	uint64_t steal_us; /* taken by the hypervisor; 10 ms steps */
};

/* Takes it now. relay may be 0: then its time is 0. -1 when the relay is gone
 * or /proc cannot be read. */
int usage_take(struct usage *u, pid_t relay);

/* from..to; all zero when `to` was never taken. */
struct usage usage_between(const struct usage *from, const struct usage *to);

#endif
