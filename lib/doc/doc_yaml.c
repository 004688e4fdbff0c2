/*
 * doc_yaml: see doc_yaml.h. Tokens to nodes.
 *
 * Why not libyaml: yaml.v3 descends from it and has moved away in at least ten
 * places (`?` in a flow scalar, `key:` before a bracket, \/ and \', tags,
 * directives, byte order marks, tabs before comments, depth limits, how far is
 * read after the document). Events from libyaml differed on 3 % of
 * generated documents, and each difference is a map that we would call good
 * and headscale rejects, or reads differently.
 *
 * The grammar is YAML 1.1's in libyaml's formulation. Each open collection is
 * a frame with the state in which it goes on; there is no recursion.
 */
#include "doc_yaml.h"

#include "yaml_names.h"
#include "yaml_notes.h"
#include "yaml_scan.h"

#include <stdlib.h>

/* What the parser expects next in the innermost frame. */
enum state {
	DOCUMENT_FIRST, /* the document's node */
	DOCUMENT_DONE,
	BLOCK_ENTRY,
	INDENTLESS_ENTRY, /* a list at its key's own column */
	BLOCK_KEY,
	BLOCK_VALUE,
	FLOW_ENTRY_FIRST,
	FLOW_ENTRY,
	PAIR_KEY, /* [a: b] holds a mapping of one pair */
	PAIR_VALUE,
	PAIR_END,
	FLOW_KEY_FIRST,
	FLOW_KEY,
	FLOW_VALUE,
	FLOW_NO_VALUE, /* {a, b}: a key alone */
};

struct parser {
	struct yaml_scan scan;
	struct doc_builder builder;
	struct yaml_names names;
	bool has_version;
	enum state *frames; /* owned */
	size_t frame_count, frame_cap;
};

/* Anchor and tag before a node. */
struct props {
	struct doc_props written;
	struct doc_pos start;
	bool any;
};

static int
no_memory(struct parser *p, struct doc_pos at)
{
	return doc_builder_fail(&p->builder, DOC_MEMORY, at,
	    "not enough memory to read the document");
}

static int
syntax(struct parser *p, const struct yaml_token *t, const char *wanted)
{
	return doc_builder_fail(
	    &p->builder, DOC_SYNTAX, t->start, "%s is expected here", wanted);
}

static const struct yaml_token *
next(struct parser *p)
{
	yaml_scan_drop(&p->scan);
	return yaml_scan_peek(&p->scan);
}

/* --- frames --- */

static int
push(struct parser *p, enum state state)
{
	if (p->frame_count == p->frame_cap) {
		size_t cap = p->frame_cap == 0 ? 64 : 2 * p->frame_cap;
		enum state *frames =
		    reallocarray(p->frames, cap, sizeof *frames);

		if (frames == NULL)
			return no_memory(p, (struct doc_pos){ 0 });
		p->frames = frames;
		p->frame_cap = cap;
	}
	p->frames[p->frame_count++] = state;
	return 0;
}

static void
become(struct parser *p, enum state state)
{
	p->frames[p->frame_count - 1] = state;
}

/* Ends the innermost collection. */
static int
close_top(struct parser *p, struct doc_pos end)
{
	p->frame_count--;
	return doc_builder_close(&p->builder, end);
}

/* --- nodes --- */

/* Reads anchor and tag, in either order, and steps over them. */
static const struct yaml_token *
read_props(struct parser *p, const struct yaml_token *t, struct props *props)
{
	struct doc_props *written = &props->written;

	props->start = t->start;
	while (t != NULL &&
	    ((t->kind == YAML_ANCHOR && written->anchor == NULL) ||
		(t->kind == YAML_TAG && written->tag == NULL))) {
		props->any = true;
		if (t->kind == YAML_ANCHOR)
			written->anchor = (const char *)t->text.p;
		else if ((written->tag = yaml_names_tag(&p->names, t)) == NULL)
			return NULL;
		t = next(p);
	}
	return t;
}

/* Gives the node what is written before it. */
static int
set_props(struct parser *p, struct doc_node *node, const struct props *props)
{
	struct doc_props *copy = arena_alloc(p->builder.arena, 1, sizeof *copy);

	if (copy == NULL)
		return no_memory(p, node->start);
	*copy = props->written;
	node->props = copy;
	return copy->anchor != NULL ? yaml_names_anchor(&p->names, node) : 0;
}

static struct doc_node *
add(struct parser *p, enum doc_kind kind, enum doc_style style,
    struct doc_pos start, const struct props *props)
{
	struct doc_node *node = doc_builder_add(&p->builder, kind, start);

	if (node == NULL)
		return NULL;
	node->style = style;
	node->text = slice_of("", 0);
	if (props->any && set_props(p, node, props) == -1)
		return NULL;
	return node;
}

/* A value that is not there. */
static int
add_empty(struct parser *p, struct doc_pos at)
{
	struct props none = { 0 };

	return add(p, DOC_SCALAR, DOC_PLAIN, at, &none) != NULL ? 0 : -1;
}

static int
add_alias(struct parser *p, const struct yaml_token *t)
{
	struct props none = { 0 };
	const struct doc_node *target = yaml_names_find(&p->names, t->text);
	struct doc_node *node;

	if (target == NULL)
		return doc_builder_fail(&p->builder, DOC_SYNTAX, t->start,
		    "no anchor &%s before this alias", (const char *)t->text.p);
	node = add(p, DOC_ALIAS, DOC_PLAIN, t->start, &none);
	if (node == NULL)
		return -1;
	node->text = t->text;
	node->target = target;
	node->end = t->end;
	yaml_scan_drop(&p->scan);
	return 0;
}

static int
add_scalar(
    struct parser *p, const struct yaml_token *t, const struct props *props)
{
	struct doc_node *node = add(p, DOC_SCALAR, t->style, t->start, props);

	if (node == NULL)
		return -1;
	node->text = t->text;
	node->end = t->end;
	yaml_scan_drop(&p->scan);
	return 0;
}

/* Opens a collection; drop: its first token has no other use. */
static int
open_collection(struct parser *p, const struct yaml_token *t,
    const struct props *props, enum state state)
{
	bool mapping = state == BLOCK_KEY || state == FLOW_KEY_FIRST;
	bool flow = state == FLOW_KEY_FIRST || state == FLOW_ENTRY_FIRST;
	struct doc_node *node = add(p, mapping ? DOC_MAPPING : DOC_SEQUENCE,
	    flow ? DOC_FLOW : DOC_BLOCK, t->start, props);

	if (node == NULL || doc_builder_open(&p->builder, node) == -1 ||
	    push(p, state) == -1)
		return -1;
	if (state != INDENTLESS_ENTRY)
		yaml_scan_drop(&p->scan);
	return 0;
}

/*
 * One node. block: block collections may begin here; indentless: also a list
 * at the column of the key it belongs to.
 */
static int
parse_node(
    struct parser *p, const struct yaml_token *t, bool block, bool indentless)
{
	struct props props = { 0 };

	if (t->kind == YAML_ALIAS)
		return add_alias(p, t);
	t = read_props(p, t, &props);
	if (t == NULL)
		return -1;
	if (indentless && t->kind == YAML_BLOCK_ENTRY)
		return open_collection(p, t, &props, INDENTLESS_ENTRY);
	if (t->kind == YAML_SCALAR)
		return add_scalar(p, t, &props);
	if (t->kind == YAML_FLOW_SEQUENCE)
		return open_collection(p, t, &props, FLOW_ENTRY_FIRST);
	if (t->kind == YAML_FLOW_MAPPING)
		return open_collection(p, t, &props, FLOW_KEY_FIRST);
	if (block && t->kind == YAML_BLOCK_SEQUENCE)
		return open_collection(p, t, &props, BLOCK_ENTRY);
	if (block && t->kind == YAML_BLOCK_MAPPING)
		return open_collection(p, t, &props, BLOCK_KEY);
	if (props.any)
		return add(p, DOC_SCALAR, DOC_PLAIN, props.start, &props) !=
			NULL
		    ? 0
		    : -1;
	return syntax(p, t, "a value");
}

/* --- block collections --- */

static int
block_entry(struct parser *p, const struct yaml_token *t, bool indentless)
{
	struct doc_pos end = t->end;

	if (t->kind == YAML_BLOCK_END && !indentless) {
		if (close_top(p, t->start) == -1)
			return -1;
		yaml_scan_drop(&p->scan);
		return 0;
	}
	if (t->kind != YAML_BLOCK_ENTRY)
		return indentless ? close_top(p, t->start)
				  : syntax(p, t, "'- ' of the next entry");
	t = next(p);
	if (t == NULL)
		return -1;
	if (t->kind == YAML_BLOCK_ENTRY || t->kind == YAML_BLOCK_END ||
	    (indentless && (t->kind == YAML_KEY || t->kind == YAML_VALUE)))
		return add_empty(p, end);
	return parse_node(p, t, true, false);
}

/* What follows a key's or value's mark in a block mapping. */
static int
block_content(struct parser *p, struct doc_pos at)
{
	const struct yaml_token *t = next(p);

	if (t == NULL)
		return -1;
	if (t->kind == YAML_KEY || t->kind == YAML_VALUE ||
	    t->kind == YAML_BLOCK_END)
		return add_empty(p, at);
	return parse_node(p, t, true, true);
}

static int
block_key(struct parser *p, const struct yaml_token *t)
{
	if (t->kind == YAML_BLOCK_END) {
		if (close_top(p, t->start) == -1)
			return -1;
		yaml_scan_drop(&p->scan);
		return 0;
	}
	if (t->kind != YAML_KEY)
		return syntax(p, t, "the next key, or less indentation,");
	become(p, BLOCK_VALUE);
	return block_content(p, t->end);
}

static int
block_value(struct parser *p, const struct yaml_token *t)
{
	become(p, BLOCK_KEY);
	if (t->kind == YAML_VALUE)
		return block_content(p, t->end);
	return add_empty(p, t->start);
}

/* --- flow collections --- */

/* Closes the flow collection, the bracket being next. */
static int
flow_close(struct parser *p, const struct yaml_token *t)
{
	if (close_top(p, t->end) == -1)
		return -1;
	yaml_scan_drop(&p->scan);
	return 0;
}

/* [ … k: v …]: opens the mapping of one pair at the key's mark. */
static int
open_pair(struct parser *p, const struct yaml_token *t)
{
	struct props none = { 0 };
	struct doc_node *node = add(p, DOC_MAPPING, DOC_FLOW, t->start, &none);

	if (node == NULL || doc_builder_open(&p->builder, node) == -1 ||
	    push(p, PAIR_KEY) == -1)
		return -1;
	yaml_scan_drop(&p->scan);
	return 0;
}

static int
flow_entry(struct parser *p, const struct yaml_token *t, bool first)
{
	become(p, FLOW_ENTRY);
	if (t->kind == YAML_FLOW_SEQUENCE_END)
		return flow_close(p, t);
	if (!first) {
		if (t->kind != YAML_FLOW_ENTRY)
			return syntax(p, t, "',' or ']'");
		t = next(p);
		if (t == NULL)
			return -1;
	}
	if (t->kind == YAML_KEY)
		return open_pair(p, t);
	if (t->kind == YAML_FLOW_SEQUENCE_END)
		return flow_close(p, t);
	return parse_node(p, t, false, false);
}

static int
pair_key(struct parser *p, const struct yaml_token *t)
{
	struct doc_pos end = t->end;

	become(p, PAIR_VALUE);
	if (t->kind != YAML_VALUE && t->kind != YAML_FLOW_ENTRY &&
	    t->kind != YAML_FLOW_SEQUENCE_END)
		return parse_node(p, t, false, false);
	/* as yaml.v3: the token is gone, so [? : a] lacks its end */
	yaml_scan_drop(&p->scan);
	return add_empty(p, end);
}

static int
pair_value(struct parser *p, const struct yaml_token *t)
{
	become(p, PAIR_END);
	if (t->kind == YAML_VALUE) {
		t = next(p);
		if (t == NULL)
			return -1;
		if (t->kind != YAML_FLOW_ENTRY &&
		    t->kind != YAML_FLOW_SEQUENCE_END)
			return parse_node(p, t, false, false);
	}
	return add_empty(p, t->start);
}

static int
flow_key(struct parser *p, const struct yaml_token *t, bool first)
{
	become(p, FLOW_VALUE);
	if (t->kind == YAML_FLOW_MAPPING_END)
		return flow_close(p, t);
	if (!first) {
		if (t->kind != YAML_FLOW_ENTRY)
			return syntax(p, t, "',' or '}'");
		t = next(p);
		if (t == NULL)
			return -1;
	}
	if (t->kind == YAML_KEY) {
		t = next(p);
		if (t == NULL)
			return -1;
		if (t->kind == YAML_VALUE || t->kind == YAML_FLOW_ENTRY ||
		    t->kind == YAML_FLOW_MAPPING_END)
			return add_empty(p, t->start);
		return parse_node(p, t, false, false);
	}
	if (t->kind == YAML_FLOW_MAPPING_END)
		return flow_close(p, t);
	become(p, FLOW_NO_VALUE);
	return parse_node(p, t, false, false);
}

static int
flow_value(struct parser *p, const struct yaml_token *t, bool none)
{
	become(p, FLOW_KEY);
	if (!none && t->kind == YAML_VALUE) {
		t = next(p);
		if (t == NULL)
			return -1;
		if (t->kind != YAML_FLOW_ENTRY &&
		    t->kind != YAML_FLOW_MAPPING_END)
			return parse_node(p, t, false, false);
	}
	return add_empty(p, t->start);
}

/* --- the document --- */

/* The % lines at its start and the `---` after them. *t is the next token. */
static int
read_directives(struct parser *p, const struct yaml_token **t)
{
	bool any = false;

	while (*t != NULL &&
	    ((*t)->kind == YAML_VERSION || (*t)->kind == YAML_TAG_LINE)) {
		any = true;
		if ((*t)->kind == YAML_TAG_LINE) {
			if (yaml_names_tag_line(&p->names, *t) == -1)
				return -1;
		} else if (p->has_version) {
			return doc_builder_fail(&p->builder, DOC_DIRECTIVE,
			    (*t)->start, "a second %%YAML line");
		} else if (!slice_is((*t)->text, "1.1")) {
			return doc_builder_fail(&p->builder, DOC_DIRECTIVE,
			    (*t)->start,
			    "%%YAML %.*s: headscale's YAML reader rejects "
			    "every "
			    "version but 1.1",
			    (int)(*t)->text.n, (const char *)(*t)->text.p);
		} else {
			p->has_version = true;
		}
		*t = next(p);
	}
	if (*t == NULL)
		return -1;
	if (any && (*t)->kind != YAML_DOCUMENT_START)
		return syntax(p, *t, "'---' after the % lines");
	return 0;
}

static int
document_first(struct parser *p, const struct yaml_token *t)
{
	become(p, DOCUMENT_DONE);
	if (read_directives(p, &t) == -1)
		return -1;
	if (t->kind != YAML_DOCUMENT_START) {
		if (t->kind == YAML_STREAM_END)
			return 0;
		return parse_node(p, t, true, false);
	}
	t = next(p);
	if (t == NULL)
		return -1;
	if (yaml_notes_ends_document(t))
		return add_empty(p, t->start);
	return parse_node(p, t, true, false);
}

static int
step(struct parser *p, const struct yaml_token *t)
{
	switch (p->frames[p->frame_count - 1]) {
	case DOCUMENT_FIRST:
		return document_first(p, t);
	case DOCUMENT_DONE:
		return 0;
	case BLOCK_ENTRY:
		return block_entry(p, t, false);
	case INDENTLESS_ENTRY:
		return block_entry(p, t, true);
	case BLOCK_KEY:
		return block_key(p, t);
	case BLOCK_VALUE:
		return block_value(p, t);
	case FLOW_ENTRY_FIRST:
		return flow_entry(p, t, true);
	case FLOW_ENTRY:
		return flow_entry(p, t, false);
	case PAIR_KEY:
		return pair_key(p, t);
	case PAIR_VALUE:
		return pair_value(p, t);
	case PAIR_END:
		return close_top(p, t->start);
	case FLOW_KEY_FIRST:
		return flow_key(p, t, true);
	case FLOW_KEY:
		return flow_key(p, t, false);
	case FLOW_VALUE:
		return flow_value(p, t, false);
	case FLOW_NO_VALUE:
		return flow_value(p, t, true);
	}
	return -1;
}

static int
parse(struct parser *p)
{
	const struct yaml_token *t = yaml_scan_peek(&p->scan);

	if (t == NULL ||
	    yaml_notes_encoding(&p->builder, &p->scan.cur.source) == -1)
		return -1;
	yaml_scan_drop(&p->scan);
	if (push(p, DOCUMENT_FIRST) == -1)
		return -1;
	while (p->frames[p->frame_count - 1] != DOCUMENT_DONE) {
		t = yaml_scan_peek(&p->scan);
		if (t == NULL || step(p, t) == -1)
			return -1;
	}
	if (p->builder.doc->root == NULL)
		return 0;
	/* the look at what comes next is part of what yaml.v3 accepts */
	t = yaml_scan_peek(&p->scan);
	return t != NULL ? yaml_notes_rest(&p->builder, &p->scan.cur.source, t)
			 : -1;
}

int
doc_yaml_read(
    struct doc *d, struct arena *a, struct slice text, struct fail *why)
{
	struct parser p = { .frames = NULL };
	int result;

	doc_builder_init(&p.builder, a, d, SIZE_MAX);
	yaml_names_init(&p.names, &p.builder);
	if (text.n > DOC_TEXT_MAX)
		result = doc_builder_fail(&p.builder, DOC_LIMIT,
		    (struct doc_pos){ 0 }, "longer than %zu bytes",
		    DOC_TEXT_MAX);
	else
		result = yaml_scan_init(&p.scan, &p.builder, text);
	if (result == 0)
		result = parse(&p);
	if (text.n <= DOC_TEXT_MAX)
		yaml_scan_clear(&p.scan);
	free(p.frames);
	if (result == -1)
		fail_at(why, d->error_at.line, d->error_at.column, "%s",
		    d->error_text);
	return result;
}
