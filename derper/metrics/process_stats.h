/*
 * process_stats: what this process uses of its machine.
 *
 * Opens what it reads when it is made, so that it works where the file system
 * is out of reach later. Life: process_stats_open -> process_stats_read ... ->
 * process_stats_close. Threads: process_stats_read
 * from any number at once.
 * Source: proc(5).
 */
#ifndef DERPKIT_PROCESS_STATS_H
#define DERPKIT_PROCESS_STATS_H

#include <stdint.h>

struct process_stats {
	int memory_fd;      /* /proc/self/statm; -1: unknown */
	int files_fd;       /* /proc/self/fd; -1: unknown */
	uint64_t page;      /* bytes */
	uint64_t max_files; /* descriptors that it may open */
	int64_t started_s;  /* seconds since 1970, as the clock was then */
	/* of clock_now_ms: what it has been up for, whatever becomes of the
	 * clock on the wall */
	uint64_t started_ms;
	int64_t boot_s; /* of the machine, the same; 0: unknown */
};

/* What was used until, or is in use at, one moment; 0 where it is unknown. */
struct process_use {
	uint64_t cpu_ns;
	uint64_t resident, virtual; /* bytes */
};

void process_stats_open(struct process_stats *p);
void process_stats_close(struct process_stats *p);

void process_stats_read(const struct process_stats *p, struct process_use *use);

/* Open descriptors now; 0: unknown. Walks all of them: not on a worker. One
 * thread only. */
uint64_t process_stats_files(const struct process_stats *p);

#endif
