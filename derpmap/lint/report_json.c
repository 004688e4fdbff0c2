/* report_json: see report_json.h. */
#include "report_json.h"

#include "json_text.h"
#include "rule_list.h"

/* A place as an object, or NULL when memory is short. */
static json_t *
pos_json(struct doc_pos at)
{
	return json_pack("{s:I, s:I}", "line", (json_int_t)at.line, "column",
	    (json_int_t)at.column);
}

static json_t *
related_json(const struct finding *f)
{
	json_t *o = pos_json(f->related);

	if (o != NULL && json_text_set(o, "message", f->related_text) == -1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
edit_json(const struct finding_edit *e)
{
	json_t *o = json_object();

	if (o == NULL ||
	    json_object_set_new(o, "start", pos_json(e->start)) == -1 ||
	    json_object_set_new(o, "end", pos_json(e->end)) == -1 ||
	    json_object_set_new(
		o, "offset", json_integer((json_int_t)e->start.offset)) == -1 ||
	    json_object_set_new(o, "length",
		json_integer((json_int_t)(e->end.offset - e->start.offset))) ==
		-1 ||
	    json_text_set(o, "text", e->text) == -1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
edits_json(const struct finding_edit *e)
{
	json_t *array = json_array();

	for (; array != NULL && e != NULL; e = e->next)
		if (json_array_append_new(array, edit_json(e)) == -1) {
			json_decref(array);
			return NULL;
		}
	return array;
}

/* The members that not every finding has. */
static int
set_details(json_t *o, const struct finding *f)
{
	const struct rule *rule = rule_list_find(f->rule);
	char url[RULE_LIST_URL];

	if (f->end.line != 0 &&
	    json_object_set_new(o, "end", pos_json(f->end)) == -1)
		return -1;
	if (f->path != NULL && json_text_set(o, "path", f->path) == -1)
		return -1;
	if (rule != NULL &&
	    json_text_set(o, "url", rule_list_url(url, rule)) == -1)
		return -1;
	if (f->fix != NULL && json_text_set(o, "fix", f->fix) == -1)
		return -1;
	if (f->related.line != 0 &&
	    json_object_set_new(o, "related", related_json(f)) == -1)
		return -1;
	if (f->edit != NULL &&
	    json_object_set_new(o, "edits", edits_json(f->edit)) == -1)
		return -1;
	return 0;
}

static json_t *
finding_json(const struct finding *f)
{
	json_t *o = json_object();

	if (o == NULL)
		return NULL;
	if (json_text_set(o, "rule", f->rule) == -1 ||
	    json_text_set(o, "severity", finding_severity(f->severity)) == -1 ||
	    json_text_set(o, "file", f->file) == -1 ||
	    json_object_set_new(o, "line", json_integer(f->at.line)) == -1 ||
	    json_object_set_new(o, "column", json_integer(f->at.column)) ==
		-1 ||
	    json_text_set(o, "message", f->message) == -1 ||
	    set_details(o, f) == -1) {
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
