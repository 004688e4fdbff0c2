/* unified_diff: see unified_diff.h. Source: E. Myers, "An O(ND) Difference
 * Algorithm and Its Variations" (1986); POSIX diff, unified format. */
#include "unified_diff.h"

#include <stdlib.h>
#include <string.h>

#define CONTEXT 3

struct lines {
	struct slice *v; /* owned; each with its LF */
	size_t n;
};

struct diff {
	FILE *to;
	struct lines old, new;
	bool *removed, *added; /* owned; of each line */
};

static int
split(struct lines *l, struct slice text)
{
	size_t count = 1;

	for (size_t i = 0; i < text.n; i++)
		count += text.p[i] == '\n';
	l->v = reallocarray(NULL, count, sizeof *l->v);
	if (l->v == NULL)
		return -1;
	while (text.n > 0) {
		const uint8_t *end = memchr(text.p, '\n', text.n);
		size_t n = end != NULL ? (size_t)(end - text.p) + 1 : text.n;

		l->v[l->n++] = slice_of(text.p, n);
		text = slice_of(text.p + n, text.n - n);
	}
	return 0;
}

/* The part of both texts that is compared: from the first line that differs,
 * so many lines. */
struct window {
	const struct slice *old, *new;
	long old_n, new_n;
};

/* How far along diagonal k the next edit begins. v is that of d - 1 edits. */
static long
step(const struct window *w, const long *v, long d, long k)
{
	long x = k == -d || (k != d && v[k - 1] < v[k + 1]) ? v[k + 1]
							    : v[k - 1] + 1;
	long y = x - k;

	while (x < w->old_n && y < w->new_n && slice_eq(w->old[x], w->new[y])) {
		x++;
		y++;
	}
	return x;
}

/* Marks the lines on the way back from the end; trace holds v of each d. */
static void
backtrack(const struct window *w, long *const *trace, long d, bool *removed,
    bool *added)
{
	long x = w->old_n, y = w->new_n;

	for (; d > 0; d--) {
		const long *v = trace[d - 1] + d;
		long k = x - y;
		bool down = k == -d || (k != d && v[k - 1] < v[k + 1]);
		long from = down ? v[k + 1] : v[k - 1];

		if (down)
			added[from - (k + 1)] = true;
		else
			removed[from] = true;
		x = from;
		y = from - (down ? k + 1 : k - 1);
	}
}

/* Copies v of d edits, with one more at each side. */
static long *
keep(const long *v, long d)
{
	size_t n = (size_t)(2 * (d + 1) + 1);
	long *copy = reallocarray(NULL, n, sizeof *copy);

	if (copy != NULL)
		memcpy(copy, v - (d + 1), n * sizeof *copy);
	return copy;
}

/* The shortest way from one to the other. 1: it is too long; -1: memory. */
static int
compare(const struct window *w, bool *removed, bool *added)
{
	static const long max = UNIFIED_DIFF_MAX;
	long *all = calloc((size_t)(2 * max + 5), sizeof *all);
	long **trace = calloc((size_t)max + 1, sizeof *trace);
	long *v = all != NULL ? all + max + 2 : NULL;
	int result = all == NULL || trace == NULL ? -1 : 1;

	for (long d = 0; result == 1 && d <= max; d++) {
		for (long k = -d; k <= d; k += 2) {
			v[k] = step(w, v, d, k);
			if (v[k] >= w->old_n && v[k] - k >= w->new_n) {
				backtrack(w, trace, d, removed, added);
				result = 0;
				break;
			}
		}
		if (result == 1 && (trace[d] = keep(v, d)) == NULL)
			result = -1;
	}
	for (long d = 0; trace != NULL && d <= max; d++)
		free(trace[d]);
	free(trace);
	free(all);
	return result;
}

/* Marks what is different. */
static int
mark(struct diff *d)
{
	size_t first = 0, old_end = d->old.n, new_end = d->new.n;
	struct window w;
	int result;

	while (first < old_end && first < new_end &&
	    slice_eq(d->old.v[first], d->new.v[first]))
		first++;
	while (old_end > first && new_end > first &&
	    slice_eq(d->old.v[old_end - 1], d->new.v[new_end - 1])) {
		old_end--;
		new_end--;
	}
	w = (struct window){ d->old.v + first, d->new.v + first,
		(long)(old_end - first), (long)(new_end - first) };
	result = compare(&w, d->removed + first, d->added + first);
	if (result != 1)
		return result;
	for (size_t i = first; i < old_end; i++)
		d->removed[i] = true;
	for (size_t i = first; i < new_end; i++)
		d->added[i] = true;
	return 0;
}

static void
put_line(FILE *to, char sign, struct slice line)
{
	fputc(sign, to);
	fwrite(line.p, 1, line.n, to);
	if (line.n == 0 || line.p[line.n - 1] != '\n')
		fputs("\n\\ No newline at end of file\n", to);
}

/* Where a difference begins at or after both places, and where all that is
 * near enough to it ends. false: there is none. */
static bool
find_hunk(const struct diff *d, size_t *old, size_t *new, size_t *old_end,
    size_t *new_end)
{
	size_t i = *old, j = *new, same = 0;

	while (i < d->old.n && j < d->new.n && !d->removed[i] && !d->added[j]) {
		i++;
		j++;
	}
	if (i == d->old.n && j == d->new.n)
		return false;
	*old = i;
	*new = j;
	*old_end = i;
	*new_end = j;
	while ((i < d->old.n || j < d->new.n) && same <= 2 * CONTEXT) {
		if (i < d->old.n && d->removed[i]) {
			i++;
			same = 0;
		} else if (j < d->new.n && d->added[j]) {
			j++;
			same = 0;
		} else {
			i++;
			j++;
			same++;
		}
		if (same == 0) {
			*old_end = i;
			*new_end = j;
		}
	}
	return true;
}

static void
put_range(FILE *to, char sign, size_t start, size_t count)
{
	/* an empty range is after the line before it */
	fprintf(to, " %c%zu", sign, count > 0 ? start + 1 : start);
	if (count != 1)
		fprintf(to, ",%zu", count);
}

static void
put_hunk(const struct diff *d, size_t old, size_t new, size_t old_end,
    size_t new_end)
{
	size_t before = old < CONTEXT ? old : CONTEXT;
	size_t after =
	    d->old.n - old_end < CONTEXT ? d->old.n - old_end : CONTEXT;
	size_t i = old - before, j = new - before;

	old_end += after;
	new_end += after;
	fputs("@@", d->to);
	put_range(d->to, '-', i, old_end - i);
	put_range(d->to, '+', j, new_end - j);
	fputs(" @@\n", d->to);
	while (i < old_end || j < new_end) {
		if (i < old_end && d->removed[i]) {
			put_line(d->to, '-', d->old.v[i++]);
		} else if (j < new_end && d->added[j]) {
			put_line(d->to, '+', d->new.v[j++]);
		} else {
			put_line(d->to, ' ', d->old.v[i++]);
			j++;
		}
	}
}

int
unified_diff_print(
    FILE *to, const char *name, struct slice old, struct slice new)
{
	struct diff d = { .to = to };
	size_t i = 0, j = 0, i_end, j_end;
	int result = -1;

	if (slice_eq(old, new))
		return 0;
	if (split(&d.old, old) == -1 || split(&d.new, new) == -1)
		goto free_lines;
	d.removed = calloc(d.old.n + 1, sizeof *d.removed);
	d.added = calloc(d.new.n + 1, sizeof *d.added);
	if (d.removed == NULL || d.added == NULL || mark(&d) == -1)
		goto free_lines;
	fprintf(to, "--- %s\n+++ %s\n", name, name);
	while (find_hunk(&d, &i, &j, &i_end, &j_end)) {
		put_hunk(&d, i, j, i_end, j_end);
		i = i_end;
		j = j_end;
	}
	result = 0;

free_lines:
	free(d.removed);
	free(d.added);
	free(d.old.v);
	free(d.new.v);
	return result;
}
