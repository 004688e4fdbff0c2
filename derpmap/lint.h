/*
 * lint: the table of rules and their runner.
 *
 * A rule is a row {id, name, severity, dialects, title, help, source, function}
 * and a folder of cases in tests/lint. It judges the decoded map, the remarks
 * of the decoder and the notes of the reader; it opens no file and prints
 * nothing. Help, --list and the test that every rule has a case come from the
 * table.
 *
 * Threads: pure functions over a loaded file.
 */
#ifndef DERPKIT_LINT_H
#define DERPKIT_LINT_H

#include "finding.h"
#include "load.h"

/* Which forms of a map a rule is about: bits. */
enum lint_form {
	LINT_YAML = 1 << 0, /* headscale's derp.paths */
	LINT_JSON = 1 << 1, /* derp.urls, the wire */
	LINT_ANY = LINT_YAML | LINT_JSON,
};

struct lint_rule;

/* One rule at work on one file. */
struct lint {
	const struct load *load;
	const struct lint_rule *rule;
	struct findings *out;
};

typedef void lint_fn(struct lint *l);

struct lint_rule {
	const char *id;   /* "N01" */
	const char *name; /* "node-regionid-missing" */
	enum severity severity;
	unsigned forms;
	/* whether it looks at the map's values, which are there only when the
	 * text could be read at all; the others look at text and remarks */
	bool needs_map;
	const char *title;  /* one line */
	const char *help;   /* what happens and what to do */
	const char *source; /* where that is known from */
	lint_fn *fn;
};

/* All rules, sorted by group and number. */
const struct lint_rule *lint_rules(size_t *count);

/* Runs all rules that fit the file's form; findings are added in the order of
 * the table. Whatever the reading program refuses is found by some rule. */
void lint_run(const struct load *load, struct findings *out);

/* For rules: adds a finding of the rule at work at the place, with the rule's
 * severity (or a milder one, see lint_mild). Never NULL: when memory is short
 * a scratch finding is returned and out->failed is set. */
__attribute__((format(printf, 3, 4))) struct finding *lint_found(
    struct lint *l, struct doc_pos at, const char *fmt, ...);

/* The same with a severity of its own. */
__attribute__((format(printf, 4, 5))) struct finding *lint_found_as(
    struct lint *l, enum severity severity, struct doc_pos at, const char *fmt,
    ...);

/* Formatted arena text for finding.fix; NULL when memory is short. */
__attribute__((format(printf, 2, 3))) const char *lint_fix(
    struct lint *l, const char *fmt, ...);

/* Calls visit for every node that is not nil. */
typedef void lint_node_fn(struct lint *l, const struct derpmap_region *region,
    const struct derpmap_node *node);
void lint_each_node(struct lint *l, lint_node_fn *visit);

/* Calls visit for every region that is not nil. */
typedef void lint_region_fn(
    struct lint *l, const struct derpmap_region *region);
void lint_each_region(struct lint *l, lint_region_fn *visit);

/* Place of a value; of `otherwise` when the field is not set. */
struct doc_pos lint_at(
    const struct derpmap_origin *from, const struct derpmap_origin *otherwise);

#endif
