/* finding: see finding.h. */
#include "finding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 600

void
findings_init(struct findings *list, struct arena *a)
{
	*list = (struct findings){ .arena = a };
	list->end = &list->first;
}

struct finding *
findings_add(struct findings *list, const char *rule, enum severity severity,
    const char *file, struct doc_pos at, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	return findings_add_text(list, rule, severity, file, at, text);
}

struct finding *
findings_add_text(struct findings *list, const char *rule,
    enum severity severity, const char *file, struct doc_pos at,
    const char *message)
{
	struct finding *f = arena_alloc(list->arena, 1, sizeof *f);

	if (f != NULL)
		f->message = arena_text(list->arena, message, strlen(message));
	if (f == NULL || f->message == NULL) {
		list->failed = true;
		return NULL;
	}
	f->rule = rule;
	f->severity = severity;
	f->file = file;
	f->at = at;
	*list->end = f;
	list->end = &f->next;
	list->count++;
	return f;
}

/* A file and the index of its first finding, which is its rank. */
struct file_rank {
	const char *file;
	size_t first;
};

static int
by_file(const void *a, const void *b)
{
	const struct file_rank *x = a, *y = b;

	return x->file == y->file ? 0 : strcmp(x->file, y->file);
}

static int
by_file_then_first(const void *a, const void *b)
{
	const struct file_rank *x = a, *y = b;

	int o = by_file(a, b);

	return o != 0 ? o : (x->first > y->first) - (x->first < y->first);
}

/* The ranks of all files, sorted by file; *n is their number. NULL when memory
 * is short. Returns owned. */
static struct file_rank *
rank_files(const struct findings *list, size_t *n)
{
	struct file_rank *ranks =
	    reallocarray(NULL, list->count, sizeof *ranks);
	size_t count = 0, index = 0, kept = 0;

	if (ranks == NULL)
		return NULL;
	for (struct finding *f = list->first; f != NULL; f = f->next, index++)
		if (count == 0 || ranks[count - 1].file != f->file)
			ranks[count++] = (struct file_rank){ f->file, index };
	qsort(ranks, count, sizeof *ranks, by_file_then_first);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || by_file(&ranks[kept - 1], &ranks[i]) != 0)
			ranks[kept++] = ranks[i];
	*n = kept;
	return ranks;
}

static size_t
rank_of(const struct file_rank *ranks, size_t n, const char *file)
{
	const struct file_rank key = { .file = file };
	const struct file_rank *found =
	    bsearch(&key, ranks, n, sizeof key, by_file);

	return found != NULL ? found->first : 0;
}

/* What decides about the order, beside each other. */
struct sortable {
	struct finding *f;
	unsigned line, column;
	size_t file, index;
};

static int
order(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

static int
by_place(const void *a, const void *b)
{
	const struct sortable *x = a, *y = b;
	int o = order(x->file, y->file);

	if (o == 0)
		o = order(x->line, y->line);
	if (o == 0)
		o = order(x->column, y->column);
	if (o == 0)
		o = strcmp(x->f->rule, y->f->rule);
	return o != 0 ? o : order(x->index, y->index);
}

void
findings_join(struct findings *list, struct findings *from)
{
	if (from->first != NULL) {
		*list->end = from->first;
		list->end = from->end;
	}
	list->count += from->count;
	list->failed |= from->failed;
	for (size_t i = 0; i < SEVERITY_COUNT; i++)
		list->hidden[i] += from->hidden[i];
	findings_init(from, from->arena);
}

void
findings_sort(struct findings *list)
{
	struct sortable *all = reallocarray(NULL, list->count, sizeof *all);
	struct file_rank *ranks = NULL;
	size_t n = 0, files = 0;

	if (list->count > 0 && all != NULL)
		ranks = rank_files(list, &files);
	if (ranks == NULL) {
		list->failed |= list->count > 0;
		free(all);
		return;
	}
	for (struct finding *f = list->first; f != NULL; f = f->next, n++)
		all[n] = (struct sortable){ f, f->at.line, f->at.column,
			rank_of(ranks, files, f->file), n };
	free(ranks);
	qsort(all, n, sizeof *all, by_place);
	list->end = &list->first;
	for (size_t i = 0; i < n; i++) {
		*list->end = all[i].f;
		list->end = &all[i].f->next;
	}
	*list->end = NULL;
	free(all);
}

void
findings_keep(struct findings *list, findings_keep_fn *keep, void *ctx)
{
	struct finding *next, **end = &list->first;

	list->count = 0;
	for (struct finding *f = list->first; f != NULL; f = next) {
		next = f->next;
		if (keep(ctx, f)) {
			*end = f;
			end = &f->next;
			list->count++;
		}
	}
	*end = NULL;
	list->end = end;
}

int
findings_worst(const struct findings *list)
{
	int worst = -1;

	for (const struct finding *f = list->first; f != NULL; f = f->next)
		if ((int)f->severity > worst)
			worst = (int)f->severity;
	return worst;
}

const char *
finding_severity(enum severity severity)
{
	switch (severity) {
	case SEVERITY_INFO:
		return "info";
	case SEVERITY_WARNING:
		return "warning";
	case SEVERITY_ERROR:
		return "error";
	}
	return "";
}

const char *
finding_severity_name(size_t n)
{
	return n < SEVERITY_COUNT ? finding_severity((enum severity)n) : NULL;
}
