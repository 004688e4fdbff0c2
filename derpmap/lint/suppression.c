/* suppression: see suppression.h. */
#include "suppression.h"

#include "doc_line.h"
#include "place.h"
#include "quote.h"
#include "rule_list.h"
#include "rule_set.h"
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
	struct rule_set named; /* what they fit */
	struct doc_pos at, end;
	const char *excerpt;
};

/* What is said about one line of a file: a run of suppressions. */
struct group {
	const char *file; /* borrowed */
	unsigned line;
	size_t first, count;
	struct rule_set named; /* by any of them */
	struct rule_set found; /* of these, what was found on the line */
};

/* Where the search is in a text. Each step goes on where the one before ended,
 * so that however many comments there are, the text is read once. */
struct scan {
	struct suppressions *s;
	const struct load *load;
	struct findings *out;
	struct place_finder places;
	enum doc_line_form form;
	struct doc_pos line; /* the start of the line of the mark */
	size_t line_end;     /* before its line end */
	struct doc_pos next; /* the start of the line after it */
	struct doc_pos at;   /* how far places of that line are known */
	struct doc_pos end;  /* the place of line_end; line 0: not known yet */
	unsigned about_line; /* what comments alone on their line are about;
				0: not known yet */
};

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Steps from the start of a line to that of the next one; returns where the
 * line ends. */
static size_t
next_line(const struct scan *scan, struct doc_pos *line)
{
	struct slice text = scan->load->text;
	size_t end = doc_line_end(text, line->offset, scan->form);

	line->offset = (uint32_t)(end + doc_line_break(text, end, scan->form));
	line->line++;
	return end;
}

/* Goes on to the line of a mark, which is after the one before. */
static void
find_line(struct scan *scan, size_t mark)
{
	while (scan->next.offset <= mark) {
		scan->line = scan->at = scan->next;
		scan->end.line = 0;
		scan->line_end = next_line(scan, &scan->next);
	}
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
comment_start(struct scan *scan, size_t mark)
{
	const struct load *load = scan->load;
	const size_t line = scan->line.offset;
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
	if (place_find(&place, &scan->places, at, false) == -1)
		scan->s->failed = true;
	return place.node == NULL || place.node->kind != DOC_SCALAR ? at
								    : SIZE_MAX;
}

/* Whether the line has nothing but a comment, or nothing. */
static bool
is_without_content(const struct scan *scan, size_t start, size_t end)
{
	const char *mark = scan->form == DOC_LINE_JSON ? "//" : "#";
	struct slice text = scan->load->text;
	size_t at = skip_blanks(text, start);

	return at >= end || slice_starts(slice_of(text.p + at, end - at), mark);
}

/* The line that a comment on the line of the mark is about. */
static unsigned
line_about(struct scan *scan)
{
	struct doc_pos line = scan->next, next = line;

	if (!is_without_content(scan, scan->line.offset, scan->line_end))
		return scan->line.line;
	if (scan->line.line < scan->about_line)
		return scan->about_line;
	while (line.offset < scan->load->text.n &&
	    is_without_content(scan, line.offset, next_line(scan, &next)))
		line = next;
	scan->about_line = line.line;
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

/* What the list's patterns fit. false: one of them fits no rule. */
static bool
find_named(struct rule_set *named, struct slice patterns)
{
	const size_t count = rule_list_count();
	struct slice pattern;
	bool more = true;

	while (more) {
		bool found = false;

		more = slice_cut(patterns, ',', &pattern, &patterns);
		for (size_t i = 0; i < count; i++)
			if (selection_fits(rule_list_at(i), pattern)) {
				rule_set_add(named, i);
				found = true;
			}
		if (!found)
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

/* The place of a comment, which goes to the end of its line, and that line as
 * far as it fits. */
static void
describe(struct scan *scan, struct suppression *made, size_t start)
{
	struct slice text = scan->load->text;
	unsigned column;

	doc_pos_advance(&scan->at, text, start, scan->form);
	if (scan->end.line == 0) {
		scan->end = scan->at;
		doc_pos_advance(&scan->end, text, scan->line_end, scan->form);
	}
	made->at = scan->at;
	made->end = scan->end;
	made->excerpt =
	    place_excerpt_text(scan->out->arena, text, made->at, &column);
	if (column != 1)
		made->excerpt = NULL;
}

/* Reads what follows the mark: ignore=RULES reason. */
static void
read_comment(struct scan *scan, size_t start, size_t mark)
{
	struct slice text = scan->load->text;
	size_t at = skip_blanks(text, mark + strlen(MARK)), rules;
	const size_t end = scan->line_end;
	struct suppression made = { .file = scan->load->file };
	char *copy;

	describe(scan, &made, start);
	made.line = line_about(scan);
	if (at > end ||
	    !slice_starts(slice_of(text.p + at, end - at), "ignore=")) {
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
	if (!find_named(&made.named, made.rules)) {
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
		.form = load->dialect == DIALECT_JSON ? DOC_LINE_JSON
						      : DOC_LINE_YAML,
		.next = { .line = 1, .column = 1 } };
	size_t from = 0;

	place_finder_init(&scan.places, out->arena, load->doc.root);
	while (from < text.n) {
		const uint8_t *found =
		    memmem(text.p + from, text.n - from, MARK, strlen(MARK));
		size_t mark, start;

		if (found == NULL)
			return;
		mark = (size_t)(found - text.p);
		find_line(&scan, mark);
		start = comment_start(&scan, mark);
		if (start != SIZE_MAX)
			read_comment(&scan, start, mark);
		from = mark + strlen(MARK);
	}
}

static int
compare(const char *x_file, unsigned x_line, const char *file, unsigned line)
{
	uintptr_t a = (uintptr_t)x_file, b = (uintptr_t)file;

	if (a != b)
		return a < b ? -1 : 1;
	return x_line < line ? -1 : x_line > line;
}

static int
by_line(const void *a, const void *b)
{
	const struct suppression *x = a, *y = b;

	return compare(x->file, x->line, y->file, y->line);
}

/* The suppressions of each line. Sorts them. NULL: memory is short. */
static struct group *
make_groups(struct suppressions *s, size_t *count)
{
	struct group *groups = reallocarray(NULL, s->n, sizeof *groups);
	size_t n = 0;

	if (groups == NULL)
		return NULL;
	qsort(s->v, s->n, sizeof *s->v, by_line);
	for (size_t i = 0; i < s->n; i++) {
		if (i == 0 || by_line(&s->v[i - 1], &s->v[i]) != 0)
			groups[n++] = (struct group){
				.file = s->v[i].file,
				.line = s->v[i].line,
				.first = i,
			};
		groups[n - 1].count++;
		rule_set_join(&groups[n - 1].named, &s->v[i].named);
	}
	*count = n;
	return groups;
}

/* All groups, by file and line. */
struct groups {
	struct group *v;
	size_t n;
};

static int
by_place(const void *key, const void *element)
{
	const struct finding *f = key;
	const struct group *group = element;

	return compare(f->file, f->at.line, group->file, group->line);
}

static bool
is_unsuppressed(void *ctx, struct finding *f)
{
	const struct groups *groups = ctx;
	struct group *group;
	size_t rule;

	if (strcmp(f->rule, UNUSED) == 0 || strcmp(f->rule, BAD) == 0)
		return true;
	group = bsearch(f, groups->v, groups->n, sizeof *group, by_place);
	if (group == NULL)
		return true;
	rule = rule_list_index(f->rule);
	if (!rule_set_has(&group->named, rule))
		return true;
	rule_set_add(&group->found, rule);
	return f->is_fatal;
}

static void
say_unused(struct findings *list, const struct suppression *x)
{
	char rules[QUOTE_TEXT];
	struct finding *f = findings_add(list, UNUSED, SEVERITY_WARNING,
	    x->file, x->at, "nothing of %s is found on line %u",
	    quote_text(rules, x->rules), x->line);

	if (f == NULL)
		return;
	f->end = x->end;
	f->excerpt = x->excerpt;
	f->excerpt_column = x->excerpt != NULL ? 1 : 0;
	f->fix = "remove the comment";
}

void
suppressions_apply(struct suppressions *s, struct findings *list)
{
	struct groups groups = { .n = 0 };

	list->failed |= s->failed;
	if (s->n == 0)
		return;
	groups.v = make_groups(s, &groups.n);
	if (groups.v == NULL) {
		list->failed = true;
		return;
	}
	findings_keep(list, is_unsuppressed, &groups);
	for (size_t i = 0; i < groups.n; i++) {
		const struct group *group = &groups.v[i];

		for (size_t j = 0; j < group->count; j++)
			if (!rule_set_meet(
				&s->v[group->first + j].named, &group->found))
				say_unused(list, &s->v[group->first + j]);
	}
	free(groups.v);
}

void
suppressions_clear(struct suppressions *s)
{
	free(s->v);
	*s = (struct suppressions){ .n = 0 };
}
