/* report_text: see report_text.h. */
#include "report_text.h"

#include "quote.h"
#include "rule_list.h"
#include "utf8.h"
#include "width.h"

#include <stdlib.h>
#include <string.h>

#define BOLD "\033[1m"
#define PLAIN "\033[0m"

struct text_report {
	FILE *to;
	bool colour;
	bool failed; /* memory is short */
};

static const char *
colour_of(enum severity severity)
{
	switch (severity) {
	case SEVERITY_INFO:
		return "\033[36m";
	case SEVERITY_WARNING:
		return "\033[33m";
	case SEVERITY_ERROR:
		return "\033[31m";
	}
	return "";
}

static const char *
escape(const struct text_report *r, const char *code)
{
	return r->colour ? code : "";
}

/* Whether it is visible ASCII, of which each character takes a column: most
 * texts are. */
static bool
is_plain(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
	return true;
}

/* Prints the text so that it cannot move the cursor; returns how many columns
 * it takes. Without a stream it is only measured. */
static unsigned
put_clean(struct text_report *r, FILE *to, struct slice text)
{
	const size_t cap = text.n * QUOTE_PUT_GROWTH;
	struct writer w;
	unsigned width;
	char *room;

	if (is_plain(text)) {
		if (to != NULL)
			fwrite(text.p, 1, text.n, to);
		return (unsigned)text.n;
	}
	room = malloc(cap + 1);
	w = writer_of(room, cap);
	if (room == NULL) {
		r->failed = true;
		return 0;
	}
	quote_put(&w, text);
	if (to != NULL)
		fwrite(w.p, 1, w.n, to);
	width = width_of(writer_slice(&w));
	free(room);
	return width;
}

static void
put_text(struct text_report *r, const char *text)
{
	put_clean(r, r->to, slice_str(text));
}

/* The first characters of the text, as many as are asked for or are there. */
static struct slice
first_characters(struct slice text, unsigned count)
{
	size_t at = 0;

	while (count-- > 0 && at < text.n) {
		size_t n = utf8_next(slice_of(text.p + at, text.n - at), NULL);

		at += n > 0 ? n : 1;
	}
	return slice_of(text.p, at);
}

static void
put_wave(FILE *to, unsigned width)
{
	static const char wave[] = "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~";

	while (width > 0) {
		unsigned n = width < sizeof wave - 1 ? width : sizeof wave - 1;

		fwrite(wave, 1, n, to);
		width -= n;
	}
}

/* The line of the finding, and below it what the finding is about. */
static void
put_excerpt(struct text_report *r, const struct finding *f)
{
	struct slice line = slice_str(f->excerpt);
	struct slice before =
	    first_characters(line, f->at.column - f->excerpt_column);
	struct slice about = slice_of(line.p + before.n, line.n - before.n);
	unsigned indent = 0, width;

	if (f->end.line == f->at.line)
		about = first_characters(about, f->end.column - f->at.column);
	else if (f->end.line == 0)
		about = first_characters(about, 1);
	else
		about = slice_trim(about);
	fprintf(r->to, "%5u | ", f->at.line);
	put_clean(r, r->to, line);
	fputs("\n      | ", r->to);
	indent = put_clean(r, NULL, before);
	width = put_clean(r, NULL, about);
	fprintf(r->to, "%*s%s^", (int)indent, "",
	    escape(r, colour_of(f->severity)));
	put_wave(r->to, width > 1 ? width - 1 : 0);
	fprintf(r->to, "%s\n", escape(r, PLAIN));
}

static void
put_place(struct text_report *r, const struct finding *f, struct doc_pos at)
{
	const char *file = strcmp(f->file, "-") == 0 ? "stdin" : f->file;

	fputs(escape(r, BOLD), r->to);
	put_text(r, file);
	fprintf(r->to, ":%u:%u:%s ", at.line, at.column, escape(r, PLAIN));
}

static void
put_finding(struct text_report *r, const struct finding *f)
{
	const struct rule *rule = rule_list_find(f->rule);

	put_place(r, f, f->at);
	fprintf(r->to, "%s%s%s: ", escape(r, colour_of(f->severity)),
	    finding_severity(f->severity), escape(r, PLAIN));
	put_text(r, f->message);
	fprintf(r->to, " [%s%s%s]\n", f->rule, rule != NULL ? " " : "",
	    rule != NULL ? rule->name : "");
	if (f->excerpt != NULL)
		put_excerpt(r, f);
	if (f->related.line != 0) {
		fputs("    ", r->to);
		put_place(r, f, f->related);
		put_text(r, f->related_text);
		fputc('\n', r->to);
	}
	if (f->fix == NULL)
		return;
	fputs("    fix: ", r->to);
	put_text(r, f->fix);
	fputc('\n', r->to);
}

int
report_text(FILE *to, const struct findings *list, bool colour)
{
	struct text_report r = { .to = to, .colour = colour };

	for (const struct finding *f = list->first; f != NULL; f = f->next)
		put_finding(&r, f);
	return r.failed ? -1 : 0;
}
