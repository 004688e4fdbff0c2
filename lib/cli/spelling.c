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

/* Levenshtein distance; both are at most SPELLING_MAX bytes long. */
static unsigned
distance(struct slice a, struct slice b)
{
	unsigned row[SPELLING_MAX + 1], left, next;

	for (unsigned j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		left = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			next = min3(row[j] + 1, left + 1,
			    row[j - 1] + (a.p[i - 1] != b.p[j - 1]));
			row[j - 1] = left;
			left = next;
		}
		row[b.n] = left;
	}
	return row[b.n];
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
