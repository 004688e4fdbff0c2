/* lint_settings: see lint_settings.h. */
#include "lint_settings.h"

#include "doc_yaml.h"
#include "headscale_version.h"
#include "infile.h"
#include "quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)1 << 20)
#define VERSION_TEXT 64

int
lint_settings_init(struct lint_settings *s, struct arena *a)
{
	*s = (struct lint_settings){ .level = SEVERITY_COUNT };
	return selection_init(&s->selection, a);
}

int
lint_settings_headscale(
    struct lint_settings *s, struct slice name, struct fail *why)
{
	char quoted[QUOTE_TEXT], text[VERSION_TEXT] = "";
	const struct headscale_version *version;

	if (name.n < sizeof text)
		snprintf(text, sizeof text, "%.*s", (int)name.n,
		    (const char *)name.p);
	version = headscale_version_at(headscale_version_find(text));
	if (version != NULL) {
		s->target.headscale = version;
		return 0;
	}
	return fail_set(why,
	    "%s is not a version of headscale that is known (0.26 to 0.29, "
	    "head)",
	    quote_text(quoted, name));
}

/* --- the keys of the file --- */

static int
need_scalar(const struct doc_node *n, struct fail *why)
{
	return n->kind == DOC_SCALAR ? 0
				     : fail_set(why,
					   "a single value belongs "
					   "here");
}

/* Turns the rules of a list, or of one text with commas, on or off. */
static int
set_rules(struct lint_settings *s, const struct doc_node *n, bool on,
    struct fail *why)
{
	if (n->kind != DOC_SEQUENCE)
		return need_scalar(n, why) == -1
		    ? -1
		    : selection_set(&s->selection, n->text, on, why);
	for (size_t i = 0; i < n->count; i++) {
		const struct doc_node *item = doc_resolve(n->items[i]);

		if (need_scalar(item, why) == -1 ||
		    selection_set(&s->selection, item->text, on, why) == -1)
			return -1;
	}
	return 0;
}

static int
set_select(struct lint_settings *s, const struct doc_node *n, struct fail *why)
{
	selection_none(&s->selection);
	return set_rules(s, n, true, why);
}

static int
set_ignore(struct lint_settings *s, const struct doc_node *n, struct fail *why)
{
	return set_rules(s, n, false, why);
}

static int
set_severity(
    struct lint_settings *s, const struct doc_node *n, struct fail *why)
{
	if (n->kind != DOC_MAPPING)
		return fail_set(why,
		    "rules and their severities belong here, "
		    "as in {R16: error}");
	for (size_t i = 0; i < n->count; i++) {
		const struct doc_node *rule = n->items[2 * i],
				      *to = doc_resolve(n->items[2 * i + 1]);

		if (need_scalar(rule, why) == -1 ||
		    need_scalar(to, why) == -1 ||
		    selection_set_severity(
			&s->selection, rule->text, to->text, why) == -1)
			return -1;
	}
	return 0;
}

static int
set_level(struct lint_settings *s, const struct doc_node *n, struct fail *why)
{
	if (need_scalar(n, why) == -1)
		return -1;
	for (size_t i = 0; i < SEVERITY_COUNT; i++)
		if (slice_is(n->text, finding_severity_name(i))) {
			s->level = i;
			return 0;
		}
	return fail_set(why, "a level is info, warning or error");
}

static int
set_strict(struct lint_settings *s, const struct doc_node *n, struct fail *why)
{
	if (need_scalar(n, why) == -1)
		return -1;
	s->strict = slice_is(n->text, "true");
	return s->strict || slice_is(n->text, "false")
	    ? 0
	    : fail_set(why, "strict is true or false");
}

static int
set_client(struct lint_settings *s, const struct doc_node *n, struct fail *why)
{
	return need_scalar(n, why) == -1
	    ? -1
	    : target_parse_client(&s->target.client_min, n->text, why);
}

static int
set_headscale(
    struct lint_settings *s, const struct doc_node *n, struct fail *why)
{
	return need_scalar(n, why) == -1
	    ? -1
	    : lint_settings_headscale(s, n->text, why);
}

static const struct key {
	const char *name;
	int (*set)(struct lint_settings *s, const struct doc_node *value,
	    struct fail *why);
} keys[] = {
	{ "select", set_select },
	{ "ignore", set_ignore },
	{ "severity", set_severity },
	{ "level", set_level },
	{ "strict", set_strict },
	{ "min-client", set_client },
	{ "headscale-version", set_headscale },
};

static int
set_key(struct lint_settings *s, const struct doc_node *key,
    const struct doc_node *value, struct fail *why)
{
	char quoted[QUOTE_TEXT];

	if (key->kind == DOC_SCALAR)
		for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
			if (slice_is(key->text, keys[i].name))
				return keys[i].set(s, value, why);
	return fail_set(why, "%s is not a setting of lint",
	    quote_text(
		quoted, key->kind == DOC_SCALAR ? key->text : slice_str("?")));
}

static int
set_all(struct lint_settings *s, const char *path, const struct doc_node *root,
    struct fail *why)
{
	if (root == NULL)
		return 0;
	if (root->kind != DOC_MAPPING)
		return fail_set(why, "%s: not a mapping of settings", path);
	for (size_t i = 0; i < root->count; i++) {
		const struct doc_node *key = root->items[2 * i];
		struct fail bad = { .text = "" };

		if (set_key(s, key, doc_resolve(root->items[2 * i + 1]),
			&bad) == -1)
			return fail_set(why, "%s:%u:%u: %s", path,
			    key->start.line, key->start.column, bad.text);
	}
	return 0;
}

int
lint_settings_read(struct lint_settings *s, struct arena *a, const char *path,
    struct fail *why)
{
	struct fail syntax = { .text = "" };
	struct buf text;
	struct doc doc;
	int result = infile_read(&text, path, FILE_MAX, why);
	const char *copy = NULL;

	if (result == 0) {
		copy = arena_text(
		    a, (const char *)buf_slice(&text).p, buf_len(&text));
		if (copy == NULL)
			result = fail_set(why, "not enough memory");
	}
	if (result == 0 &&
	    doc_yaml_read(&doc, a, slice_of(copy, buf_len(&text)), &syntax) ==
		-1)
		result = fail_set(why, "%s:%u:%u: %s", path, doc.error_at.line,
		    doc.error_at.column, doc.error_text);
	if (result == 0)
		result = set_all(s, path, doc.root, why);
	buf_clear(&text);
	return result;
}

/* --- where the file is --- */

/* The folder of the file, absolute, without its last slash. Owned by the
 * caller: free it. NULL: it is not there, or memory is short. */
static char *
folder_of(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *name, *folder;

	if (strcmp(file, "-") == 0 || slash == NULL)
		return realpath(".", NULL);
	name = strndup(file, slash == file ? 1 : (size_t)(slash - file));
	if (name == NULL)
		return NULL;
	folder = realpath(name, NULL);
	free(name);
	return folder;
}

const char *
lint_settings_find(const char *file, struct arena *a)
{
	char *folder = folder_of(file), *slash = folder;
	const char *found = NULL;
	struct stat st;

	while (slash != NULL && found == NULL) {
		const char *path = arena_printf(a, "%s/" LINT_SETTINGS_FILE,
		    strcmp(folder, "/") == 0 ? "" : folder);

		/* a link that leads nowhere is told when it is read */
		if (path != NULL && lstat(path, &st) == 0)
			found = path;
		slash = strcmp(folder, "/") == 0 ? NULL : strrchr(folder, '/');
		if (slash != NULL)
			slash[slash == folder] = '\0';
	}
	free(folder);
	return found;
}
