/* off_port: see off_port.h. */
#include "off_port.h"

#include "edit.h"
#include "port.h"

#include <string.h>

/* The name of the field that the finding is about is the end of its path. */
static bool
is_about(const struct finding *f, const char *yaml)
{
	const char *dot = f->path != NULL ? strrchr(f->path, '.') : NULL;
	const struct derpmap_field *field = dot != NULL
	    ? derpmap_field_meant(DERPMAP_LEVEL_NODE, slice_str(dot + 1))
	    : NULL;

	return field != NULL && strcmp(field->yaml, yaml) == 0;
}

void
off_port_advise(
    struct rule_run *run, struct finding *f, const struct derpmap_diagnostic *d)
{
	const struct derpmap_origin value = { .value = d->node };

	if (f == NULL || d->level != DERPMAP_LEVEL_NODE || d->node == NULL ||
	    d->node->kind != DOC_SCALAR || !port_is_off_word(d->node->text))
		return;
	if (is_about(f, "stunport")) {
		f->fix = "write -1, which turns STUN off for this node";
		edit_value(run, f, &value, "-1");
	} else if (is_about(f, "derpport")) {
		f->fix = "leave it out, and write stunonly: true if the node "
			 "has STUN only";
	}
}
