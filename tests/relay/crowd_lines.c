/* crowd_lines: see crowd_lines.h. */
#include "crowd_lines.h"

#include "buf.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 4096
#define INPUT_MAX 65536

static struct buf input = { .max = INPUT_MAX };
static bool ended;

void
crowd_lines_read(void)
{
	uint8_t *room = buf_room(&input, READ_BYTES);
	const ssize_t n =
	    room != NULL ? read(STDIN_FILENO, room, READ_BYTES) : -1;

	if (n > 0)
		buf_added(&input, (size_t)n);
	else
		ended = true;
}

bool
crowd_lines_next(char line[static CROWD_LINE])
{
	const struct slice all = buf_slice(&input);
	const uint8_t *end = all.n > 0 ? memchr(all.p, '\n', all.n) : NULL;
	size_t n;

	if (end == NULL)
		return false;
	n = (size_t)(end - all.p);
	snprintf(line, CROWD_LINE, "%.*s", (int)n, (const char *)all.p);
	buf_consume(&input, n + 1);
	return true;
}

bool
crowd_lines_ended(void)
{
	return ended;
}
