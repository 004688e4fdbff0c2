/*
 * headscale_source: the sources of a configuration, in the order in which
 * headscale merges them, loaded.
 *
 * Files of derp.paths are read; a relative one is looked for in the current
 * folder, as headscale does in its own, and then beside the configuration. What
 * a URL holds is asked of the caller, and may stay unknown.
 *
 * Blocking (files). Threads: used by one.
 */
#ifndef DERPKIT_HEADSCALE_SOURCE_H
#define DERPKIT_HEADSCALE_SOURCE_H

#include "buf.h"
#include "headscale_config.h"
#include "load.h"

enum headscale_source_kind {
	HEADSCALE_SOURCE_URL,
	HEADSCALE_SOURCE_PATH,
	HEADSCALE_SOURCE_EMBEDDED,
};

enum headscale_source_status {
	HEADSCALE_SOURCE_LOADED,
	HEADSCALE_SOURCE_UNKNOWN, /* a URL whose content is not known */
	HEADSCALE_SOURCE_BROKEN,  /* it cannot be loaded: reason tells */
	HEADSCALE_SOURCE_SKIPPED, /* headscale does not read it: reason tells */
};

struct headscale_source {
	enum headscale_source_kind kind;
	enum headscale_source_status status;
	const char *name;            /* as configured */
	const char *file;            /* what was read; NULL: nothing */
	const struct doc_node *node; /* its place in the configuration, or NULL
				      */
	const char *reason;
	bool is_asked;        /* a URL, and it was asked for what it holds */
	unsigned http_status; /* of what was fetched; 0: nothing was */
	bool beside; /* a relative path that is only beside the configuration */
	bool has_load;
	struct load load; /* owned; when has_load */
};

/* What is behind a URL: its text in *body (initialised, with a maximum),
 * or not known, or not loadable with *why. *http_status is set when it was
 * fetched. */
struct headscale_source_urls {
	enum headscale_source_status (*read)(void *ctx, const char *url,
	    struct buf *body, unsigned *http_status, struct fail *why);
	void *ctx;
};

struct headscale_sources {
	const struct headscale_config *config; /* borrowed */
	struct arena *arena;                   /* borrowed */
	struct headscale_source *v; /* in the order of merging; room for one
				       more */
	size_t n;
	struct headscale_error error; /* why headscale does not start with them
				       */
	bool complete;                /* none is unknown */
};

/* Loads them all, also when headscale would give up before. urls NULL: all are
 * unknown. -1: memory is short. Clear it in either case. */
int headscale_sources_load(struct headscale_sources *s,
    const struct headscale_config *c, struct arena *a,
    const struct headscale_source_urls *urls);

/* Frees what they hold; fine twice. */
void headscale_sources_clear(struct headscale_sources *s);

/* "url", "path", "embedded". */
const char *headscale_source_kind_name(enum headscale_source_kind kind);

#endif
