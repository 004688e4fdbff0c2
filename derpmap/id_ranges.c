/* id_ranges: see id_ranges.h. */
#include "id_ranges.h"

#include "num.h"

/* A decimal number, maybe with a minus, and nothing else. */
static int
parse_id(struct slice text, int64_t *id)
{
	bool negative = text.n > 0 && text.p[0] == '-';
	uint64_t n;

	if (negative)
		text = slice_of(text.p + 1, text.n - 1);
	if (num_parse_decimal(text, INT64_MAX, &n) == -1)
		return -1;
	*id = negative ? -(int64_t)n : (int64_t)n;
	return 0;
}

/* 900 or 900-910; the first character may be a minus of its own. */
static int
parse_range(struct slice text, struct id_range *range)
{
	struct slice first = text, last = text, rest;

	if (text.n > 1) {
		rest = slice_of(text.p + 1, text.n - 1);
		if (slice_cut(rest, '-', &first, &last))
			first = slice_of(text.p, first.n + 1);
		else
			first = last = text;
	}
	*range = (struct id_range){ .first = 0 };
	return parse_id(first, &range->first) == 0 &&
		parse_id(last, &range->last) == 0 && range->first <= range->last
	    ? 0
	    : -1;
}

int
id_ranges_add(struct id_ranges *r, struct slice text, struct fail *why)
{
	struct slice word, rest = text;
	bool more;

	do {
		more = slice_cut(rest, ',', &word, &rest);
		if (r->n == ID_RANGES_MAX)
			return fail_set(why, "more than %d ids", ID_RANGES_MAX);
		if (parse_range(slice_trim(word), &r->v[r->n]) == -1)
			return fail_set(why,
			    "\"%.*s\" is not a region id or a range like "
			    "900-910",
			    (int)word.n, (const char *)word.p);
		r->n++;
	} while (more);
	return 0;
}

bool
id_ranges_use(struct id_ranges *r, int64_t id)
{
	bool found = false;

	for (size_t i = 0; i < r->n; i++)
		if (id >= r->v[i].first && id <= r->v[i].last)
			r->v[i].is_used = found = true;
	return found;
}

const struct id_range *
id_ranges_unused(const struct id_ranges *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (!r->v[i].is_used)
			return &r->v[i];
	return NULL;
}
