/*
 * finding: one thing that is wrong with a map, with its place.
 *
 * Rules add findings to a list; reports print it. The list keeps the order in
 * which they were added until findings_sort. What a finding borrows lives in
 * the list's arena, so that the file it is about may be closed.
 *
 * Life: findings_init over an arena; everything is borrowed from it. Threads:
 * used by one at a time.
 */
#ifndef DERPKIT_FINDING_H
#define DERPKIT_FINDING_H

#include "doc.h"

/* Ordered: the greater the worse. */
enum severity {
	SEVERITY_INFO,
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};
#define SEVERITY_COUNT ((size_t)SEVERITY_ERROR + 1)

/* A span of the text and what comes in its place. */
struct finding_edit {
	struct doc_pos start, end; /* the same: an insertion */
	const char *text;
	const struct finding_edit *next; /* done together with it, or NULL */
};

struct finding {
	const char *rule; /* "N01"; borrowed, static */
	enum severity severity;
	const char *file;    /* as the user named it, "-" for standard input */
	struct doc_pos at;   /* line 0: about the file as a whole */
	struct doc_pos end;  /* one past what it is about; line 0: unknown */
	const char *path;    /* "regions.900.nodes[0].hostname", or NULL */
	const char *message; /* what is wrong and what follows from it */
	const char *fix;     /* what to do, or NULL */
	const struct finding_edit *edit; /* what does it, or NULL */
	/* another place that it is about, of the same file; line 0: none */
	struct doc_pos related;
	const char *related_text; /* what is there */
	/* a part of the line at its place, without the line's end, or NULL;
	 * the column of its first character */
	const char *excerpt;
	unsigned excerpt_column;
	bool is_note;  /* information about what the file is: fails no
			  file, whatever is asked for */
	bool is_fatal; /* why the file could not be judged: no choice of
			  rules leaves it out */
	struct finding *next;
};

struct findings {
	struct arena *arena; /* borrowed */
	struct finding *first;
	struct finding **end;
	size_t count;
	size_t hidden[SEVERITY_COUNT]; /* taken out, but
						to be counted */
	bool failed; /* memory was short: something is missing */
};

void findings_init(struct findings *list, struct arena *a);

/* Adds one; message is formatted, fix is set by the caller on what comes back
 * (arena text or static). NULL when memory is short; list->failed is then set.
 * rule and file are borrowed. */
__attribute__((format(printf, 6, 7))) struct finding *findings_add(
    struct findings *list, const char *rule, enum severity severity,
    const char *file, struct doc_pos at, const char *fmt, ...);

/* The same with a message as it is, which is copied. */
struct finding *findings_add_text(struct findings *list, const char *rule,
    enum severity severity, const char *file, struct doc_pos at,
    const char *message);

/* Moves all of `from` to the end of the list; both borrow from one arena. */
void findings_join(struct findings *list, struct findings *from);

/* By file in the order of first appearance, line, column, rule; stable. */
void findings_sort(struct findings *list);

/* Takes those out that keep does not want; it may change the severity. */
typedef bool findings_keep_fn(void *ctx, struct finding *f);
void findings_keep(struct findings *list, findings_keep_fn *keep, void *ctx);

/* The worst severity in the list; -1 when it is empty. */
int findings_worst(const struct findings *list);

/* "info", "warning" or "error". */
const char *finding_severity(enum severity severity);

/* The same for tables of names: NULL after the last. */
const char *finding_severity_name(size_t n);

#endif
