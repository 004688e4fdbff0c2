/* explain: see explain.h. */
#include "explain.h"

#include "quote.h"
#include "rule_list.h"
#include "selection.h"

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

/* All rules in the order for people. Returns owned. */
static const struct rule **
sorted(struct fail *why)
{
	const struct rule **rules =
	    reallocarray(NULL, rule_list_count(), sizeof(const struct rule *));

	if (rules == NULL)
		fail_set(why, "not enough memory");
	else
		rule_list_sorted(rules);
	return rules;
}

int
explain_list(FILE *to, struct fail *why)
{
	const struct rule **rules = sorted(why);

	if (rules == NULL)
		return -1;
	for (size_t i = 0; i < rule_list_count(); i++)
		fprintf(to, "%s %-7s %s: %s\n    %s\n    source: %s\n",
		    rules[i]->id, finding_severity(rules[i]->severity),
		    rules[i]->name, rules[i]->title, rules[i]->help,
		    rules[i]->source);
	free((void *)rules);
	return 0;
}

/* What a rule is about, as names of forms. NULL: memory is short. */
static json_t *
forms_json(unsigned forms)
{
	static const struct {
		enum rule_form form;
		const char *name;
	} names[] = {
		{ RULE_YAML, "headscale" },
		{ RULE_JSON, "json" },
		{ RULE_CONFIG, "config" },
		{ RULE_DERPER, "derper" },
	};
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (array != NULL && (forms & names[i].form) != 0 &&
		    json_array_append_new(array, json_string(names[i].name)) ==
			-1) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *
rule_json(const struct rule *rule)
{
	char url[RULE_LIST_URL];

	return json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "id",
	    rule->id, "name", rule->name, "severity",
	    finding_severity(rule->severity), "forms", forms_json(rule->forms),
	    "title", rule->title, "help", rule->help, "source", rule->source,
	    "url", rule_list_url(url, rule));
}

int
explain_list_json(FILE *to, struct fail *why)
{
	const struct rule **rules = sorted(why);
	json_t *array = json_array(), *root = NULL;
	int result = rules != NULL && array != NULL ? 0 : -1;

	for (size_t i = 0; result == 0 && i < rule_list_count(); i++)
		result = json_array_append_new(array, rule_json(rules[i]));
	if (result == 0)
		root = json_pack("{s:O}", "rules", array);
	if (root != NULL) {
		json_dumpf(root, to, JSON_INDENT(2));
		fputc('\n', to);
	}
	json_decref(array);
	free((void *)rules);
	if (root == NULL)
		return fail_set(why, "not enough memory");
	json_decref(root);
	return 0;
}

static const char *
forms_of(unsigned forms)
{
	switch (forms) {
	case RULE_YAML:
		return "YAML for headscale";
	case RULE_JSON:
		return "JSON";
	case RULE_CONFIG:
		return "headscale's config.yaml";
	case RULE_DERPER:
		return "what starts a relay";
	default:
		return "YAML and JSON";
	}
}

/* The issues that a source names, as links: "headscale issue 1982, 201". */
static void
put_links(FILE *to, const char *source)
{
	static const struct {
		const char *name, *url;
	} projects[] = {
		{ "headscale", "https://github.com/juanfont/headscale/" },
		{ "tailscale", "https://github.com/tailscale/tailscale/" },
	};
	const char *url = NULL;

	for (const char *at = source; *at != '\0';) {
		size_t word = strcspn(at, " ,;"),
		       digits = strspn(at, "0123456789");

		for (size_t i = 0; i < sizeof projects / sizeof projects[0];
		     i++)
			if (word == strlen(projects[i].name) &&
			    strncmp(at, projects[i].name, word) == 0)
				url = projects[i].url;
		if (*at == ';')
			url = NULL;
		/* numbers of issues and of pull requests are one series */
		if (url != NULL && digits > 1 && digits == word)
			fprintf(
			    to, "- <%sissues/%.*s>\n", url, (int)digits, at);
		at += word;
		at += strspn(at, *at == ';' ? ";" : " ,");
	}
}

static void
put_rule(FILE *to, const struct rule *rule, const char *heading)
{
	fprintf(to, "%s %s %s\n\n%c%s (%s; %s).\n\n%s\n\nSource: %s\n\n",
	    heading, rule->id, rule->name,
	    rule->title[0] >= 'a' && rule->title[0] <= 'z'
		? rule->title[0] - 'a' + 'A'
		: rule->title[0],
	    rule->title + 1, finding_severity(rule->severity),
	    forms_of(rule->forms), rule->help, rule->source);
	put_links(to, rule->source);
}

int
explain_rules(FILE *to, struct slice pattern, struct fail *why)
{
	const struct rule **rules = sorted(why);
	const bool all = slice_is(pattern, "all");
	char quoted[QUOTE_TEXT];
	size_t count = 0;

	if (rules == NULL)
		return -1;
	if (all)
		fputs("# Rules of derpmap lint\n\n", to);
	for (size_t i = 0; i < rule_list_count(); i++) {
		if (!selection_fits(rules[i], pattern))
			continue;
		if (count++ > 0)
			fputc('\n', to);
		put_rule(to, rules[i], all ? "##" : "#");
	}
	free((void *)rules);
	if (count > 0)
		return 0;
	return fail_set(why, "no rule is called %s; see derpmap lint --list",
	    quote_text(quoted, pattern));
}
