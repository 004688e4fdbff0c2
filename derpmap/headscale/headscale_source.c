/* headscale_source: see headscale_source.h. */
#include "headscale_source.h"

#include "go_url.h"

#include <string.h>
#include <unistd.h>

const char *
headscale_source_kind_name(enum headscale_source_kind kind)
{
	static const char *const names[] = {
		[HEADSCALE_SOURCE_URL] = "url",
		[HEADSCALE_SOURCE_PATH] = "path",
		[HEADSCALE_SOURCE_EMBEDDED] = "embedded",
	};

	return names[kind];
}

static const char *
copy_text(struct headscale_sources *all, struct slice text)
{
	return arena_text(all->arena, (const char *)text.p, text.n);
}

/* The first reason wins. */
static void
die(struct headscale_sources *all, const char *text, const char *file,
    struct doc_pos at)
{
	if (all->error.text == NULL)
		all->error = (struct headscale_error){
			.text = text != NULL ? text : "not enough memory",
			.file = at.line != 0 ? file : NULL,
			.at = at,
		};
}

static struct doc_pos
place_of(const struct headscale_source *s)
{
	return s->node != NULL ? s->node->start : (struct doc_pos){ .line = 0 };
}

static int
add_list(struct headscale_sources *all, enum headscale_source_kind kind,
    const struct headscale_list *list)
{
	for (size_t i = 0; i < list->v.n; i++) {
		struct headscale_source *s = &all->v[all->n++];

		s->kind = kind;
		s->node = list->v.nodes[i];
		s->name = copy_text(all, list->v.v[i]);
		if (s->name == NULL)
			return -1;
	}
	return 0;
}

/* --- loading one --- */

/* The reason of a loaded document that is not taken. */
static void
judge(struct headscale_sources *all, struct headscale_source *s)
{
	const struct derpmap_diagnostic *d = s->load.map.diagnostics;
	struct doc_pos at = s->load.doc.error_at;
	const char *text = s->load.doc.error_text;

	if (load_accepted(&s->load))
		return;
	if (s->load.doc.error == DOC_OK) {
		while (!d->refuses)
			d = d->next;
		at = d->at;
		text = d->text;
		/* no version skips a crash as it skips an error */
		if (d->kind == DERPMAP_PANIC)
			die(all, text, s->file, at);
	}
	s->status = HEADSCALE_SOURCE_BROKEN;
	s->reason = arena_printf(
	    all->arena, "%s:%u:%u: %s", s->file, at.line, at.column, text);
}

static void
set_broken(
    struct headscale_sources *all, struct headscale_source *s, const char *text)
{
	s->status = HEADSCALE_SOURCE_BROKEN;
	s->reason = arena_text(all->arena, text, strlen(text));
}

/* The file that a path of the configuration means. */
static const char *
resolve_path(struct headscale_sources *all, struct headscale_source *s)
{
	const char *config = all->config->file, *slash = strrchr(config, '/');
	const char *beside;

	/* "-" is a file here, not standard input */
	if (strcmp(s->name, "-") == 0)
		return "./-";
	if (s->name[0] == '/' || access(s->name, F_OK) == 0 || slash == NULL)
		return s->name;
	beside = arena_printf(
	    all->arena, "%.*s%s", (int)(slash + 1 - config), config, s->name);
	if (beside == NULL || access(beside, F_OK) == -1)
		return s->name;
	s->beside = true;
	return beside;
}

static void
load_path(struct headscale_sources *all, struct headscale_source *s)
{
	struct fail why = { .text = "" };

	s->file = resolve_path(all, s);
	if (load_open(&s->load, s->file, LOAD_HEADSCALE, &why) == -1) {
		set_broken(all, s, why.text);
		return;
	}
	s->has_load = true;
	judge(all, s);
}

static void
load_url(struct headscale_sources *all, struct headscale_source *s,
    const struct headscale_source_urls *urls)
{
	struct fail why = { .text = "" };
	struct buf body;

	s->status = HEADSCALE_SOURCE_UNKNOWN;
	if (urls == NULL)
		return;
	buf_init(&body, LOAD_TEXT_MAX + 1);
	s->status =
	    urls->read(urls->ctx, s->name, &body, &s->http_status, &why);
	s->file = s->name;
	s->is_asked = s->status != HEADSCALE_SOURCE_UNKNOWN;
	if (s->status == HEADSCALE_SOURCE_LOADED) {
		if (load_text(&s->load, s->name, buf_slice(&body), LOAD_JSON,
			&why) == 0) {
			s->has_load = true;
			judge(all, s);
		} else {
			set_broken(all, s, why.text);
		}
	} else if (s->status == HEADSCALE_SOURCE_BROKEN) {
		set_broken(all, s, why.text);
	}
	buf_clear(&body);
}

/* What url.Parse and the HTTP client reject before anything is sent. */
static bool
url_is_usable(struct headscale_sources *all, struct headscale_source *s)
{
	struct fail why = { .text = "" };
	struct go_url url;

	if (go_url_parse(&url, all->arena, slice_str(s->name), &why) == -1) {
		s->status = HEADSCALE_SOURCE_SKIPPED;
		s->reason =
		    arena_printf(all->arena, "not a valid URL: %s", why.text);
		if (!all->config->version->skips_bad_url)
			die(all,
			    arena_printf(all->arena,
				"headscale crashes on \"%s\" in derp.urls: %s",
				s->name, why.text),
			    all->config->file, place_of(s));
		return false;
	}
	if (slice_is(url.scheme, "http") || slice_is(url.scheme, "https")) {
		if (url.host.n > 0)
			return true;
		set_broken(all, s, "no Host in request URL");
		return false;
	}
	s->status = HEADSCALE_SOURCE_BROKEN;
	s->reason =
	    arena_printf(all->arena, "unsupported protocol scheme \"%.*s\"%s",
		(int)url.scheme.n, (const char *)url.scheme.p,
		url.scheme.n == 0 ? ": files belong in derp.paths" : "");
	return false;
}

/* --- all of them --- */

/* A source that cannot be loaded: it ends its list, or headscale. */
static void
end_list(struct headscale_sources *all, size_t index)
{
	struct headscale_source *s = &all->v[index];

	if (!all->config->version->skips_broken) {
		die(all,
		    arena_printf(all->arena, "%s: %s",
			all->config->version->load_error, s->reason),
		    all->config->file, place_of(s));
		return;
	}
	for (size_t i = index + 1; i < all->n; i++)
		if (all->v[i].kind == s->kind) {
			all->v[i].status = HEADSCALE_SOURCE_SKIPPED;
			all->v[i].reason =
			    "not read: an earlier one could not be loaded";
		}
}

static void
load_source(struct headscale_sources *all, size_t index,
    const struct headscale_source_urls *urls)
{
	struct headscale_source *s = &all->v[index];

	if (s->status == HEADSCALE_SOURCE_SKIPPED)
		return;
	if (s->kind == HEADSCALE_SOURCE_PATH)
		load_path(all, s);
	else if (url_is_usable(all, s))
		load_url(all, s, urls);
	if (s->status == HEADSCALE_SOURCE_BROKEN)
		end_list(all, index);
	if (s->status == HEADSCALE_SOURCE_UNKNOWN)
		all->complete = false;
}

int
headscale_sources_load(struct headscale_sources *all,
    const struct headscale_config *c, struct arena *a,
    const struct headscale_source_urls *urls)
{
	size_t count = c->urls.v.n + c->paths.v.n + 1;
	bool paths_first = c->version->paths_first;

	*all = (struct headscale_sources){
		.config = c, .arena = a, .complete = true
	};
	all->v = arena_alloc(all->arena, count, sizeof *all->v);
	if (all->v == NULL ||
	    (paths_first &&
		add_list(all, HEADSCALE_SOURCE_PATH, &c->paths) == -1) ||
	    add_list(all, HEADSCALE_SOURCE_URL, &c->urls) == -1 ||
	    (!paths_first &&
		add_list(all, HEADSCALE_SOURCE_PATH, &c->paths) == -1))
		return -1;
	for (size_t i = 0; i < all->n; i++)
		load_source(all, i, urls);
	return 0;
}

void
headscale_sources_clear(struct headscale_sources *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].has_load)
			load_close(&all->v[i].load);
	all->n = 0;
}
