/*
 * filekind: what a file is that was given as a map, and where in it the map is.
 *
 * People give a tool what they have: a policy file, headscale's config.yaml, a
 * ConfigMap, Helm values, a page that a proxy sent. The kind is told from the
 * tree, by names that only such files have; where there is no tree, from the
 * text.
 *
 * Sources: Tailscale's policy file syntax (tailscale.com/kb/1337); headscale
 * config-example.yaml; Kubernetes API reference, ConfigMap v1.
 * Threads: pure functions over a document.
 */
#ifndef DERPKIT_FILEKIND_H
#define DERPKIT_FILEKIND_H

#include "decode.h"

enum filekind {
	FILEKIND_MAP,      /* a map, or nothing that is recognised */
	FILEKIND_WRAPPED,  /* the map is below one key, the only one or one that
			      is called derp or derpMap */
	FILEKIND_VALUES,   /* the map is among other keys, as in Helm values */
	FILEKIND_POLICY,   /* a Tailscale policy file; the map is its derpMap */
	FILEKIND_FRAGMENT, /* members of a policy file, without { } */
	FILEKIND_CONFIGMAP, /* the map is the text of a key of data */
	FILEKIND_NODE,      /* a node alone, as derper prints it */
	FILEKIND_OTHER,     /* a workflow, a Compose file and the like */
	FILEKIND_NODE_LIST, /* nodes of a tailnet, for admission */
	FILEKIND_CONFIG,    /* headscale's config.yaml; key: below which it has
			       regions, which headscale does not read */
	FILEKIND_TEMPLATE,  /* a template that was not rendered */
	FILEKIND_HTML,
};

struct filekind_found {
	enum filekind kind;
	/* the map: a mapping; in a ConfigMap the text that holds it; NULL:
	 * there is none. Of FILEKIND_MAP the root, whatever it is */
	const struct doc_node *map;
	const struct doc_node *key; /* that it is the value of, or NULL */
	const char *path;           /* keys to the map with dots between, in
				       the arena; "" at the top */
};

/* What the document is. -1 when memory is short. */
int filekind_find(struct filekind_found *found, struct arena *a,
    const struct doc *d, enum dialect dialect);

/* Whether the node is a mapping with a key that is `regions` in any spelling.
 */
bool filekind_has_regions(const struct doc_node *node);

/* What a text is that no reader could read, from its beginning and its marks:
 * FILEKIND_HTML, FILEKIND_TEMPLATE or FILEKIND_MAP. *at: where that is seen. */
enum filekind filekind_of_text(struct slice text, struct doc_pos *at);

#endif
