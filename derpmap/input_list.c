/* input_list: see input_list.h. */
#include "input_list.h"

#include "bytes.h"

#include <errno.h>
#include <fts.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void
input_list_init(struct input_list *l)
{
	*l = (struct input_list){ .n = 0 };
}

void
input_list_clear(struct input_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	input_list_init(l);
}

static int
add(struct input_list *l, const char *path, struct fail *why)
{
	if (l->n == INPUT_LIST_MAX)
		return fail_set(why, "more than %d files", INPUT_LIST_MAX);
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 16 : 2 * l->cap;
		char **v = reallocarray(l->v, cap, sizeof *v);

		if (v == NULL)
			return fail_set(why, "not enough memory");
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n] = strdup(path);
	if (l->v[l->n] == NULL)
		return fail_set(why, "not enough memory");
	l->n++;
	return 0;
}

static bool
is_map_name(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot != NULL &&
	    (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 ||
		strcmp(dot, ".json") == 0 || strcmp(dot, ".hujson") == 0);
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int
add_entry(struct input_list *l, FTS *walk, FTSENT *entry, struct fail *why)
{
	switch (entry->fts_info) {
	case FTS_D:
		if (entry->fts_level > 0 && entry->fts_name[0] == '.')
			fts_set(walk, entry, FTS_SKIP);
		return 0;
	case FTS_F:
		if (entry->fts_name[0] == '.' || !is_map_name(entry->fts_name))
			return 0;
		return add(l, entry->fts_path, why);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return fail_set(
		    why, "%s: %s", entry->fts_path, strerror(entry->fts_errno));
	default:
		return 0;
	}
}

static int
add_folder(struct input_list *l, const char *folder, struct fail *why)
{
	char *path = strdup(folder);
	char *roots[] = { path, NULL };
	size_t before = l->n;
	FTSENT *entry;
	int result = 0;
	FTS *walk;

	if (path == NULL)
		return fail_set(why, "not enough memory");
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	if (walk == NULL)
		result = fail_set(why, "%s: %s", folder, strerror(errno));
	while (result == 0 && (entry = fts_read(walk)) != NULL)
		result = add_entry(l, walk, entry, why);
	if (walk != NULL)
		fts_close(walk);
	free(path);
	if (result == 0 && l->n == before)
		return fail_set(why,
		    "%s: no *.yaml, *.yml, *.json or *.hujson in this folder",
		    folder);
	return result;
}

/* A file, or a folder. */
static int
add_path(struct input_list *l, const char *path, struct fail *why)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode)
	    ? add_folder(l, path, why)
	    : add(l, path, why);
}

int
input_list_add(struct input_list *l, const char *word, struct fail *why)
{
	struct stat st;
	int result = 0;
	glob_t found;

	if (strcmp(word, "-") == 0 || strpbrk(word, "*?[") == NULL ||
	    lstat(word, &st) == 0)
		return add_path(l, word, why);
	switch (glob(word, 0, NULL, &found)) {
	case 0:
		for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
			result = add_path(l, found.gl_pathv[i], why);
		globfree(&found);
		return result;
	case GLOB_NOMATCH:
		return fail_set(why, "%s: no file fits this pattern", word);
	default:
		return fail_set(why, "%s: cannot be searched", word);
	}
}
