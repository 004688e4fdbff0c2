/* glued: see glued.h. */
#include "glued.h"

#include "derpmap.h"

static bool
is_plain(const struct doc_node *node)
{
	return node != NULL && node->kind == DOC_SCALAR &&
	    node->style == DOC_PLAIN;
}

bool
glued_colon(const struct doc_node *node)
{
	struct slice head, tail;

	return is_plain(node) && slice_cut(node->text, ':', &head, &tail) &&
	    (derpmap_field_meant(DERPMAP_LEVEL_REGION, head) != NULL ||
		derpmap_field_meant(DERPMAP_LEVEL_NODE, head) != NULL);
}

bool
glued_dash(const struct doc_node *node)
{
	return is_plain(node) && node->text.n > 1 && node->text.p[0] == '-' &&
	    (node->text.p[1] < '0' || node->text.p[1] > '9');
}
