/*
 * report_sarif: see report_sarif.h. Source: OASIS SARIF 2.1.0, and what GitHub
 * code scanning and GitLab want beyond it: fullDescription and help of a rule.
 */
#include "report_sarif.h"

#include "json_text.h"
#include "rule_list.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA                                                                \
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/" \
	"sarif-schema-2.1.0.json"
#define INFORMATION DERPKIT_RULES_URL

static const char *
level_of(enum severity severity)
{
	return severity == SEVERITY_INFO ? "note" : finding_severity(severity);
}

/* Sets a member to an object with the member "text". */
static int
set_message(json_t *o, const char *name, const char *text)
{
	json_t *message = json_object();

	if (message == NULL || json_text_set(message, "text", text) == -1) {
		json_decref(message);
		return -1;
	}
	return json_object_set_new(o, name, message);
}

static bool
is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || strchr("-._~/", c) != NULL;
}

/* The file as a URI reference: RFC 3986, 4.2. */
static json_t *
artifact_json(const char *file)
{
	size_t n = strlen(file);
	char *uri = malloc(3 * n + sizeof "file://stdin"), *to = uri;
	json_t *o = NULL;

	if (uri == NULL)
		return NULL;
	if (strcmp(file, "-") == 0)
		file = "stdin";
	if (file[0] == '/')
		to = stpcpy(to, "file://");
	for (; *file != '\0'; file++)
		if (is_unreserved(*file))
			*to++ = *file;
		else
			to += snprintf(to, 4, "%%%02X", (unsigned char)*file);
	*to = '\0';
	o = json_pack("{s:s}", "uri", uri);
	free(uri);
	return o;
}

/* end: line 0 when it is not known. */
static json_t *
region_json(struct doc_pos start, struct doc_pos end)
{
	if (end.line == 0)
		return json_pack("{s:I, s:I}", "startLine",
		    (json_int_t)start.line, "startColumn",
		    (json_int_t)start.column);
	return json_pack("{s:I, s:I, s:I, s:I}", "startLine",
	    (json_int_t)start.line, "startColumn", (json_int_t)start.column,
	    "endLine", (json_int_t)end.line, "endColumn",
	    (json_int_t)end.column);
}

static json_t *
location_json(const struct finding *f, struct doc_pos start, struct doc_pos end)
{
	json_t *physical = json_object(), *o = json_object();

	if (physical == NULL || o == NULL ||
	    json_object_set_new(
		physical, "artifactLocation", artifact_json(f->file)) == -1 ||
	    json_object_set_new(physical, "region", region_json(start, end)) ==
		-1 ||
	    json_object_set(o, "physicalLocation", physical) == -1) {
		json_decref(o);
		o = NULL;
	}
	json_decref(physical);
	return o;
}

/* Sets a member to an array with the one element. */
static int
set_one(json_t *o, const char *name, json_t *element)
{
	json_t *array = json_array();

	if (array == NULL) {
		json_decref(element);
		return -1;
	}
	if (json_array_append_new(array, element) == -1) {
		json_decref(array);
		return -1;
	}
	return json_object_set_new(o, name, array);
}

static json_t *
place_json(const struct finding *f)
{
	json_t *o = location_json(f, f->at, f->end);
	json_t *name = json_object();

	if (o == NULL || name == NULL ||
	    (f->path != NULL &&
		json_text_set(name, "fullyQualifiedName", f->path) == -1)) {
		json_decref(name);
		json_decref(o);
		return NULL;
	}
	if (f->path == NULL)
		json_decref(name);
	else if (set_one(o, "logicalLocations", name) == -1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
related_json(const struct finding *f)
{
	json_t *o = location_json(f, f->related, (struct doc_pos){ 0 });

	if (o != NULL && set_message(o, "message", f->related_text) == -1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
replacement_json(const struct finding_edit *e)
{
	json_t *o = json_object();

	if (o == NULL ||
	    json_object_set_new(
		o, "deletedRegion", region_json(e->start, e->end)) == -1 ||
	    set_message(o, "insertedContent", e->text) == -1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
change_json(const struct finding *f)
{
	json_t *o = json_object(), *all = json_array();

	if (o == NULL || all == NULL ||
	    json_object_set_new(
		o, "artifactLocation", artifact_json(f->file)) == -1 ||
	    json_object_set(o, "replacements", all) == -1)
		goto fail;
	for (const struct finding_edit *e = f->edit; e != NULL; e = e->next)
		if (json_array_append_new(all, replacement_json(e)) == -1)
			goto fail;
	json_decref(all);
	return o;

fail:
	json_decref(all);
	json_decref(o);
	return NULL;
}

static json_t *
fix_json(const struct finding *f)
{
	json_t *o = json_object();

	if (o == NULL ||
	    set_message(o, "description",
		f->fix != NULL ? f->fix : "derpmap lint --fix") == -1 ||
	    set_one(o, "artifactChanges", change_json(f)) == -1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
result_json(const struct finding *f)
{
	json_t *o = json_object();

	if (o == NULL)
		return NULL;
	if (json_text_set(o, "ruleId", f->rule) == -1 ||
	    json_text_set(o, "level", level_of(f->severity)) == -1 ||
	    set_message(o, "message", f->message) == -1 ||
	    set_one(o, "locations", place_json(f)) == -1 ||
	    (f->related.line != 0 &&
		set_one(o, "relatedLocations", related_json(f)) == -1) ||
	    (f->edit != NULL && set_one(o, "fixes", fix_json(f)) == -1)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *
rule_json(const struct rule *rule)
{
	char url[RULE_LIST_URL];
	json_t *o = json_object();
	json_t *config = json_pack("{s:s}", "level", level_of(rule->severity));

	if (o == NULL || json_text_set(o, "id", rule->id) == -1 ||
	    json_text_set(o, "name", rule->name) == -1 ||
	    set_message(o, "shortDescription", rule->title) == -1 ||
	    set_message(o, "fullDescription", rule->help) == -1 ||
	    set_message(o, "help", rule->help) == -1 ||
	    json_text_set(o, "helpUri", rule_list_url(url, rule)) == -1 ||
	    json_object_set(o, "defaultConfiguration", config) == -1) {
		json_decref(o);
		o = NULL;
	}
	json_decref(config);
	return o;
}

/* The tool with all its rules. */
static json_t *
driver_json(void)
{
	json_t *o = json_pack("{s:s, s:s, s:s}", "name", "derpmap", "version",
	    DERPKIT_VERSION, "informationUri", INFORMATION);
	size_t count = rule_list_count();
	const struct rule **rules =
	    reallocarray(NULL, count, sizeof(const struct rule *));
	json_t *array = json_array();

	if (o == NULL || rules == NULL || array == NULL)
		goto fail;
	rule_list_sorted(rules);
	for (size_t i = 0; i < count; i++)
		if (json_array_append_new(array, rule_json(rules[i])) == -1)
			goto fail;
	if (json_object_set(o, "rules", array) == -1)
		goto fail;
	json_decref(array);
	free((void *)rules);
	return o;

fail:
	json_decref(array);
	free((void *)rules);
	json_decref(o);
	return NULL;
}

static json_t *
run_json(const struct findings *list)
{
	json_t *o = json_pack("{s:{s:o?}, s:s, s:[]}", "tool", "driver",
	    driver_json(), "columnKind", "unicodeCodePoints", "results");
	json_t *results = json_object_get(o, "results");

	for (const struct finding *f = list->first; o != NULL && f != NULL;
	     f = f->next)
		if (json_array_append_new(results, result_json(f)) == -1) {
			json_decref(o);
			return NULL;
		}
	if (o != NULL &&
	    !json_is_object(
		json_object_get(json_object_get(o, "tool"), "driver"))) {
		json_decref(o);
		return NULL;
	}
	return o;
}

int
report_sarif(FILE *to, const struct findings *list, bool colour)
{
	json_t *run = run_json(list), *root;

	(void)colour;
	if (run == NULL)
		return -1;
	root = json_pack("{s:s, s:s, s:[o]}", "$schema", SCHEMA, "version",
	    "2.1.0", "runs", run);
	if (root == NULL)
		return -1;
	json_dumpf(root, to, JSON_INDENT(2));
	fputc('\n', to);
	json_decref(root);
	return 0;
}
