/* fix_plan: see fix_plan.h. */
#include "fix_plan.h"

#include <stdlib.h>
#include <string.h>

struct fix_plan_edit {
	const struct finding_edit *edit;
	size_t candidate;
	size_t made_at; /* where its text is in the text written last */
};

/* A rule found something at a place of the text. */
struct fix_plan_mark {
	size_t offset;
	const char *rule;
	size_t candidate; /* SIZE_MAX: none */
};

static int
order_of(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

/* --- what was found --- */

static int
by_place_and_rule(const void *a, const void *b)
{
	const struct fix_plan_mark *x = a, *y = b;
	int order = order_of(x->offset, y->offset);

	return order != 0 ? order : strcmp(x->rule, y->rule);
}

int
fix_plan_note(struct fix_plan *p, struct slice text, const struct findings *all)
{
	*p = (struct fix_plan){ .text = text };
	p->marks = reallocarray(NULL, all->count + 1, sizeof *p->marks);
	if (p->marks == NULL)
		return -1;
	for (const struct finding *f = all->first; f != NULL; f = f->next)
		p->marks[p->mark_count++] = (struct fix_plan_mark){
			.offset = f->at.offset,
			.rule = f->rule,
			.candidate = SIZE_MAX,
		};
	qsort(p->marks, p->mark_count, sizeof *p->marks, by_place_and_rule);
	return 0;
}

static struct fix_plan_mark *
find_mark(const struct fix_plan *p, size_t offset, const char *rule)
{
	const struct fix_plan_mark key = { .offset = offset, .rule = rule };

	return bsearch(
	    &key, p->marks, p->mark_count, sizeof key, by_place_and_rule);
}

/* --- candidates --- */

static size_t
first_offset(const struct finding *f)
{
	size_t first = f->edit->start.offset;

	/* they are in no order */
	for (const struct finding_edit *e = f->edit; e != NULL; e = e->next)
		if (e->start.offset < first)
			first = e->start.offset;
	return first;
}

static int
by_first_offset(const void *a, const void *b)
{
	return order_of(first_offset(*(const struct finding *const *)a),
	    first_offset(*(const struct finding *const *)b));
}

static int
by_place(const void *a, const void *b)
{
	const struct fix_plan_edit *x = a, *y = b;
	int order = order_of(x->edit->start.offset, y->edit->start.offset);

	if (order == 0)
		order = order_of(x->edit->end.offset, y->edit->end.offset);
	return order != 0 ? order : order_of(x->candidate, y->candidate);
}

static void
collect_edits(struct fix_plan *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct finding *f = p->candidates[i];
		struct fix_plan_mark *mark =
		    find_mark(p, f->at.offset, f->rule);

		if (mark != NULL)
			mark->candidate = i;
		for (const struct finding_edit *e = f->edit; e != NULL;
		     e = e->next)
			p->edits[p->edit_count++] =
			    (struct fix_plan_edit){ e, i, 0 };
	}
	qsort(p->edits, p->edit_count, sizeof *p->edits, by_place);
}

int
fix_plan_init(struct fix_plan *p, const struct findings *wanted)
{
	size_t edits = 0;

	for (const struct finding *f = wanted->first; f != NULL; f = f->next)
		for (const struct finding_edit *e = f->edit; e != NULL;
		     e = e->next)
			edits++;
	p->candidates = reallocarray(
	    NULL, wanted->count + 1, sizeof(const struct finding *));
	p->chosen = calloc(wanted->count + 1, sizeof *p->chosen);
	p->edits = reallocarray(NULL, edits + 1, sizeof *p->edits);
	if (p->candidates == NULL || p->chosen == NULL || p->edits == NULL)
		return -1;
	for (const struct finding *f = wanted->first; f != NULL; f = f->next)
		if (f->edit != NULL)
			p->candidates[p->count++] = f;
	qsort((void *)p->candidates, p->count, sizeof(const struct finding *),
	    by_first_offset);
	collect_edits(p);
	return 0;
}

void
fix_plan_clear(struct fix_plan *p)
{
	free((void *)p->candidates);
	free(p->chosen);
	free(p->edits);
	free(p->marks);
	*p = (struct fix_plan){ .count = 0 };
}

/* --- the choice --- */

/* Whether an edit is at the place of the one before it: two insertions at one
 * place have no order. */
static bool
overlaps(const struct finding_edit *before, const struct finding_edit *e)
{
	return before != NULL &&
	    (e->start.offset < before->end.offset ||
		e->start.offset == before->start.offset);
}

void
fix_plan_choose_apart(struct fix_plan *p)
{
	const struct finding_edit *last = NULL;

	fix_plan_choose(p, 0, p->count, true);
	for (size_t i = 0; i < p->edit_count; i++) {
		const struct fix_plan_edit *e = &p->edits[i];

		if (!p->chosen[e->candidate])
			continue;
		if (overlaps(last, e->edit))
			p->chosen[e->candidate] = false;
		else
			last = e->edit;
	}
}

void
fix_plan_choose(struct fix_plan *p, size_t first, size_t end, bool is_chosen)
{
	for (size_t i = first; i < end; i++)
		p->chosen[i] = is_chosen;
}

size_t
fix_plan_chosen(const struct fix_plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += p->chosen[i];
	return n;
}

/* --- the text --- */

static int
put(struct buf *out, struct slice bytes)
{
	return bytes.n == 0 ? 0 : buf_append(out, bytes.p, bytes.n);
}

/* The text from one offset to another. */
static struct slice
part(const struct fix_plan *p, size_t from, size_t to)
{
	return slice_of(p->text.p + from, to - from);
}

enum fix_plan_made
fix_plan_write(struct fix_plan *p, struct buf *out)
{
	const struct finding_edit *last = NULL;
	size_t at = 0;

	buf_clear(out);
	for (size_t i = 0; i < p->edit_count; i++) {
		struct fix_plan_edit *e = &p->edits[i];
		const size_t start = e->edit->start.offset;

		if (!p->chosen[e->candidate])
			continue;
		if (overlaps(last, e->edit) ||
		    e->edit->end.offset > p->text.n ||
		    start > e->edit->end.offset)
			return FIX_PLAN_OVERLAPS;
		if (put(out, part(p, at, start)) == -1)
			return FIX_PLAN_NO_MEMORY;
		e->made_at = buf_len(out);
		if (put(out, slice_str(e->edit->text)) == -1)
			return FIX_PLAN_NO_MEMORY;
		last = e->edit;
		at = e->edit->end.offset;
	}
	return put(out, part(p, at, p->text.n)) == -1 ? FIX_PLAN_NO_MEMORY
						      : FIX_PLAN_MADE;
}

/* --- blame --- */

/* The chosen edits, in the order of the text; *n is their number. NULL: memory
 * is short. Returns owned. */
static const struct fix_plan_edit **
list_made(const struct fix_plan *p, size_t *n)
{
	const struct fix_plan_edit **made = reallocarray(
	    NULL, p->edit_count + 1, sizeof(const struct fix_plan_edit *));

	*n = 0;
	for (size_t i = 0; made != NULL && i < p->edit_count; i++)
		if (p->chosen[p->edits[i].candidate])
			made[(*n)++] = &p->edits[i];
	return made;
}

/* The last edit that was made at or before an offset of the new text; NULL: all
 * are after it. */
static const struct fix_plan_edit *
edit_before(const struct fix_plan_edit *const *made, size_t n, size_t offset)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (made[middle]->made_at <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? made[low - 1] : NULL;
}

/* Where an offset of the new text is in the old one. */
static size_t
old_offset(const struct fix_plan_edit *before, size_t offset)
{
	size_t made_end;

	if (before == NULL)
		return offset;
	made_end = before->made_at + strlen(before->edit->text);
	return offset < made_end ? before->edit->start.offset
				 : offset - made_end + before->edit->end.offset;
}

size_t
fix_plan_blame(struct fix_plan *p, const struct findings *found, size_t error)
{
	const size_t chosen = fix_plan_chosen(p);
	size_t n;
	const struct fix_plan_edit **made = list_made(p, &n), *before;

	for (const struct finding *f = found->first; made != NULL && f != NULL;
	     f = f->next) {
		const struct fix_plan_mark *mark;

		before = edit_before(made, n, f->at.offset);
		mark = find_mark(p, old_offset(before, f->at.offset), f->rule);
		if (mark != NULL && mark->candidate != SIZE_MAX)
			p->chosen[mark->candidate] = false;
		else if (mark == NULL && before != NULL)
			p->chosen[before->candidate] = false;
	}
	before = made != NULL && error != SIZE_MAX ? edit_before(made, n, error)
						   : NULL;
	if (before != NULL)
		p->chosen[before->candidate] = false;
	free((void *)made);
	return chosen - fix_plan_chosen(p);
}
