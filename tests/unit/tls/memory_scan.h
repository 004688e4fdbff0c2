/*
 * memory_scan: how often secret bytes lie in this process's memory.
 *
 * Looks through every writable mapping (heap, freed blocks, stacks, statics) by
 * way of /proc/self/mem, which no sanitizer minds. What is looked for is given
 * masked, so that asking leaves no copy of it. Life: none. Threads: one, the
 * others still.
 */
#ifndef DERPKIT_TEST_MEMORY_SCAN_H
#define DERPKIT_TEST_MEMORY_SCAN_H

#include "check.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_SCAN_N 16 /* bytes compared: of a secret the first ones */
#define MEMORY_SCAN_ROOM ((size_t)1 << 20)
#define MEMORY_SCAN_MASK 0x5a
/* Shadow memory of sanitizers: huge, never ours. */
#define MEMORY_SCAN_MAPPING_MAX ((uintmax_t)1 << 26)

/* Sanitizers would look at every byte that is looked at. */
#define MEMORY_SCAN_PLAIN \
	__attribute__((no_sanitize("address", "thread", "undefined")))

struct memory_scan {
	const uint8_t *masked; /* MEMORY_SCAN_N bytes */
	/* That many bytes after it these have to be as well; NULL: anything. */
	const uint8_t *masked_after;
	size_t behind; /* from the beginning of the one to that of the other */
	/* The stack of the first thread as well. Libraries leave their own
	 * scraps there. */
	bool stack;
};

static inline void
memory_scan_mask(uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] ^= MEMORY_SCAN_MASK;
}

/* Bytes that belong together. */
static inline size_t
memory_scan_len(const struct memory_scan *s)
{
	return MEMORY_SCAN_N + (s->masked_after != NULL ? s->behind : 0);
}

MEMORY_SCAN_PLAIN static inline bool
memory_scan_same(const uint8_t *p, const uint8_t *masked)
{
	for (size_t i = 0; i < MEMORY_SCAN_N; i++)
		if ((p[i] ^ MEMORY_SCAN_MASK) != masked[i])
			return false;
	return true;
}

/* Copies in n bytes at p. */
MEMORY_SCAN_PLAIN static inline size_t
memory_scan_bytes(const struct memory_scan *s, const uint8_t *p, size_t n)
{
	const uint8_t first = s->masked[0] ^ MEMORY_SCAN_MASK;
	const size_t len = memory_scan_len(s);
	size_t count = 0;

	for (size_t i = 0; i + len <= n; i++)
		if (p[i] == first && memory_scan_same(p + i, s->masked) &&
		    (s->masked_after == NULL ||
			memory_scan_same(p + i + s->behind, s->masked_after)))
			count++;
	return count;
}

/* Copies in one mapping; reads overlap, lest a copy across two is missed. */
static inline size_t
memory_scan_mapping(const struct memory_scan *s, int mem, uintmax_t from,
    uintmax_t to, uint8_t *buf)
{
	const size_t len = memory_scan_len(s);
	size_t count = 0;

	while (from + len <= to) {
		const uintmax_t left = to - from;
		const ssize_t n = pread(mem, buf,
		    left < MEMORY_SCAN_ROOM ? (size_t)left : MEMORY_SCAN_ROOM,
		    (off_t)from);

		if (n < (ssize_t)len)
			break;
		count += memory_scan_bytes(s, buf, (size_t)n);
		from += (uintmax_t)n - len + 1;
	}
	return count;
}

/* How often it lies in memory. */
static inline size_t
memory_scan(const struct memory_scan *s)
{
	uint8_t *buf = mmap(NULL, MEMORY_SCAN_ROOM, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uintmax_t mine = (uintmax_t)(uintptr_t)buf;
	FILE *maps = fopen("/proc/self/maps", "re");
	const int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512];
	size_t count = 0;

	check(buf != MAP_FAILED && maps != NULL && mem != -1);
	while (fgets(line, sizeof line, maps) != NULL) {
		uintmax_t from, to;
		char *end;

		from = strtoumax(line, &end, 16);
		to = strtoumax(end + 1, &end, 16);
		if (strncmp(end, " rw", 3) != 0 ||
		    to - from > MEMORY_SCAN_MAPPING_MAX ||
		    (!s->stack && strstr(end, "[stack]") != NULL))
			continue;
		/* the buffer may have become one mapping with its neighbours */
		if (from <= mine && mine < to) {
			count += memory_scan_mapping(s, mem, from, mine, buf);
			from = mine + MEMORY_SCAN_ROOM;
		}
		count += memory_scan_mapping(s, mem, from, to, buf);
	}
	(void)fclose(maps);
	(void)close(mem);
	(void)munmap(buf, MEMORY_SCAN_ROOM);
	return count;
}

#endif
