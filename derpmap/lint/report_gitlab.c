/*
 * report_gitlab: see report_gitlab.h. Source: GitLab's "Implement a custom
 * tool" for code quality: description, check_name, fingerprint, location with
 * path and lines.begin, and a severity of info, minor, major, critical,
 * blocker.
 */
#include "report_gitlab.h"

#include "json_text.h"

#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#define FINGERPRINT_BYTES 16

static const char *
severity_of(enum severity severity)
{
	switch (severity) {
	case SEVERITY_INFO:
		return "info";
	case SEVERITY_WARNING:
		return "minor";
	case SEVERITY_ERROR:
		return "major";
	}
	return "";
}

static void
hash_text(crypto_generichash_state *state, const char *text)
{
	crypto_generichash_update(
	    state, (const unsigned char *)text, strlen(text) + 1);
}

/* What tells a finding from others, and stays when lines are moved: the same
 * finding at the same path of the map. `again` counts those alike. */
static void
fingerprint(char out[static 2 * FINGERPRINT_BYTES + 1], const struct finding *f,
    unsigned again)
{
	unsigned char hash[FINGERPRINT_BYTES];
	crypto_generichash_state state;
	char number[16];

	snprintf(number, sizeof number, "%u", again);
	crypto_generichash_init(&state, NULL, 0, sizeof hash);
	hash_text(&state, f->rule);
	hash_text(&state, f->file);
	hash_text(&state, f->path != NULL ? f->path : "");
	hash_text(&state, f->message);
	hash_text(&state, number);
	crypto_generichash_final(&state, hash, sizeof hash);
	sodium_bin2hex(out, 2 * FINGERPRINT_BYTES + 1, hash, sizeof hash);
}

struct entry {
	const struct finding *f;
	size_t index;   /* in the list */
	unsigned again; /* how many before it are alike */
};

static int
compare_texts(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

/* By what the fingerprint is made of. */
static int
compare_content(const struct finding *a, const struct finding *b)
{
	int order = strcmp(a->rule, b->rule);

	if (order == 0)
		order = strcmp(a->file, b->file);
	if (order == 0)
		order = compare_texts(a->path, b->path);
	return order != 0 ? order : strcmp(a->message, b->message);
}

static int
by_content(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare_content(x->f, y->f);

	if (order == 0)
		order = x->index < y->index ? -1 : 1;
	return order;
}

static int
by_index(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return x->index < y->index ? -1 : 1;
}

/* The findings in their order, those alike counted. Returns owned; NULL when
 * memory is short. */
static struct entry *
count_alike(const struct findings *list)
{
	struct entry *all = reallocarray(NULL, list->count + 1, sizeof *all);
	size_t n = 0;

	if (all == NULL)
		return NULL;
	for (const struct finding *f = list->first; f != NULL; f = f->next, n++)
		all[n] = (struct entry){ .f = f, .index = n };
	qsort(all, n, sizeof *all, by_content);
	for (size_t i = 1; i < n; i++)
		if (compare_content(all[i].f, all[i - 1].f) == 0)
			all[i].again = all[i - 1].again + 1;
	qsort(all, n, sizeof *all, by_index);
	return all;
}

static json_t *
location_json(const struct finding *f)
{
	json_t *o = json_object();

	if (o == NULL)
		return NULL;
	if (json_text_set(o, "path", f->file) == -1 ||
	    json_object_set_new(o, "lines",
		json_pack("{s:I, s:I}", "begin", (json_int_t)f->at.line, "end",
		    (json_int_t)(f->end.line != 0 ? f->end.line
						  : f->at.line))) == -1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
finding_json(const struct finding *f, unsigned again)
{
	char id[2 * FINGERPRINT_BYTES + 1];
	json_t *o = json_object();

	if (o == NULL)
		return NULL;
	fingerprint(id, f, again);
	if (json_text_set(o, "description", f->message) == -1 ||
	    json_text_set(o, "check_name", f->rule) == -1 ||
	    json_text_set(o, "fingerprint", id) == -1 ||
	    json_text_set(o, "severity", severity_of(f->severity)) == -1 ||
	    json_object_set_new(o, "location", location_json(f)) == -1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

int
report_gitlab(FILE *to, const struct findings *list, bool colour)
{
	struct entry *all = count_alike(list);
	json_t *array = json_array();
	int result = -1;

	(void)colour;
	if (array == NULL || all == NULL)
		goto free_json;
	for (size_t i = 0; i < list->count; i++)
		if (json_array_append_new(
			array, finding_json(all[i].f, all[i].again)) == -1)
			goto free_json;
	json_dumpf(array, to, JSON_INDENT(2));
	fputc('\n', to);
	result = 0;

free_json:
	json_decref(array);
	free(all);
	return result;
}
