/* effective_text: see effective_text.h. */
#include "effective_text.h"

#include "quote.h"

#include <inttypes.h>
#include <string.h>

#define SHOWN_MAX 1000 /* bytes of one text */

/* Prints foreign text, escaped. */
static void
put(FILE *to, struct slice text)
{
	char room[SHOWN_MAX];
	struct writer w = writer_of(room, sizeof room);

	quote_put(&w, text);
	fwrite(w.p, 1, w.n, to);
}

static void
put_str(FILE *to, const char *text)
{
	put(to, slice_str(text));
}

static void
put_error(FILE *to, const struct headscale_error *error)
{
	if (error->file != NULL) {
		put_str(to, error->file);
		fprintf(to, ":%u:%u: ", error->at.line, error->at.column);
	}
	put_str(to, error->text);
	fputc('\n', to);
}

static void
put_verdict(FILE *to, const struct effective *e)
{
	const char *version = e->config->version->name;

	switch (e->start) {
	case EFFECTIVE_STARTS:
		fprintf(to, "headscale %s starts with this configuration.\n",
		    version);
		break;
	case EFFECTIVE_DIES:
		fprintf(to, "headscale %s does not start:\n  ", version);
		put_error(to, &e->error);
		break;
	case EFFECTIVE_DEPENDS:
		fprintf(to,
		    "headscale %s starts if it can load the URLs that are "
		    "unknown here%s.\n",
		    version,
		    e->map.region_count == 0 ? " and they have a region" : "");
		break;
	}
	if (e->unsendable != NULL && e->start != EFFECTIVE_DIES) {
		fputs("It cannot send this map to any client: ", to);
		put_str(to, e->unsendable);
		fputc('\n', to);
	}
}

static const char *
status_text(const struct headscale_source *s)
{
	switch (s->status) {
	case HEADSCALE_SOURCE_LOADED:
		return "loaded";
	case HEADSCALE_SOURCE_UNKNOWN:
		return "unknown: not fetched";
	case HEADSCALE_SOURCE_BROKEN:
		return "cannot be loaded: ";
	case HEADSCALE_SOURCE_SKIPPED:
		return "skipped: ";
	}
	return "";
}

static void
put_source(FILE *to, const struct effective *e, size_t index)
{
	const struct headscale_source *s = &e->sources.v[index];

	fprintf(
	    to, "  %zu. %-8s ", index + 1, headscale_source_kind_name(s->kind));
	put_str(to, s->name);
	fprintf(to, "\n      %s", status_text(s));
	if (s->has_load && s->status == HEADSCALE_SOURCE_LOADED)
		fprintf(to, ", regions: %zu", s->load.map.region_count);
	if (s->reason != NULL) {
		fputs(s->status == HEADSCALE_SOURCE_LOADED ? "; " : "", to);
		put_str(to, s->reason);
	}
	if (s->beside)
		fputs(", found beside the configuration: headscale looks in "
		      "its working directory",
		    to);
	fputc('\n', to);
	if (!s->has_load || s->status != HEADSCALE_SOURCE_LOADED)
		return;
	if (!s->load.map.home_nil)
		fputs("      ignored: homeparams\n", to);
	if (s->load.map.omit_default_regions.v)
		fputs("      ignored: omitdefaultregions\n", to);
}

static void
put_kept(FILE *to, const struct effective_region *r)
{
	fprintf(to, "  %-6" PRId64, r->region->key);
	if (r->region->is_nil) {
		fputs(" null: clients before 1.80 crash on it", to);
	} else {
		fputc(' ', to);
		put(to, r->region->region_code.v);
		fputs(r->region->region_code.v.n > 0 ? ", " : "", to);
		put(to, r->region->region_name.v);
		fprintf(to, "%snodes: %zu",
		    r->region->region_name.v.n > 0 ? ", " : "",
		    r->region->node_count);
	}
	fprintf(to, " (source %zu)\n", r->source + 1);
}

static void
put_dropped(
    FILE *to, const struct effective *e, const struct effective_region *r)
{
	fprintf(to, "  %-6" PRId64 " of source %zu: ", r->region->key,
	    r->source + 1);
	switch (r->fate) {
	case EFFECTIVE_REPLACED:
		fprintf(to, "replaced by source %zu\n", r->by + 1);
		break;
	case EFFECTIVE_REMOVED:
		fprintf(to, "removed by the null in source %zu\n", r->by + 1);
		break;
	case EFFECTIVE_NULL:
		fprintf(to, "%s\n",
		    e->config->version->null_region == HEADSCALE_NULL_IGNORED
			? "null, which this version ignores"
			: "null, which removes this id of earlier sources");
		break;
	case EFFECTIVE_KEPT:
		break;
	}
}

static void
put_regions(FILE *to, const struct effective *e)
{
	bool any = false;

	fputs("\nRegions that clients get:\n", to);
	for (size_t i = 0; i < e->kept_count; i++)
		put_kept(to, e->kept[i]);
	if (!e->sources.complete)
		fputs("  and what the unknown URLs have\n", to);
	for (size_t i = 0; i < e->region_count; i++) {
		if (e->regions[i].fate == EFFECTIVE_KEPT)
			continue;
		if (!any)
			fputs("\nDropped:\n", to);
		any = true;
		put_dropped(to, e, &e->regions[i]);
	}
}

/* In the largest unit that goes into it: headscale's 24h would not be known
 * again in 86400 s. */
static void
put_interval(FILE *to, int64_t ns)
{
	static const struct {
		int64_t ns;
		const char *name;
	} units[] = {
		{ INT64_C(3600000000000), "h" },
		{ INT64_C(60000000000), "min" },
		{ INT64_C(1000000000), "s" },
	};
	size_t i = 0;

	while (i < sizeof units / sizeof units[0] - 1 && ns % units[i].ns != 0)
		i++;
	fprintf(to, "\nThe map is refreshed every %.9g %s.\n",
	    (double)ns / (double)units[i].ns, units[i].name);
}

static void
put_refresh(FILE *to, const struct headscale_config *c)
{
	if (!c->auto_update_enabled.v)
		fputs("\nThe map is not refreshed: derp.auto_update_enabled is "
		      "not true.\n",
		    to);
	else if (c->update_frequency.v == 0)
		fputs("\nThe map is not refreshed: derp.update_frequency is "
		      "zero or not a duration.\n",
		    to);
	else
		put_interval(to, c->update_frequency.v);
}

void
effective_text(FILE *to, const struct effective *e)
{
	put_verdict(to, e);
	if (e->sources.n > 0)
		fputs("\nSources, in the order of merging:\n", to);
	for (size_t i = 0; i < e->sources.n; i++)
		put_source(to, e, i);
	if (e->start == EFFECTIVE_DIES)
		return;
	put_regions(to, e);
	put_refresh(to, e->config);
}
