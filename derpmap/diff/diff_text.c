/* diff_text: see diff_text.h. */
#include "diff_text.h"

#include "quote.h"

#include <inttypes.h>
#include <stdlib.h>

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

struct printer {
	FILE *to;
	bool colour;
	bool failed; /* memory is short */
};

static const char *
escape(const struct printer *p, const char *code)
{
	return p->colour ? code : "";
}

/* Prints foreign text, escaped. */
static void
put_text(struct printer *p, struct slice text)
{
	const size_t cap = text.n * QUOTE_PUT_GROWTH;
	char *room = malloc(cap + 1);
	struct writer w = writer_of(room, cap);

	if (room == NULL) {
		p->failed = true;
		return;
	}
	quote_put(&w, text);
	fwrite(w.p, 1, w.n, p->to);
	free(room);
}

static void
put_quoted(struct printer *p, struct slice text)
{
	fputc('"', p->to);
	put_text(p, text);
	fputc('"', p->to);
}

static void
put_value(struct printer *p, const struct derpmap_field *f, const void *owner)
{
	const void *at = (const char *)owner + f->offset;

	switch (f->type) {
	case DERPMAP_TEXT:
		put_quoted(p, ((const struct derpmap_text *)at)->v);
		break;
	case DERPMAP_INT:
		fprintf(p->to, "%" PRId64, ((const struct derpmap_int *)at)->v);
		break;
	case DERPMAP_FLOAT:
		fprintf(p->to, "%.15g", ((const struct derpmap_float *)at)->v);
		break;
	case DERPMAP_BOOL:
		fputs(((const struct derpmap_bool *)at)->v ? "true" : "false",
		    p->to);
		break;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
}

/* The name of a node, and its host name beside it. */
static void
put_node(struct printer *p, const struct derpmap_node *n)
{
	if (n->is_nil) {
		fputs("null node: clients crash on it", p->to);
		return;
	}
	fputs("node ", p->to);
	put_quoted(p, n->name.v);
	fputs(", ", p->to);
	put_text(p, n->host_name.v);
}

static void
put_change(struct printer *p, const struct diff_change *c)
{
	static const struct {
		char mark;
		const char *colour;
	} marks[] = {
		[DIFF_ADDED] = { '+', GREEN },
		[DIFF_REMOVED] = { '-', RED },
		[DIFF_CHANGED] = { '~', YELLOW },
	};

	fprintf(p->to, "  %s%c%s ", escape(p, marks[c->kind].colour),
	    marks[c->kind].mark, escape(p, PLAIN));
	if (c->is_order) {
		fputs("nodes: in another order", p->to);
	} else if (c->is_no_list) {
		fputs("nodes: null in one map, an empty list in the other",
		    p->to);
	} else if (c->field == NULL) {
		put_node(p, c->new_node != NULL ? c->new_node : c->old_node);
	} else {
		if (c->new_node != NULL) {
			fputs("node ", p->to);
			put_quoted(p, c->new_node->name.v);
			fputs(": ", p->to);
		}
		fprintf(p->to, "%s: %s", c->field->yaml, escape(p, RED));
		put_value(p, c->field, c->old_owner);
		fprintf(p->to, "%s -> %s", escape(p, PLAIN), escape(p, GREEN));
		put_value(p, c->field, c->new_owner);
		fputs(escape(p, PLAIN), p->to);
	}
	fputc('\n', p->to);
}

/* What clients do about a region. */
static const char *
what_clients_do(const struct diff_region *r)
{
	switch (r->kind) {
	case DIFF_ADDED:
		return "is new: clients measure it, and homes may move to it";
	case DIFF_REMOVED:
		return "is gone: clients with their home there choose another";
	case DIFF_CHANGED:
		break;
	}
	return r->effects & DIFF_HOME
	    ? "changes: clients reconnect, and homes may move"
	    : "changes: clients reconnect";
}

static void
put_region(struct printer *p, const struct diff_region *r)
{
	const struct derpmap_region *named = r->new != NULL ? r->new : r->old;

	fprintf(p->to, "%sregion %" PRId64, escape(p, BOLD), r->id);
	if (named->region_code.v.n > 0) {
		fputc(' ', p->to);
		put_quoted(p, named->region_code.v);
	}
	fprintf(p->to, "%s %s\n", escape(p, PLAIN), what_clients_do(r));
	for (size_t i = 0; i < r->change_count; i++)
		put_change(p, &r->changes[i]);
}

static void
put_scores(struct printer *p, const struct diff *d)
{
	if (d->score_count == 0)
		return;
	fprintf(p->to, "%sscores%s %s\n", escape(p, BOLD), escape(p, PLAIN),
	    d->scores_stay ? "are gone: clients keep those they have until "
			     "they start again"
			   : "change: homes may move");
	for (size_t i = 0; i < d->score_count; i++)
		fprintf(p->to, "  %s~%s region %" PRId64 ": %.15g -> %.15g\n",
		    escape(p, YELLOW), escape(p, PLAIN), d->scores[i].region,
		    d->scores[i].old, d->scores[i].new);
}

static void
put_default_regions(struct printer *p, const struct diff *d)
{
	if (d->omits_default_old == d->omits_default_new)
		return;
	fprintf(p->to,
	    "%somitdefaultregions%s %s (headscale ignores it)\n"
	    "  %s~%s %s -> %s\n",
	    escape(p, BOLD), escape(p, PLAIN),
	    d->omits_default_new
		? "is set: Tailscale's own regions are gone, and clients with "
		  "their home there choose another"
		: "is not set any more: Tailscale's own regions are back, and "
		  "homes may move to them",
	    escape(p, YELLOW), escape(p, PLAIN),
	    d->omits_default_old ? "true" : "false",
	    d->omits_default_new ? "true" : "false");
}

static void
put_summary(struct printer *p, const struct diff *d)
{
	fprintf(p->to,
	    "regions: %zu changed, %zu new, %zu gone, %zu the same\n",
	    diff_count(d, DIFF_CHANGED), diff_count(d, DIFF_ADDED),
	    diff_count(d, DIFF_REMOVED), d->same);
}

int
diff_text(FILE *to, const struct diff *d, bool colour)
{
	struct printer p = { .to = to, .colour = colour };

	for (size_t i = 0; i < d->region_count; i++)
		put_region(&p, &d->regions[i]);
	put_scores(&p, d);
	put_default_regions(&p, d);
	if (diff_any(d))
		put_summary(&p, d);
	return p.failed ? -1 : 0;
}
