/* split_nodes: see split_nodes.h. */
#include "split_nodes.h"

#include <string.h>

/* Elements that may be one node. */
struct row {
	size_t n;    /* elements */
	size_t set;  /* fields that they set */
	bool is_one; /* one of them is nothing by itself: a name, a region id */
};

static size_t
size_of(const struct derpmap_field *field)
{
	switch (field->type) {
	case DERPMAP_TEXT:
		return sizeof(struct derpmap_text);
	case DERPMAP_INT:
		return sizeof(struct derpmap_int);
	case DERPMAP_FLOAT:
		return sizeof(struct derpmap_float);
	case DERPMAP_BOOL:
		return sizeof(struct derpmap_bool);
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return 0;
}

static bool
is_set(const struct derpmap_field *field, const struct derpmap_node *node)
{
	return derpmap_field_origin(field, node)->value != NULL;
}

/* Sets the number of the field of an element that is a mapping of one key, or
 * fields.n for a key that nobody knows and whose value is a scalar: others may
 * be nodes by their name. False: it is something else. */
static bool
lone_field(const struct derpmap_node *node, struct derpmap_fields fields,
    size_t *index)
{
	const struct doc_node *element = node->from.value;

	*index = fields.n;
	if (node->is_nil || element == NULL || element->kind != DOC_MAPPING ||
	    element->count != 1)
		return false;
	for (size_t i = 0; i < fields.n; i++) {
		if (!is_set(&fields.v[i], node))
			continue;
		/* by a merge key, or in JSON by another list before this one */
		if (derpmap_field_origin(&fields.v[i], node)->key !=
		    element->items[0])
			return false;
		*index = i;
	}
	return *index < fields.n || element->items[1]->kind == DOC_SCALAR;
}

/* Moves the field into the node that has the row's other ones. */
static void
take_field(struct derpmap_node *to, const struct derpmap_node *from,
    const struct derpmap_field *field)
{
	memcpy((char *)to + field->offset, (const char *)from + field->offset,
	    size_of(field));
}

/* The elements from the first on until one is not a lone key, or has a key that
 * was there before; all that they set is put into *all. */
static struct row
row_at(struct derpmap_node *const *nodes, size_t n, struct derpmap_node *all)
{
	const struct derpmap_fields fields = derpmap_fields(DERPMAP_LEVEL_NODE);
	struct row row = { .n = 0 };
	size_t index;

	*all = *nodes[0];
	while (row.n < n && lone_field(nodes[row.n], fields, &index)) {
		if (index < fields.n) {
			if (row.set > 0 && is_set(&fields.v[index], all))
				break;
			take_field(all, nodes[row.n], &fields.v[index]);
			row.set++;
		}
		row.n++;
	}
	row.is_one =
	    all->name.from.value != NULL || all->region_id.from.value != NULL;
	return row;
}

static bool
has_address(const struct derpmap_node *node)
{
	return node->host_name.from.value != NULL ||
	    node->ipv4.from.value != NULL || node->ipv6.from.value != NULL;
}

/* Puts into *all what the element after its row sets, if the row is only the
 * front of a node that goes on there: one dash too many. */
static bool
take_rest(struct derpmap_node *all, const struct derpmap_node *next)
{
	const struct derpmap_fields fields = derpmap_fields(DERPMAP_LEVEL_NODE);

	if (has_address(all) || !has_address(next))
		return false;
	for (size_t i = 0; i < fields.n; i++)
		if (is_set(&fields.v[i], all) && is_set(&fields.v[i], next))
			return false;
	for (size_t i = 0; i < fields.n; i++)
		if (is_set(&fields.v[i], next))
			take_field(all, next, &fields.v[i]);
	return true;
}

static void
join(struct decoder *d, struct derpmap_region *r, const char *reader)
{
	struct derpmap_node all;
	size_t n = 0;

	for (size_t i = 0; i < r->node_count;) {
		struct row row = row_at(&r->nodes[i], r->node_count - i, &all);
		const bool is_split = row.set > 1 && row.is_one;

		if (is_split && i + row.n < r->node_count &&
		    take_rest(&all, r->nodes[i + row.n]))
			row.n++;
		if (row.n == 0)
			row.n = 1;
		if (is_split) {
			*r->nodes[i] = all;
			r->nodes[i]->elements = row.n;
			decoder_report_meant(d, DERPMAP_SPLIT_NODE,
			    DERPMAP_LEVEL_NODE, all.from.value,
			    "the keys of this node are in several elements of "
			    "the list, which %s reads as %zu nodes",
			    reader, row.n);
			r->nodes[n++] = r->nodes[i];
		} else
			for (size_t k = 0; k < row.n; k++)
				r->nodes[n++] = r->nodes[i + k];
		i += row.n;
	}
	r->node_count = n;
}

void
split_nodes_join(struct decoder *d, const char *reader)
{
	for (size_t i = 0; i < d->regions.n; i++)
		join(d, d->regions.v[i].value, reader);
}
