/* report_json: see report_json.h. */
#include "report_json.h"

#include "sanitize.h"

#include <jansson.h>

#include <stdlib.h>

/* Sets a member to text, made valid. -1: memory is short. */
static int
set_text(json_t *object, const char *name, const char *text)
{
	char *clean = sanitize_text(text, false);
	int result = -1;

	if (clean != NULL)
		result = json_object_set_new(object, name, json_string(clean));
	free(clean);
	return result;
}

static json_t *
finding_json(const struct finding *f)
{
	json_t *o = json_object();

	if (o == NULL)
		return NULL;
	if (set_text(o, "rule", f->rule) == -1 ||
	    set_text(o, "severity", finding_severity(f->severity)) == -1 ||
	    set_text(o, "file", f->file) == -1 ||
	    json_object_set_new(o, "line", json_integer(f->at.line)) == -1 ||
	    json_object_set_new(o, "column", json_integer(f->at.column)) ==
		-1 ||
	    set_text(o, "message", f->message) == -1 ||
	    (f->fix != NULL && set_text(o, "fix", f->fix) == -1)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

int
report_json(FILE *to, const struct findings *list, bool colour)
{
	json_t *array = json_array();
	json_t *root = json_object();
	int result = -1;

	(void)colour;
	if (array == NULL || root == NULL)
		goto free_json;
	for (const struct finding *f = list->first; f != NULL; f = f->next)
		if (json_array_append_new(array, finding_json(f)) == -1)
			goto free_json;
	if (json_object_set(root, "findings", array) == -1)
		goto free_json;
	json_dumpf(root, to, JSON_INDENT(2));
	fputc('\n', to);
	result = 0;

free_json:
	json_decref(root);
	json_decref(array);
	return result;
}
