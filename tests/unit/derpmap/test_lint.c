/* Tests of the runner: what every rule is promised. */
#include "check.h"

#include "fake_alloc.h"
#include "lint.h"
#include "rule_list.h"
#include "rule_set.h"

#include <string.h>

/* Odd in many ways, so that many rules work at once; an alias leads twice to
 * what is strange. */
static const char odd[] = "regions:\n"
			  "  900: &r\n"
			  "    regionid: 900\n"
			  "    regioncode: no\n"
			  "    strange: 1\n"
			  "    nodes:\n"
			  "      - name: a\n"
			  "        hostname: https://x\n"
			  "        ipv4: 192.0.2.1\n"
			  "        derpport: 0443\n"
			  "      - name: a\n"
			  "        hostname: https://x\n"
			  "        ipv4: 192.0.2.1\n"
			  "  901: *r\n"
			  "  902: null\n"
			  "homeparams: {regionscore: {5: 0}}\n";

struct linted {
	struct load load;
	struct arena *arena;
	struct findings list;
};

static int
lint_text(struct linted *x, const char *text, enum load_form form)
{
	struct fail why = { .text = "" };

	x->arena = arena_new((size_t)16 << 20);
	if (x->arena == NULL)
		return -1;
	if (load_text(&x->load, "f", slice_str(text), form, &why) == -1) {
		arena_free(x->arena);
		return -1;
	}
	findings_init(&x->list, x->arena);
	lint_run(&x->load, &x->list);
	return 0;
}

static void
drop(struct linted *x)
{
	load_close(&x->load);
	arena_free(x->arena);
}

static size_t
count_of(const struct linted *x, const char *rule)
{
	size_t count = 0;

	for (const struct finding *f = x->list.first; f != NULL; f = f->next)
		count += strcmp(f->rule, rule) == 0;
	return count;
}

static bool
judges_something(const struct rule_checks *c)
{
	return c->file != NULL || c->diagnostic != NULL || c->map != NULL ||
	    c->region != NULL || c->node != NULL || c->field != NULL ||
	    c->address != NULL || c->config != NULL || c->call != NULL;
}

static void
lint_has_a_full_row_for_each_rule(void **state)
{
	size_t count = rule_list_count();

	(void)state;
	check(count > 90 && count <= RULE_SET_MAX);
	for (size_t i = 0; i < count; i++) {
		const struct rule *rule = rule_list_at(i);

		check_size(strlen(rule->id), 3);
		check(rule->name[0] != '\0' && rule->title[0] != '\0');
		check(rule->help[0] != '\0' && rule->source[0] != '\0');
		/* what S is about is found when all others have run */
		check(judges_something(&rule->checks) || rule->id[0] == 'S');
		check((rule->forms & (RULE_ANY | RULE_CONFIG | RULE_DERPER)) !=
		    0);
		/* the first of this id: ids are unique */
		check_ptr(rule_list_find(rule->id), rule);
		for (size_t j = 0; j < i; j++)
			check(strcmp(rule_list_at(j)->name, rule->name) != 0);
	}
	check_null(rule_list_find("Z99"));
}

static size_t
index_of(const char *id)
{
	size_t i = 0;

	while (strcmp(rule_list_at(i)->id, id) != 0)
		i++;
	return i;
}

static void
lint_adds_in_the_order_of_the_rules(void **state)
{
	struct linted x;
	size_t last = 0;

	(void)state;
	check_int(lint_text(&x, odd, LOAD_HEADSCALE), 0);
	check(x.list.count > 15);
	for (const struct finding *f = x.list.first; f != NULL; f = f->next) {
		check(index_of(f->rule) >= last);
		last = index_of(f->rule);
		check_text(f->file, "f");
		check(f->at.line >= 1 && f->at.column >= 1);
	}
	drop(&x);
}

static void
lint_reports_each_once_through_an_alias(void **state)
{
	struct linted x;
	size_t n = 0;

	(void)state;
	check_int(lint_text(&x, odd, LOAD_HEADSCALE), 0);
	check_size(count_of(&x, "P02"), 1);
	for (const struct finding *f = x.list.first; f != NULL; f = f->next)
		n++;
	check_size(x.list.count, n);
	drop(&x);
}

static void
lint_runs_only_rules_of_the_form(void **state)
{
	struct linted x;

	(void)state;
	check_int(lint_text(&x, "{\"Regions\": {\"1\": null}}", LOAD_JSON), 0);
	for (const struct finding *f = x.list.first; f != NULL; f = f->next)
		check((rule_list_find(f->rule)->forms & RULE_JSON) != 0);
	check_size(count_of(&x, "P22"), 1);
	drop(&x);
}

static void
lint_does_not_judge_what_was_not_decoded(void **state)
{
	struct linted x;

	(void)state;
	/* a mapping with a key twice is not looked into; a tag that does
	 * not fit ends everything */
	check_int(lint_text(&x,
		      "regions:\n  900:\n    regionid: 900\n    nodes:\n"
		      "      - {name: a, name: b}\n",
		      LOAD_HEADSCALE),
	    0);
	check_size(count_of(&x, "P11"), 1);
	check_size(count_of(&x, "N01"), 0);
	check_size(count_of(&x, "N06"), 0);
	drop(&x);
	check_int(lint_text(&x, "regions:\n  900:\n    regioncode: !!int x\n",
		      LOAD_HEADSCALE),
	    0);
	check_size(count_of(&x, "P28"), 1);
	check_size(count_of(&x, "R02"), 0);
	drop(&x);
}

static void
lint_survives_each_allocation_that_fails(void **state)
{
	struct linted x;
	size_t whole;

	(void)state;
	check_int(lint_text(&x, odd, LOAD_HEADSCALE), 0);
	check(!x.list.failed);
	whole = x.list.count;
	drop(&x);
	for (size_t n = 1;; n++) {
		int result;

		fake_alloc_fail_at(n);
		result = lint_text(&x, odd, LOAD_HEADSCALE);
		if (!fake_alloc_failed()) {
			check_int(result, 0);
			check_size(x.list.count, whole);
			drop(&x);
			break;
		}
		if (result == 0) {
			check(x.list.failed);
			drop(&x);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lint_has_a_full_row_for_each_rule),
		cmocka_unit_test(lint_adds_in_the_order_of_the_rules),
		cmocka_unit_test(lint_reports_each_once_through_an_alias),
		cmocka_unit_test(lint_runs_only_rules_of_the_form),
		cmocka_unit_test(lint_does_not_judge_what_was_not_decoded),
		cmocka_unit_test(lint_survives_each_allocation_that_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
