/* suppression: see suppression.h. */
#include "suppression.h"

#include "place.h"
#include "quote.h"
#include "rule_list.h"
#include "selection.h"

#include <stdlib.h>
#include <string.h>

#define MARK "derpmap:"
#define UNUSED "S01"
#define BAD "S02"

struct suppression {
	const char *file;   /* borrowed */
	unsigned line;      /* that it is about */
	struct slice rules; /* patterns with commas; in the findings' arena */
	struct doc_pos at, end;
	const char *excerpt;
	bool is_used;
};

/* Where the search is in a text. */
struct scan {
	struct suppressions *s;
	const struct load *load;
	struct findings *out;
	struct doc_pos line; /* the start of the line of `at` */
	size_t at;           /* everything before is done */
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool
is_line_end(struct slice text, size_t at)
{
	return at >= text.n || text.p[at] == '\n' || text.p[at] == '\r';
}

/* The start of the line after the one that begins at *line. */
static void
next_line(struct doc_pos *line, struct slice text)
{
	size_t at = line->offset;

	while (!is_line_end(text, at))
		at++;
	if (at + 1 < text.n && text.p[at] == '\r' && text.p[at + 1] == '\n')
		at++;
	line->offset = at < text.n ? at + 1 : text.n;
	line->line++;
}

static size_t
skip_blanks(struct slice text, size_t at)
{
	while (at < text.n && is_blank(text.p[at]))
		at++;
	return at;
}

/* Where the comment begins whose text is at `mark`; SIZE_MAX: there is none. */
static size_t
comment_start(const struct load *load, size_t line, size_t mark)
{
	const bool is_json = load->dialect == DIALECT_JSON;
	const size_t length = is_json ? 2 : 1;
	struct slice text = load->text;
	struct place place;
	size_t at = mark;

	while (at > line && is_blank(text.p[at - 1]))
		at--;
	if (at < line + length ||
	    memcmp(text.p + at - length, is_json ? "//" : "#", length) != 0)
		return SIZE_MAX;
	at -= length;
	if (!is_json && at > line && !is_blank(text.p[at - 1]))
		return SIZE_MAX;
	place_find(&place, load->doc.root, at, false);
	return place.node == NULL || place.node->kind != DOC_SCALAR ? at
								    : SIZE_MAX;
}

/* The line that a comment is about. */
static unsigned
line_about(const struct load *load, struct doc_pos line, size_t comment)
{
	const char *mark = load->dialect == DIALECT_JSON ? "//" : "#";
	struct slice text = load->text;

	if (skip_blanks(text, line.offset) < comment)
		return line.line;
	while (line.offset < text.n) {
		size_t at;

		next_line(&line, text);
		at = skip_blanks(text, line.offset);
		if (!is_line_end(text, at) &&
		    !slice_starts(slice_of(text.p + at, text.n - at), mark))
			break;
	}
	return line.line;
}

static void
say(struct scan *scan, const struct suppression *about, const char *message)
{
	struct finding *f = findings_add(scan->out, BAD, SEVERITY_WARNING,
	    scan->load->file, about->at, "%s", message);

	if (f == NULL)
		return;
	f->end = about->end;
	f->excerpt = about->excerpt;
	f->excerpt_column = about->excerpt != NULL ? 1 : 0;
	f->fix = "write `# derpmap: ignore=RULE reason`";
}

/* Whether every pattern of the list fits a rule. */
static bool
are_rules(struct slice patterns)
{
	struct slice pattern;
	bool more = true;

	while (more) {
		size_t i = 0, count = rule_list_count();

		more = slice_cut(patterns, ',', &pattern, &patterns);
		while (i < count && !selection_fits(rule_list_at(i), pattern))
			i++;
		if (i == count)
			return false;
	}
	return true;
}

static void
keep(struct scan *scan, const struct suppression *made)
{
	struct suppressions *s = scan->s;

	if (s->n == s->cap) {
		size_t cap = s->cap == 0 ? 16 : 2 * s->cap;
		struct suppression *v = reallocarray(s->v, cap, sizeof *v);

		if (v == NULL) {
			s->failed = true;
			return;
		}
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n++] = *made;
}

/* The place of a comment, and its line as far as it fits. */
static void
describe(struct scan *scan, struct suppression *made, size_t start, size_t end)
{
	struct slice text = scan->load->text, line;
	unsigned column;

	made->at = scan->line;
	doc_pos_advance(&made->at, text, start);
	made->end = made->at;
	doc_pos_advance(&made->end, text, end);
	line = place_excerpt(text, made->at, &column);
	if (column == 1)
		made->excerpt =
		    arena_text(scan->out->arena, (const char *)line.p, line.n);
}

/* Reads what follows the mark: ignore=RULES reason. */
static void
read_comment(struct scan *scan, size_t start, size_t mark)
{
	struct slice text = scan->load->text;
	size_t at = skip_blanks(text, mark + strlen(MARK)), rules, end = at;
	struct suppression made = { .file = scan->load->file };
	char *copy;

	while (!is_line_end(text, end))
		end++;
	describe(scan, &made, start, end);
	made.line = line_about(scan->load, scan->line, start);
	if (!slice_starts(slice_of(text.p + at, end - at), "ignore=")) {
		say(scan, &made, "a comment for derpmap that it does not know");
		return;
	}
	rules = at += strlen("ignore=");
	while (at < end && !is_blank(text.p[at]))
		at++;
	copy = arena_text(
	    scan->out->arena, (const char *)text.p + rules, at - rules);
	if (copy == NULL) {
		scan->s->failed = true;
		return;
	}
	made.rules = slice_of(copy, at - rules);
	if (!are_rules(made.rules)) {
		say(scan, &made, "this names a rule that does not exist");
		return;
	}
	if (skip_blanks(text, at) >= end)
		say(scan, &made, "a suppression without a reason");
	keep(scan, &made);
}

void
suppressions_collect(
    struct suppressions *s, const struct load *load, struct findings *out)
{
	struct slice text = load->text;
	struct scan scan = { .s = s,
		.load = load,
		.out = out,
		.line = { .line = 1, .column = 1 } };

	while (scan.at < text.n) {
		const uint8_t *found = memmem(
		    text.p + scan.at, text.n - scan.at, MARK, strlen(MARK));
		size_t mark, start;
		struct doc_pos next;

		if (found == NULL)
			return;
		mark = (size_t)(found - text.p);
		for (next = scan.line; next.offset <= mark;
		     next_line(&next, text)) {
			scan.line = next;
			if (next.offset == text.n)
				break;
		}
		start = comment_start(load, scan.line.offset, mark);
		if (start != SIZE_MAX)
			read_comment(&scan, start, mark);
		scan.at = mark + strlen(MARK);
	}
}

static int
compare(const struct suppression *x, const char *file, unsigned line)
{
	uintptr_t a = (uintptr_t)x->file, b = (uintptr_t)file;

	if (a != b)
		return a < b ? -1 : 1;
	return x->line < line ? -1 : x->line > line;
}

static int
by_line(const void *a, const void *b)
{
	const struct suppression *x = a, *y = b;

	return compare(x, y->file, y->line);
}

static bool
names(const struct suppression *x, const char *id)
{
	const struct rule *rule = rule_list_find(id);
	struct slice pattern, rest = x->rules;
	bool more = true;

	while (more && rule != NULL) {
		more = slice_cut(rest, ',', &pattern, &rest);
		if (selection_fits(rule, pattern))
			return true;
	}
	return false;
}

static bool
is_unsuppressed(void *ctx, struct finding *f)
{
	struct suppressions *s = ctx;
	size_t low = 0, high = s->n;
	bool found = false;

	if (strcmp(f->rule, UNUSED) == 0 || strcmp(f->rule, BAD) == 0)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&s->v[middle], f->file, f->at.line) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < s->n && compare(&s->v[low], f->file, f->at.line) == 0;
	     low++)
		if (names(&s->v[low], f->rule)) {
			s->v[low].is_used = true;
			found = true;
		}
	return !found;
}

void
suppressions_apply(struct suppressions *s, struct findings *list)
{
	char rules[QUOTE_TEXT];

	list->failed |= s->failed;
	if (s->n == 0)
		return;
	qsort(s->v, s->n, sizeof *s->v, by_line);
	findings_keep(list, is_unsuppressed, s);
	for (size_t i = 0; i < s->n; i++) {
		const struct suppression *x = &s->v[i];
		struct finding *f;

		if (x->is_used)
			continue;
		f = findings_add(list, UNUSED, SEVERITY_WARNING, x->file, x->at,
		    "nothing of %s is found on line %u",
		    quote_text(rules, x->rules), x->line);
		if (f == NULL)
			return;
		f->end = x->end;
		f->excerpt = x->excerpt;
		f->excerpt_column = 1;
		f->fix = "remove the comment";
	}
}

void
suppressions_clear(struct suppressions *s)
{
	free(s->v);
	*s = (struct suppressions){ .n = 0 };
}
