/* decode_yaml_node: see decode_yaml_node.h. */
#include "decode_yaml_node.h"

#include <stdlib.h>
#include <string.h>

void
decode_yaml_stop(struct yaml_decoder *y, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const struct doc_node *node, const char *text)
{
	if (!y->d->stopped)
		decoder_report(y->d, kind, level, node, "%s", text);
	y->d->stopped = true;
}

/* The share of decodes that may come from aliases. */
static double
alias_share(uint64_t decodes)
{
	if (decodes <= 400000)
		return 0.99;
	if (decodes >= 4000000)
		return 0.10;
	return 0.99 - 0.89 * ((double)(decodes - 400000) / 3600000.0);
}

static void
count(struct yaml_decoder *y, const struct doc_node *node)
{
	y->decodes++;
	if (y->aliases != NULL)
		y->alias_decodes++;
	if (y->alias_decodes > 100 && y->decodes > 1000 &&
	    (double)y->alias_decodes / (double)y->decodes >
		alias_share(y->decodes))
		decode_yaml_stop(y, DERPMAP_BAD_ALIAS, DERPMAP_LEVEL_MAP, node,
		    "too much of the map comes from aliases; headscale treats "
		    "that as an attack");
}

const struct doc_node *
decode_yaml_enter(
    struct yaml_decoder *y, const struct doc_node *node, struct alias *alias)
{
	alias->node = NULL;
	if (y->d->stopped)
		return NULL;
	count(y, node);
	if (node->kind != DOC_ALIAS)
		return y->d->stopped ? NULL : node;
	for (struct alias *a = y->aliases; a != NULL; a = a->outer)
		if (a->node == node) {
			decode_yaml_stop(y, DERPMAP_BAD_ALIAS,
			    DERPMAP_LEVEL_MAP, node,
			    "what this alias refers to contains the alias "
			    "itself");
			return NULL;
		}
	alias->node = node;
	alias->outer = y->aliases;
	y->aliases = alias;
	count(y, node);
	return y->d->stopped ? NULL : node->target;
}

void
decode_yaml_leave(struct yaml_decoder *y, struct alias *alias)
{
	if (alias->node != NULL)
		y->aliases = alias->outer;
}

int
decode_yaml_resolve(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *n, struct yaml_value *v)
{
	/* not a reason of its own for each scalar: clearing it would cost
	 * more than resolving most of them */
	if (yaml_scalar_resolve(v, n, y->d->arena, &y->why) == 0)
		return 0;
	decode_yaml_stop(y, v->is_binary ? DERPMAP_BAD_BINARY : DERPMAP_BAD_TAG,
	    level, n, y->why.text);
	return -1;
}

/* --- duplicate keys --- */

#define SMALL_MAX 16 /* keys of which each is compared with each */

struct key_ref {
	const struct doc_node *node;
	size_t index;
};

static int
key_order(const struct doc_node *a, const struct doc_node *b)
{
	size_t n = a->text.n < b->text.n ? a->text.n : b->text.n;
	int order;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	order = n > 0 ? memcmp(a->text.p, b->text.p, n) : 0;
	if (order != 0)
		return order;
	return a->text.n < b->text.n ? -1 : a->text.n > b->text.n;
}

static int
by_key_then_place(const void *a, const void *b)
{
	const struct key_ref *x = a, *y = b;
	int order = key_order(x->node, y->node);

	if (order != 0)
		return order;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void
duplicate(struct yaml_decoder *y, enum derpmap_level level,
    const struct doc_node *first, const struct doc_node *key)
{
	if (key->kind == DOC_SCALAR || key->kind == DOC_ALIAS)
		decoder_report(y->d, DERPMAP_DUP_KEY, level, key,
		    "key '%.*s' is set a second time, first on line %u; "
		    "headscale refuses the file",
		    key->text.n > 60 ? 60 : (int)key->text.n,
		    (const char *)key->text.p, first->start.line);
	else
		decoder_report(y->d, DERPMAP_DUP_KEY, level, key,
		    "a second key that is a list or a mapping, the first one "
		    "on line %u; headscale refuses the file",
		    first->start.line);
}

/* Whether two keys may be the same, as far as a look shows. */
static bool
may_be_same(const struct doc_node *a, const struct doc_node *b)
{
	return a->text.n == b->text.n &&
	    (a->text.n == 0 || a->text.p[0] == b->text.p[0]);
}

/* Whether each key of a small mapping differs from all others, so that nothing
 * is to be reported. */
static bool
is_small_and_clear(const struct doc_node *n)
{
	if (n->count > SMALL_MAX)
		return false;
	for (size_t i = 1; i < n->count; i++)
		for (size_t k = 0; k < i; k++)
			if (may_be_same(n->items[2 * i], n->items[2 * k]) &&
			    key_order(n->items[2 * i], n->items[2 * k]) == 0)
				return false;
	return true;
}

bool
decode_yaml_has_duplicates(
    struct yaml_decoder *y, enum derpmap_level level, const struct doc_node *n)
{
	struct key_ref *refs;
	bool any = false;

	if (is_small_and_clear(n))
		return false;
	refs = reallocarray(NULL, n->count, sizeof *refs);
	if (refs == NULL) {
		y->d->no_memory = y->d->stopped = true;
		return true;
	}
	for (size_t i = 0; i < n->count; i++)
		refs[i] = (struct key_ref){ n->items[2 * i], i };
	qsort(refs, n->count, sizeof *refs, by_key_then_place);
	for (size_t i = 1; i < n->count; i++) {
		const struct doc_node *key = refs[i].node;

		if (key_order(refs[i - 1].node, key) != 0)
			continue;
		any = true;
		duplicate(y, level, refs[i - 1].node, key);
	}
	free(refs);
	return any;
}
