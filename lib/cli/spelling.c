/* spelling: see spelling.h. */
#include "spelling.h"

#include <string.h>

#define OFF_MAX 3 /* letters, also in long words */

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* How many letters must be put in, left out, changed or swapped with the next
 * one (optimal string alignment); both are at most SPELLING_MAX bytes long. */
static unsigned
distance(struct slice a, struct slice b)
{
	unsigned rows[3][SPELLING_MAX + 1];

	for (unsigned j = 0; j <= b.n; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		const unsigned *before = rows[(i + 1) % 3];
		const unsigned *above = rows[(i + 2) % 3];
		unsigned *row = rows[i % 3];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1,
			    above[j - 1] + (a.p[i - 1] != b.p[j - 1]));
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] &&
			    a.p[i - 2] == b.p[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
	}
	return rows[a.n % 3][b.n];
}

struct spelling
spelling_of(struct slice word)
{
	unsigned off = (unsigned)(word.n / 3);

	return (struct spelling){ .word = word,
		.distance = (off > OFF_MAX ? OFF_MAX : off) + 1 };
}

void
spelling_consider(struct spelling *s, const char *name)
{
	struct slice known = slice_str(name);
	unsigned d;

	if (s->word.n > SPELLING_MAX || known.n > SPELLING_MAX)
		return;
	d = distance(s->word, known);
	if (d >= s->distance)
		return;
	s->distance = d;
	s->best = name;
}

const char *
spelling_best(const struct spelling *s)
{
	return s->best;
}
