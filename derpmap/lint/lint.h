/*
 * lint: the table of rules and their runner.
 *
 * A rule is a row {id, name, severity, forms, title, help, source, function}
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
	/* what the reading program refuses: offsets in the text, ascending.
	 * Such a value is not judged any further: there is none */
	const size_t *refused;
	size_t refused_count;
	struct finding scratch; /* for a finding that is not to be kept */
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

/* All rules, by group and number. */
const struct lint_rule *lint_rules(size_t *count);

/* The rule with this id, or NULL. */
const struct lint_rule *lint_rule_find(const char *id);

/*
 * Runs all rules that fit the file's form; findings are added in the order of
 * the table, each once, however often an alias leads there. Whatever the
 * reading program refuses is found by some rule of severity error. Findings
 * borrow from out's arena only; short memory sets out->failed.
 */
void lint_run(const struct load *load, struct findings *out);

/* For rules: adds a finding of the rule at work at the place, with the rule's
 * severity; without a place it is put at the start. Never NULL: a scratch
 * finding is returned when memory is short (out->failed is set then) and when
 * there is no value to judge, because the program refuses it. */
__attribute__((format(printf, 3, 4))) struct finding *lint_found(
    struct lint *l, struct doc_pos at, const char *fmt, ...);

/* The same with a severity of its own. */
__attribute__((format(printf, 4, 5))) struct finding *lint_found_as(
    struct lint *l, enum severity severity, struct doc_pos at, const char *fmt,
    ...);

/* Formatted arena text for finding.fix; NULL when memory is short. */
__attribute__((format(printf, 2, 3))) const char *lint_fix(
    struct lint *l, const char *fmt, ...);

/* Calls visit for every remark of this kind. */
typedef void lint_remark_fn(struct lint *l, const struct derpmap_remark *r);
void lint_each_remark(
    struct lint *l, enum derpmap_remark_kind kind, lint_remark_fn *visit);

/* Whether the text was decoded as a whole, so that it can be said of something
 * that it is not there. */
bool lint_whole(const struct lint *l);

/* Calls visit for every node that is not nil and was decoded. */
typedef void lint_node_fn(struct lint *l, const struct derpmap_region *region,
    const struct derpmap_node *node);
void lint_each_node(struct lint *l, lint_node_fn *visit);

/* Calls visit for every region that is not nil and was decoded. */
typedef void lint_region_fn(
    struct lint *l, const struct derpmap_region *region);
void lint_each_region(struct lint *l, lint_region_fn *visit);

/* The name of a field in the form of this file: "hostname" or "HostName". */
const char *lint_name(const struct lint *l, const char *yaml);

/* Place of a value; of `otherwise` when the field is not set. */
struct doc_pos lint_at(
    const struct derpmap_origin *from, const struct derpmap_origin *otherwise);

#endif
