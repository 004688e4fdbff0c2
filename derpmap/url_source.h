/*
 * url_source: what the URLs of derp.urls hold: by a file that stands in for
 * them, or fetched as headscale does.
 *
 * Life: url_source_open -> headscale_sources_load with it -> url_source_close.
 * Blocking. Threads: used by one.
 */
#ifndef DERPKIT_URL_SOURCE_H
#define DERPKIT_URL_SOURCE_H

#include "headscale_source.h"
#include "opts.h"

struct fetch_client;

struct url_source {
	const struct opts_list *files; /* borrowed: URL=FILE each; or NULL */
	struct fetch_client *client;   /* owned; NULL: nothing is fetched */
};

/* Whether each of the files, URL=FILE, is there, and its URL one that the
 * configuration names. -1 with *why. */
int url_source_check(const struct opts_list *files,
    const struct headscale_config *config, struct fail *why);

/* fetches: whether URLs without a file are fetched. -1 with *why. */
int url_source_open(struct url_source *s, const struct opts_list *files,
    bool fetches, struct fail *why);

/* For headscale_sources_load; borrows s. */
struct headscale_source_urls url_source_urls(struct url_source *s);

void url_source_close(struct url_source *s);

#endif
