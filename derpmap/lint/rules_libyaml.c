/* rules_libyaml: whether libyaml, on which Ansible, PyYAML and editors are
 * built, reads the same document as headscale does. */
#include "rule_groups.h"

#include "plain_lines.h"

#include <yaml.h>

#include <stdlib.h>
#include <string.h>

/* A collection that is being compared, and how many of its nodes are done. */
struct open {
	const struct doc_node *node;
	size_t done;
};

struct comparison {
	struct rule_run *run;
	yaml_parser_t parser;
	struct open *stack; /* owned */
	size_t depth, cap;
	bool stopped; /* a difference, an error, or the end */
};

/* Its marks count characters, ours have bytes too. */
static struct doc_pos
pos_of(yaml_mark_t mark, struct slice text)
{
	struct doc_pos at = { .line = 1, .column = 1 };

	while (at.offset < text.n &&
	    (at.line <= mark.line ||
		(at.line == mark.line + 1 && at.column <= mark.column)))
		doc_pos_advance(&at, text, at.offset + 1, DOC_LINE_YAML);
	at.line = (unsigned)mark.line + 1;
	at.column = (unsigned)mark.column + 1;
	return at;
}

static void
found_different(struct comparison *c, const struct doc_node *n)
{
	c->stopped = true;
	rule_found(c->run, n->start,
	    "libyaml, which Ansible, PyYAML and editors use, reads something "
	    "else here than headscale does")
	    ->fix = "put the value in double quotes";
}

/* The next event; false: libyaml rejects the text, which is reported. */
static bool
next_event(struct comparison *c, yaml_event_t *event)
{
	struct doc_pos at;

	if (yaml_parser_parse(&c->parser, event) != 0)
		return true;
	c->stopped = true;
	if (c->parser.error == YAML_MEMORY_ERROR) {
		c->run->out->failed = true;
		return false;
	}
	at = pos_of(c->parser.problem_mark, c->run->load->text);
	rule_found(c->run, at,
	    "libyaml, which Ansible, PyYAML and editors use, rejects the file "
	    "here, and headscale does not: %s",
	    c->parser.problem != NULL ? c->parser.problem : "no reason given")
	    ->fix =
	    "put values in double quotes, or write one key on each line";
	return false;
}

static void
open_collection(struct comparison *c, const struct doc_node *n)
{
	if (c->depth == c->cap) {
		size_t cap = c->cap == 0 ? 64 : 2 * c->cap;
		struct open *stack = reallocarray(c->stack, cap, sizeof *stack);

		if (stack == NULL) {
			c->run->out->failed = true;
			c->stopped = true;
			return;
		}
		c->stack = stack;
		c->cap = cap;
	}
	c->stack[c->depth++] = (struct open){ .node = n };
}

static bool
is_same(const struct doc_node *n, const yaml_event_t *event)
{
	switch (n->kind) {
	case DOC_SCALAR:
		return event->type == YAML_SCALAR_EVENT &&
		    slice_eq(n->text,
			slice_of(event->data.scalar.value,
			    event->data.scalar.length));
	case DOC_MAPPING:
		return event->type == YAML_MAPPING_START_EVENT;
	case DOC_SEQUENCE:
		return event->type == YAML_SEQUENCE_START_EVENT;
	case DOC_ALIAS:
		return event->type == YAML_ALIAS_EVENT &&
		    slice_is(n->text, (const char *)event->data.alias.anchor);
	}
	return false;
}

/* Compares the next node, or the end of the innermost collection. */
static void
compare_next(struct comparison *c, const struct doc_node *root)
{
	struct open *top = c->depth > 0 ? &c->stack[c->depth - 1] : NULL;
	const struct doc_node *n = root;
	yaml_event_t event;
	size_t count = 0;

	if (top != NULL)
		count = top->node->kind == DOC_MAPPING ? 2 * top->node->count
						       : top->node->count;
	if (!next_event(c, &event))
		return;
	if (top != NULL && top->done == count) {
		if (event.type != YAML_MAPPING_END_EVENT &&
		    event.type != YAML_SEQUENCE_END_EVENT)
			found_different(c, top->node);
		c->depth--;
	} else {
		if (top != NULL)
			n = top->node->items[top->done++];
		if (!is_same(n, &event))
			found_different(c, n);
		else if (n->kind == DOC_MAPPING || n->kind == DOC_SEQUENCE)
			open_collection(c, n);
	}
	yaml_event_delete(&event);
	c->stopped |= c->depth == 0;
}

/* Steps over the events before the document's node. */
static void
skip_start(struct comparison *c)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_event_t event;

	while (!c->stopped && type != YAML_DOCUMENT_START_EVENT) {
		if (!next_event(c, &event))
			return;
		type = event.type;
		c->stopped |= type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
}

static void
read_otherwise(struct rule_run *run)
{
	const struct load *load = run->load;
	struct comparison c = { .run = run };

	if (load->dialect != DIALECT_HEADSCALE || load->doc.error != DOC_OK ||
	    load->doc.root == NULL || load->kind.kind == FILEKIND_CONFIGMAP ||
	    plain_lines_only(load->text))
		return;
	if (yaml_parser_initialize(&c.parser) == 0) {
		run->out->failed = true;
		return;
	}
	yaml_parser_set_input_string(&c.parser, load->text.p, load->text.n);
	skip_start(&c);
	while (!c.stopped)
		compare_next(&c, load->doc.root);
	yaml_parser_delete(&c.parser);
	free(c.stack);
}

static const struct rule rules[] = {
	{ "P32", "libyaml-differs", SEVERITY_INFO, RULE_YAML,
	    { .file = read_otherwise },
	    "libyaml reads the file otherwise, or not at all",
	    "Headscale takes it, but Ansible, PyYAML and editors are built on "
	    "libyaml and stop at it, or change it when they write it.",
	    "libyaml 0.2.5 beside yaml.v3 3.0.1, measured" },
};

const struct rule_group rules_libyaml = { rules,
	sizeof rules / sizeof rules[0] };
