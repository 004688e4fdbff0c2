/* viper: see viper.h. */
#include "viper.h"

#include "yaml_scalar.h"

#include <stdio.h>
#include <string.h>

#define MERGE_DEPTH_MAX 100
#define KEY_PARTS_MAX 6

/* A key cut at its dots; each part borrows from the key. */
struct path {
	const char *key;
	size_t start[KEY_PARTS_MAX], n;
};

static struct path
path_of(const char *key)
{
	struct path p = { .key = key, .n = 1 };

	for (size_t i = 0; key[i] != '\0'; i++)
		if (key[i] == '.' && p.n < KEY_PARTS_MAX)
			p.start[p.n++] = i + 1;
	return p;
}

/* The text of the parts [from, to), dots between them. */
static struct slice
parts(const struct path *p, size_t from, size_t to)
{
	size_t start = p->start[from];
	size_t end = to < p->n ? p->start[to] - 1 : strlen(p->key);

	return slice_of(p->key + start, end - start);
}

const char *
viper_variable_name(char out[static VIPER_NAME_MAX], struct slice key)
{
	size_t n;

	snprintf(out, VIPER_NAME_MAX, "HEADSCALE_%.*s", (int)key.n,
	    (const char *)key.p);
	n = strlen(out);
	for (size_t i = 0; i < n; i++)
		if (out[i] == '.')
			out[i] = '_';
		else if (out[i] >= 'a' && out[i] <= 'z')
			out[i] = (char)(out[i] - 'a' + 'A');
	return out;
}

/* --- the file --- */

static bool
is_spelled(const struct doc_node *key, struct slice name, bool exact)
{
	struct slice text = doc_resolve(key)->text;
	bool same = text.n == name.n;

	if (doc_resolve(key)->kind != DOC_SCALAR)
		return false;
	for (size_t i = 0; i < name.n && same; i++) {
		uint8_t c = text.p[i];

		same = name.p[i] ==
		    (c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c);
	}
	return same && slice_eq(text, name) == exact;
}

static bool find_entry(const struct doc_node *mapping, struct slice name,
    bool exact, unsigned depth, const struct doc_node **key,
    const struct doc_node **value);

/* Looks into what a merge key refers to: a mapping or a list of them. */
static bool
find_merged(const struct doc_node *merge, struct slice name, bool exact,
    unsigned depth, const struct doc_node **key, const struct doc_node **value)
{
	merge = doc_resolve(merge);
	if (depth > MERGE_DEPTH_MAX)
		return false;
	if (merge->kind != DOC_SEQUENCE)
		return find_entry(merge, name, exact, depth, key, value);
	for (size_t i = 0; i < merge->count; i++)
		if (find_entry(doc_resolve(merge->items[i]), name, exact, depth,
			key, value))
			return true;
	return false;
}

static bool
find_entry(const struct doc_node *mapping, struct slice name, bool exact,
    unsigned depth, const struct doc_node **key, const struct doc_node **value)
{
	if (mapping->kind != DOC_MAPPING)
		return false;
	for (size_t i = 0; i < mapping->count; i++)
		if (is_spelled(mapping->items[2 * i], name, exact)) {
			*key = mapping->items[2 * i];
			*value = mapping->items[2 * i + 1];
			return true;
		}
	for (size_t i = 0; i < mapping->count; i++)
		if (yaml_scalar_is_merge(mapping->items[2 * i]) &&
		    find_merged(mapping->items[2 * i + 1], name, exact,
			depth + 1, key, value))
			return true;
	return false;
}

bool
viper_entry(const struct doc_node *mapping, struct slice name,
    const struct doc_node **key, const struct doc_node **value)
{
	if (mapping == NULL)
		return false;
	mapping = doc_resolve(mapping);
	return find_entry(mapping, name, false, 0, key, value) ||
	    find_entry(mapping, name, true, 0, key, value);
}

/* The value at the parts from `at` on: the longest first part wins. */
static bool
find_path(const struct doc_node *mapping, const struct path *p, size_t at,
    struct viper_value *found)
{
	const struct doc_node *key, *value;

	for (size_t end = p->n; end > at; end--) {
		if (!viper_entry(mapping, parts(p, at, end), &key, &value))
			continue;
		if (end < p->n && find_path(value, p, end, found))
			return true;
		if (end < p->n || yaml_scalar_is_null(value))
			continue;
		*found = (struct viper_value){
			.source = VIPER_FILE, .key = key, .node = value
		};
		return true;
	}
	return false;
}

/* Whether a parent of the key has a value of its own. */
static bool
file_hides(const struct doc_node *node, const struct path *p)
{
	const struct doc_node *key;

	for (size_t i = 0; i + 1 < p->n; i++) {
		if (!viper_entry(node, parts(p, i, i + 1), &key, &node) ||
		    yaml_scalar_is_null(node))
			return false;
		if (doc_resolve(node)->kind != DOC_MAPPING)
			return true;
	}
	return false;
}

/* --- all sources --- */

static const struct environment_variable *
set_variable(const struct viper *v, struct slice key)
{
	char name[VIPER_NAME_MAX];
	const struct environment_variable *variable =
	    environment_find(v->environment, viper_variable_name(name, key));

	return variable != NULL && variable->value.n > 0 ? variable : NULL;
}

static bool
environment_hides(const struct viper *v, const struct path *p)
{
	for (size_t i = 1; i < p->n; i++)
		if (set_variable(v, parts(p, 0, i)) != NULL)
			return true;
	return false;
}

struct viper_value
viper_find(const struct viper *v, const char *key)
{
	struct viper_value found = { .source = VIPER_UNSET };
	struct path p = path_of(key);

	found.variable = set_variable(v, slice_str(key));
	if (found.variable != NULL) {
		found.source = VIPER_ENVIRONMENT;
		found.text = found.variable->value;
		return found;
	}
	if (environment_hides(v, &p) || find_path(v->root, &p, 0, &found) ||
	    file_hides(v->root, &p))
		return found;
	for (size_t i = 0; i < v->default_count; i++)
		if (strcmp(v->defaults[i].key, key) == 0) {
			found.source = VIPER_DEFAULT;
			found.text = slice_str(v->defaults[i].text);
		}
	return found;
}
