/* headscale_doc: see headscale_doc.h. */
#include "headscale_doc.h"

#include "decode_yaml_node.h"

/* A config.yaml has five levels; this bounds our own stack. */
#define DEPTH_MAX 1000

static void check_node(
    struct yaml_decoder *y, const struct doc_node *node, unsigned depth);

static void
check_merge(struct yaml_decoder *y, const struct doc_node *merge)
{
	const struct doc_node *to = doc_resolve(merge);
	bool good = to->kind == DOC_MAPPING;

	if (merge->kind == DOC_SEQUENCE) {
		good = true;
		for (size_t i = 0; i < merge->count; i++)
			good &=
			    doc_resolve(merge->items[i])->kind == DOC_MAPPING;
	}
	if (!good)
		decode_yaml_stop(y, DERPMAP_BAD_MERGE, DERPMAP_LEVEL_MAP, merge,
		    "a merge key takes a mapping or a list of them");
}

static void
check_mapping(
    struct yaml_decoder *y, const struct doc_node *node, unsigned depth)
{
	if (decode_yaml_has_duplicates(y, DERPMAP_LEVEL_MAP, node))
		return;
	for (size_t i = 0; i < node->count && !y->d->stopped; i++) {
		const struct doc_node *key = node->items[2 * i];

		if (doc_resolve(key)->kind != DOC_SCALAR)
			decode_yaml_stop(y, DERPMAP_BAD_KEY, DERPMAP_LEVEL_MAP,
			    key, "a list or a mapping as key");
		if (yaml_scalar_is_merge(key))
			check_merge(y, node->items[2 * i + 1]);
		else
			check_node(y, key, depth + 1);
		check_node(y, node->items[2 * i + 1], depth + 1);
	}
}

static void
check_node(struct yaml_decoder *y, const struct doc_node *node, unsigned depth)
{
	struct alias alias;
	const struct doc_node *n = decode_yaml_enter(y, node, &alias);
	struct yaml_value value;

	if (n != NULL && depth > DEPTH_MAX)
		decode_yaml_stop(y, DERPMAP_BAD_SHAPE, DERPMAP_LEVEL_MAP, node,
		    "nested too deeply for derpmap");
	else if (n != NULL && n->kind == DOC_SCALAR)
		decode_yaml_resolve(y, DERPMAP_LEVEL_MAP, n, &value);
	else if (n != NULL && n->kind == DOC_MAPPING)
		check_mapping(y, n, depth);
	else if (n != NULL && n->kind == DOC_SEQUENCE)
		for (size_t i = 0; i < n->count && !y->d->stopped; i++)
			check_node(y, n->items[i], depth + 1);
	else if (n != NULL)
		check_node(y, n, depth + 1); /* an alias to an alias */
	decode_yaml_leave(y, &alias);
}

const char *
headscale_doc_check(const struct doc *d, struct arena *a, struct doc_pos *at)
{
	struct derpmap map;
	struct decoder decoder;
	struct yaml_decoder y = { .d = &decoder, .decodes = 1 };
	const struct derpmap_diagnostic *first;
	const char *text = NULL;

	*at = (struct doc_pos){ .line = 1, .column = 1 };
	if (d->root == NULL || yaml_scalar_is_null(d->root))
		return NULL;
	if (doc_resolve(d->root)->kind != DOC_MAPPING)
		return "the document is not a mapping";
	decoder_init(&decoder, a, &map);
	check_node(&y, d->root, 0);
	first = map.diagnostics;
	if (first != NULL) {
		*at = first->at;
		text = first->text;
	}
	if (decoder.no_memory && text == NULL)
		text = "not enough memory to check it";
	decoder_finish(&decoder, NULL);
	return text;
}
