/* filekind: see filekind.h. */
#include "filekind.h"

#include "json_fold.h"

#include <string.h>

#define NESTED_MAX 6 /* keys down to a map among other values */

struct search {
	struct arena *arena;
	struct filekind_found *found;
	bool no_memory;
};

static bool
is_mapping(const struct doc_node *node)
{
	return node != NULL && node->kind == DOC_MAPPING;
}

/* The value of a key, whatever the case of its letters; *key, when not NULL,
 * is the key. */
static const struct doc_node *
value_of(const struct doc_node *mapping, const char *name,
    const struct doc_node **key)
{
	for (size_t i = 0; is_mapping(mapping) && i < mapping->count; i++) {
		const struct doc_node *n = mapping->items[2 * i];

		if (n->kind != DOC_SCALAR || !json_fold_eq(n->text, name))
			continue;
		if (key != NULL)
			*key = n;
		return doc_resolve(mapping->items[2 * i + 1]);
	}
	return NULL;
}

static bool
has_any(const struct doc_node *mapping, const char *const *names)
{
	for (; *names != NULL; names++)
		if (value_of(mapping, *names, NULL) != NULL)
			return true;
	return false;
}

/* Whether the key is `regions` in any spelling. */
static bool
is_regions(const struct doc_node *key)
{
	char bare[DERPMAP_BARE_MAX];

	if (key->kind != DOC_SCALAR)
		return false;
	derpmap_bare(bare, key->text);
	return strcmp(bare, "regions") == 0;
}

/* Whether the value can be what is below regions: a mapping whose values are
 * mappings or null. */
static bool
is_regions_value(const struct doc_node *value)
{
	if (!is_mapping(value) || value->count == 0)
		return false;
	for (size_t i = 0; i < value->count; i++) {
		const struct doc_node *n = doc_resolve(value->items[2 * i + 1]);

		if (!is_mapping(n) &&
		    !(n->kind == DOC_SCALAR && n->style == DOC_PLAIN &&
			(n->text.n == 0 || slice_is(n->text, "null") ||
			    slice_is(n->text, "~"))))
			return false;
	}
	return true;
}

static bool
holds_regions(const struct doc_node *mapping)
{
	for (size_t i = 0; is_mapping(mapping) && i < mapping->count; i++)
		if (is_regions(mapping->items[2 * i]) &&
		    is_regions_value(doc_resolve(mapping->items[2 * i + 1])))
			return true;
	return false;
}

bool
filekind_has_regions(const struct doc_node *node)
{
	for (size_t i = 0; is_mapping(node) && i < node->count; i++)
		if (is_regions(node->items[2 * i]))
			return true;
	return false;
}

/* Finds the first map below the mapping. `path` is of the mapping, with a dot
 * at its end unless it is empty. */
static bool
find_below(struct search *s, const struct doc_node *mapping, const char *path,
    unsigned depth)
{
	for (size_t i = 0; i < mapping->count && !s->no_memory; i++) {
		const struct doc_node *key = mapping->items[2 * i];
		const struct doc_node *value = mapping->items[2 * i + 1];
		int n = key->text.n > 64 ? 64 : (int)key->text.n;
		char *name;

		/* aliases are not followed: they may lead back */
		if (key->kind != DOC_SCALAR || !is_mapping(value))
			continue;
		name = arena_printf(
		    s->arena, "%s%.*s", path, n, (const char *)key->text.p);
		if (name == NULL) {
			s->no_memory = true;
			return false;
		}
		if (holds_regions(value)) {
			s->found->map = value;
			s->found->key = key;
			s->found->path = name;
			return true;
		}
		name = depth > 1 ? arena_printf(s->arena, "%s.", name) : NULL;
		if (name != NULL && find_below(s, value, name, depth - 1))
			return true;
	}
	return false;
}

/* A map below one key of the root, which headscale or a JSON reader ignores. */
static bool
is_wrapper(const struct doc_node *root, const struct filekind_found *found)
{
	char bare[DERPMAP_BARE_MAX];

	if (strchr(found->path, '.') != NULL)
		return false;
	derpmap_bare(bare, found->key->text);
	return root->count == 1 || strcmp(bare, "derp") == 0 ||
	    strcmp(bare, "derpmap") == 0;
}

static bool
is_policy(const struct doc_node *root)
{
	static const char *const members[] = { "acls", "grants", "tagOwners",
		"autoApprovers", "nodeAttrs", "postures", "ssh", NULL };

	return has_any(root, members);
}

static bool
is_config(const struct doc_node *root)
{
	static const char *const members[] = { "server_url", "listen_addr",
		"metrics_listen_addr", "noise", "prefixes", NULL };
	static const char *const derp[] = { "server", "urls", "paths",
		"auto_update_enabled", "update_frequency", NULL };

	return has_any(root, members) ||
	    has_any(value_of(root, "derp", NULL), derp);
}

/* Whether a block of literal text, whose lines keep their places, may hold a
 * map. */
static bool
holds_map_text(const struct doc_node *n)
{
	return n->kind == DOC_SCALAR && n->style == DOC_LITERAL &&
	    memmem(n->text.p, n->text.n, "egions", 6) != NULL;
}

static int
find_in_configmap(
    struct filekind_found *found, struct arena *a, const struct doc_node *root)
{
	static const char *const members[] = { "data", "stringData", NULL };

	found->kind = FILEKIND_CONFIGMAP;
	found->map = NULL;
	for (size_t m = 0; members[m] != NULL; m++) {
		const struct doc_node *data = value_of(root, members[m], NULL);

		for (size_t i = 0; is_mapping(data) && i < data->count; i++) {
			const struct doc_node *key = data->items[2 * i];

			if (!holds_map_text(data->items[2 * i + 1]))
				continue;
			found->map = data->items[2 * i + 1];
			found->key = key;
			found->path = arena_printf(a, "%s.%.*s", members[m],
			    key->text.n > 64 ? 64 : (int)key->text.n,
			    (const char *)key->text.p);
			return found->path != NULL ? 0 : -1;
		}
	}
	return 0;
}

static bool
is_configmap(const struct doc_node *root)
{
	const struct doc_node *kind = value_of(root, "kind", NULL);

	return value_of(root, "apiVersion", NULL) != NULL && kind != NULL &&
	    kind->kind == DOC_SCALAR &&
	    (slice_is(kind->text, "ConfigMap") ||
		slice_is(kind->text, "Secret"));
}

/* A node alone has a host name and nothing of a region or a map. */
static bool
is_node(const struct doc_node *root)
{
	return value_of(root, "HostName", NULL) != NULL &&
	    value_of(root, "Nodes", NULL) == NULL;
}

static bool
has_node_key(const struct doc_node *node)
{
	const struct doc_node *key = value_of(node, "node_key", NULL);

	if (key == NULL)
		key = value_of(node, "nodeKey", NULL);
	return key != NULL && key->kind == DOC_SCALAR &&
	    slice_starts(key->text, "nodekey:");
}

/* `headscale nodes list -o json`, or what its API answers. */
static bool
is_node_list(const struct doc_node *root)
{
	if (is_mapping(root))
		root = value_of(root, "nodes", NULL);
	return root != NULL && root->kind == DOC_SEQUENCE && root->count > 0 &&
	    has_node_key(doc_resolve(root->items[0]));
}

/* Files that lie beside maps in a folder: of a CI, of Compose, of derper's
 * admission, of Kubernetes, of npm. */
static bool
is_other(const struct doc_node *root)
{
	static const char *const members[] = { "apiVersion", "compilerOptions",
		"dependencies", "devDependencies", "jobs", "problemMatcher",
		"repos", "scripts", "services", "sources", NULL };

	if (has_any(root, members))
		return true;
	for (size_t i = 0; is_mapping(root) && i < root->count; i++)
		if (value_of(doc_resolve(root->items[2 * i + 1]), "script",
			NULL) != NULL)
			return true;
	return false;
}

/* A map was found below the root. */
static void
set_kind_below(struct filekind_found *found, const struct doc_node *root)
{
	found->kind =
	    is_wrapper(root, found) ? FILEKIND_WRAPPED : FILEKIND_VALUES;
	if (found->kind == FILEKIND_WRAPPED && root->count > 1 &&
	    is_config(root)) {
		found->kind = FILEKIND_CONFIG;
		found->map = NULL;
	}
}

int
filekind_find(struct filekind_found *found, struct arena *a,
    const struct doc *d, enum dialect dialect)
{
	struct search s = { .arena = a, .found = found };
	const struct doc_node *root = doc_resolve(d->root);
	const struct doc_node *key, *map;

	*found = (struct filekind_found){ .map = d->root, .path = "" };
	if (is_node_list(root)) {
		found->kind = FILEKIND_NODE_LIST;
		found->map = NULL;
		return 0;
	}
	if (!is_mapping(root) || filekind_has_regions(root))
		return 0;
	map = value_of(root, "derpMap", &key);
	if (is_policy(root) || (dialect == DIALECT_JSON && is_mapping(map))) {
		found->kind = FILEKIND_POLICY;
		found->map = is_mapping(map) ? map : NULL;
		found->key = is_mapping(map) ? key : NULL;
		found->path = is_mapping(map) ? "derpMap" : "";
	} else if (is_configmap(root)) {
		return find_in_configmap(found, a, root);
	} else if (find_below(&s, root, "", NESTED_MAX)) {
		set_kind_below(found, root);
	} else if (is_config(root)) {
		found->kind = FILEKIND_CONFIG;
		found->map = NULL;
	} else if (is_node(root)) {
		found->kind = FILEKIND_NODE;
		found->map = NULL;
	} else if (is_other(root)) {
		found->kind = FILEKIND_OTHER;
		found->map = NULL;
	}
	return s.no_memory ? -1 : 0;
}

/* --- texts that no reader reads --- */

static bool
starts_nocase(struct slice s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && slice_is_nocase(slice_of(s.p, n), text);
}

/* The first mark of a template that is not in a comment; text.n: none. */
static size_t
find_mark(struct slice text)
{
	bool comment = false;

	for (size_t i = 0; i + 1 < text.n; i++) {
		uint8_t c = text.p[i], next = text.p[i + 1];

		if (c == '\n')
			comment = false;
		else if (c == '#' && (i == 0 || text.p[i - 1] <= ' '))
			comment = true;
		if (!comment && c == '{' && (next == '{' || next == '%'))
			return i;
	}
	return text.n;
}

enum filekind
filekind_of_text(struct slice text, struct doc_pos *at)
{
	struct slice start = slice_trim(text);
	size_t mark;

	*at = (struct doc_pos){ .line = 1, .column = 1 };
	if (starts_nocase(start, "<!doctype") || starts_nocase(start, "<html"))
		return FILEKIND_HTML;
	mark = find_mark(text);
	if (mark == text.n)
		return FILEKIND_MAP;
	doc_pos_advance(at, text, mark, DOC_LINE_YAML);
	return FILEKIND_TEMPLATE;
}
