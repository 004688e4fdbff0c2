/*
 * headscale_version: what differs between versions of headscale in the way
 * they make the map.
 *
 * Source: hscontrol/derp/derp.go, hscontrol/types/config.go and
 * hscontrol/app.go of v0.26.1, v0.27.1, v0.28.0, v0.29.2 and of commit 19d5d9de
 * on the development branch. Threads: immutable.
 */
#ifndef DERPKIT_HEADSCALE_VERSION_H
#define DERPKIT_HEADSCALE_VERSION_H

#include <stdbool.h>
#include <stddef.h>

/* What a null region does. */
enum headscale_null {
	HEADSCALE_NULL_SENT,    /* replaces the region; clients get the null */
	HEADSCALE_NULL_REMOVES, /* removes the region of earlier sources */
	HEADSCALE_NULL_IGNORED, /* the region of earlier sources stays */
};

struct headscale_version {
	const char *name;
	enum headscale_null null_region;
	bool paths_first;           /* paths are merged before URLs */
	bool skips_broken;          /* a source that cannot be loaded ends its
				       list with a log line; otherwise headscale
				       does not start */
	const char *load_error;     /* what it says then */
	bool skips_bad_url;         /* otherwise it crashes */
	bool checks_region;         /* an embedded region that cannot be made
				       is an error; otherwise it becomes an
				       empty region 0 */
	const char *default_update; /* of derp.update_frequency; "": none */
};

enum {
	HEADSCALE_0_26,
	HEADSCALE_0_27,
	HEADSCALE_0_28,
	HEADSCALE_0_29,
	HEADSCALE_HEAD,
};

/* The n-th version, oldest first; NULL after the last. */
const struct headscale_version *headscale_version_at(size_t n);

/* Its name, for opts.h; NULL after the last. */
const char *headscale_version_name(size_t n);

/* The n of what a release or an image's tag is called, as v0.28.1 or
 * 0.28.0-beta.1, and of a name; SIZE_MAX: none. */
size_t headscale_version_find(const char *text);

#endif
