/* decoder: see decoder.h. */
#include "decoder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DIAGNOSTIC_TEXT_MAX 400

void
decoder_init(struct decoder *d, struct arena *a, struct derpmap *m)
{
	*m = (struct derpmap){ .regions_nil = true, .home_nil = true };
	*d = (struct decoder){
		.arena = a,
		.map = m,
		.diagnostics_end = &m->diagnostics,
	};
	entries_init(&d->regions);
	entries_init(&d->scores);
}

void *
decoder_alloc(struct decoder *d, size_t count, size_t size)
{
	void *p = arena_alloc(d->arena, count, size);

	if (p == NULL)
		d->no_memory = d->stopped = true;
	return p;
}

int
decoder_put(struct decoder *d, struct entries *e, int64_t key, void *value)
{
	if (entries_put(e, key, value) == 0)
		return 0;
	d->no_memory = d->stopped = true;
	return -1;
}

/* Adds a diagnostic; NULL when memory is short. */
static struct derpmap_diagnostic *
add(struct decoder *d, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const struct doc_node *node, const char *fmt,
    va_list args)
{
	struct derpmap_diagnostic *r = decoder_alloc(d, 1, sizeof *r);
	char text[DIAGNOSTIC_TEXT_MAX];

	vsnprintf(text, sizeof text, fmt, args);
	if (r == NULL)
		return NULL;
	r->text = arena_text(d->arena, text, strlen(text));
	if (r->text == NULL) {
		d->no_memory = d->stopped = true;
		return NULL;
	}
	r->kind = kind;
	r->level = level;
	r->refuses = kind <= DERPMAP_PANIC;
	r->node = node;
	r->at = node->start;
	*d->diagnostics_end = r;
	d->diagnostics_end = &r->next;
	d->map->refused |= r->refuses;
	return r;
}

void
decoder_report(struct decoder *d, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const struct doc_node *node, const char *fmt, ...)
{
	struct derpmap_diagnostic *r;
	va_list args;

	va_start(args, fmt);
	r = add(d, kind, level, node, fmt, args);
	va_end(args);
	if (r != NULL)
		d->map->is_unclear |= r->refuses;
}

void
decoder_report_meant(struct decoder *d, enum derpmap_diagnostic_kind kind,
    enum derpmap_level level, const struct doc_node *node, const char *fmt, ...)
{
	struct derpmap_diagnostic *r;
	va_list args;

	va_start(args, fmt);
	r = add(d, kind, level, node, fmt, args);
	va_end(args);
	if (r != NULL)
		r->is_meant = true;
}

void
decoder_report_key(struct decoder *d, enum derpmap_level level,
    const struct doc_node *key, const struct derpmap_field *meant,
    const char *fmt, ...)
{
	struct derpmap_diagnostic *r;
	va_list args;

	va_start(args, fmt);
	r = add(d, DERPMAP_UNKNOWN_KEY, level, key, fmt, args);
	va_end(args);
	if (r == NULL)
		return;
	r->meant = meant;
	r->is_meant = d->as_meant && meant != NULL;
}

const char *
decoder_node_name(const struct doc_node *node)
{
	switch (doc_resolve(node)->kind) {
	case DOC_SEQUENCE:
		return "a list";
	case DOC_MAPPING:
		return "a mapping";
	case DOC_SCALAR:
	case DOC_ALIAS:
		break;
	}
	return "a single value";
}

static void
take_regions(struct decoder *d)
{
	struct derpmap *m = d->map;
	struct entries *e = &d->regions;

	entries_sort(e);
	m->region_count = e->n;
	if (e->n == 0)
		return;
	m->regions = decoder_alloc(d, e->n, sizeof *m->regions);
	if (m->regions == NULL)
		return;
	for (size_t i = 0; i < e->n; i++)
		m->regions[i] = e->v[i].value;
}

static void
take_scores(struct decoder *d)
{
	struct derpmap *m = d->map;
	struct entries *e = &d->scores;

	entries_sort(e);
	m->score_count = e->n;
	if (e->n == 0)
		return;
	m->scores = decoder_alloc(d, e->n, sizeof *m->scores);
	if (m->scores == NULL)
		return;
	for (size_t i = 0; i < e->n; i++)
		m->scores[i] = *(struct derpmap_score *)e->v[i].value;
}

int
decoder_finish(struct decoder *d, struct fail *why)
{
	if (!d->no_memory)
		take_regions(d);
	if (!d->no_memory)
		take_scores(d);
	entries_clear(&d->regions);
	entries_clear(&d->scores);
	return d->no_memory
	    ? fail_set(why, "not enough memory to decode the map")
	    : 0;
}
