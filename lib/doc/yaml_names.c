/* yaml_names: see yaml_names.h. */
#include "yaml_names.h"

#include <string.h>

#define ANCHOR_BUCKETS 4096
#define CORE_PREFIX "tag:yaml.org,2002:"

struct anchor {
	struct anchor *next;
	struct slice name;
	const struct doc_node *node;
};

void
yaml_names_init(struct yaml_names *n, struct doc_builder *b)
{
	n->builder = b;
	n->anchors = NULL;
	n->tag_line_count = 0;
}

static int
no_memory(struct yaml_names *n, struct doc_pos at)
{
	return doc_builder_fail(n->builder, DOC_MEMORY, at,
	    "not enough memory to read the document");
}

static struct anchor **
anchor_bucket(struct yaml_names *n, struct slice name)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ name.p[i]) * 16777619U;
	return &n->anchors[h % ANCHOR_BUCKETS];
}

static struct anchor *
anchor_find(struct yaml_names *n, struct slice name)
{
	struct anchor *a;

	if (n->anchors == NULL)
		return NULL;
	for (a = *anchor_bucket(n, name); a != NULL; a = a->next)
		if (slice_eq(a->name, name))
			break;
	return a;
}

const struct doc_node *
yaml_names_find(struct yaml_names *n, struct slice name)
{
	struct anchor *a = anchor_find(n, name);

	return a != NULL ? a->node : NULL;
}

int
yaml_names_anchor(struct yaml_names *n, const struct doc_node *node)
{
	struct slice name = slice_str(node->props->anchor);
	struct anchor *a, **bucket;

	if (n->anchors == NULL)
		n->anchors = arena_alloc(
		    n->builder->arena, ANCHOR_BUCKETS, sizeof *n->anchors);
	if (n->anchors == NULL)
		return no_memory(n, node->start);
	a = anchor_find(n, name);
	if (a == NULL) {
		a = arena_alloc(n->builder->arena, 1, sizeof *a);
		if (a == NULL)
			return no_memory(n, node->start);
		bucket = anchor_bucket(n, name);
		a->name = name;
		a->next = *bucket;
		*bucket = a;
	}
	a->node = node;
	return 0;
}

/* --- tags --- */

static const struct yaml_tag_line *
tag_line_find(const struct yaml_names *n, struct slice handle)
{
	for (size_t i = 0; i < n->tag_line_count; i++)
		if (slice_eq(n->tag_lines[i].handle, handle))
			return &n->tag_lines[i];
	return NULL;
}

int
yaml_names_tag_line(struct yaml_names *n, const struct yaml_token *t)
{
	if (tag_line_find(n, t->text) != NULL)
		return doc_builder_fail(n->builder, DOC_DIRECTIVE, t->start,
		    "a second %%TAG line for the same handle");
	if (n->tag_line_count == YAML_TAG_LINES_MAX)
		return doc_builder_fail(n->builder, DOC_LIMIT, t->start,
		    "more than %d %%TAG lines; headscale accepts them",
		    YAML_TAG_LINES_MAX);
	n->tag_lines[n->tag_line_count++] =
	    (struct yaml_tag_line){ t->text, t->more };
	return 0;
}

const char *
yaml_names_tag(struct yaml_names *n, const struct yaml_token *t)
{
	const struct yaml_tag_line *line;
	struct slice prefix = { NULL, 0 };
	char *text;

	if (t->text.n > 0) {
		line = tag_line_find(n, t->text);
		if (line != NULL)
			prefix = line->prefix;
		else if (slice_is(t->text, "!"))
			prefix = slice_str("!");
		else if (slice_is(t->text, "!!"))
			prefix = slice_str(CORE_PREFIX);
		if (prefix.n + t->more.n == 0 || prefix.n == 0) {
			doc_builder_fail(n->builder, DOC_SYNTAX, t->start,
			    "a tag whose handle no %%TAG line defines");
			return NULL;
		}
	}
	text = arena_alloc(n->builder->arena, prefix.n + t->more.n + 1, 1);
	if (text == NULL) {
		no_memory(n, t->start);
		return NULL;
	}
	if (prefix.n > 0)
		memcpy(text, prefix.p, prefix.n);
	if (t->more.n > 0)
		memcpy(text + prefix.n, t->more.p, t->more.n);
	if (strncmp(text, CORE_PREFIX, strlen(CORE_PREFIX)) == 0) {
		text += strlen(CORE_PREFIX) - 2;
		text[0] = text[1] = '!';
	}
	return text;
}
