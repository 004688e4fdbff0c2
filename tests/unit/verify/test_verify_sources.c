/* Unit tests of verify/engine/verify_sources: how answers of several sources
 * become one, with sources that say what the test wants. */
#include "unit/verify/engine.h"

#include "verify_sources.h"

struct said {
	struct verify_source source; /* first */
	char letter;
	unsigned asked;
};

/* What a source says, by its letter: a allows, d denies, u does not know, o
 * allows as it is unreachable; - says nothing, which is a bug. */
static void
say(struct verify_source *s, const struct verify_question *q,
    struct verify_answer *answer)
{
	struct said *said = (struct said *)s;

	(void)q;
	said->asked++;
	switch (said->letter) {
	case 'a':
	case 'o':
		verify_answer_set(answer, VERIFY_ALLOW, "%c", said->letter);
		answer->fail_open = said->letter == 'o';
		break;
	case 'd':
		verify_answer_set(answer, VERIFY_DENY, "d");
		break;
	case 'u':
		verify_answer_set(answer, VERIFY_UNKNOWN, "u");
		break;
	default:
		answer->verdict = VERIFY_ALLOW;
	}
}

static void
close_said(struct verify_source *s)
{
	free(s);
}

static struct verify_source *
open_said(const struct verify_source_config *config,
    const struct verify_source_context *context, struct fail *why)
{
	static const struct verify_source_ops ops = {
		.ask = say,
		.close = close_said,
	};
	struct said *said = calloc(1, sizeof *said);

	(void)context;
	(void)why;
	assert_non_null(said);
	said->source.ops = &ops;
	said->letter = config->argument[0];
	/* upper case in the configuration: one that blocks */
	said->source.blocks = said->letter >= 'A' && said->letter <= 'Z';
	if (said->source.blocks)
		said->letter = (char)(said->letter - 'A' + 'a');
	return &said->source;
}

static const struct verify_source_kind said_kind = { .name = "said",
	.open = open_said };

static const struct {
	const char *letters; /* of the sources, as configured */
	enum verify_policy policy;
	enum verify_verdict verdict;
	bool fail_open;
	const char *reason;
	unsigned asked;
} cases[] = {
	/* ALL: the first that does not allow decides */
	{ "a", VERIFY_POLICY_ALL, VERIFY_ALLOW, false, "a", 1 },
	{ "aaa", VERIFY_POLICY_ALL, VERIFY_ALLOW, false, "a; a; a", 3 },
	{ "ada", VERIFY_POLICY_ALL, VERIFY_DENY, false, "d", 2 },
	{ "ud", VERIFY_POLICY_ALL, VERIFY_UNKNOWN, false, "u", 1 },
	{ "ao", VERIFY_POLICY_ALL, VERIFY_ALLOW, true, "a; o", 2 },
	{ "oa", VERIFY_POLICY_ALL, VERIFY_ALLOW, true, "o; a", 2 },
	{ "od", VERIFY_POLICY_ALL, VERIFY_DENY, false, "d", 2 },
	{ "a-", VERIFY_POLICY_ALL, VERIFY_UNKNOWN, false,
	    "a verify source gave no answer", 2 },
	/* those that block go first, in their order */
	{ "dU", VERIFY_POLICY_ALL, VERIFY_UNKNOWN, false, "u", 1 },
	{ "aOA", VERIFY_POLICY_ALL, VERIFY_ALLOW, true, "o; a; a", 3 },
	/* ANY: the first that allows decides */
	{ "a", VERIFY_POLICY_ANY, VERIFY_ALLOW, false, "a", 1 },
	{ "dad", VERIFY_POLICY_ANY, VERIFY_ALLOW, false, "a", 2 },
	{ "ua", VERIFY_POLICY_ANY, VERIFY_ALLOW, false, "a", 2 },
	{ "oa", VERIFY_POLICY_ANY, VERIFY_ALLOW, false, "a", 2 },
	{ "dd", VERIFY_POLICY_ANY, VERIFY_DENY, false, "d; d", 2 },
	{ "dud", VERIFY_POLICY_ANY, VERIFY_UNKNOWN, false, "u", 3 },
	{ "dou", VERIFY_POLICY_ANY, VERIFY_ALLOW, true, "o", 3 },
	{ "d-", VERIFY_POLICY_ANY, VERIFY_UNKNOWN, false,
	    "a verify source gave no answer", 2 },
};

static void
sources_combine_by_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct verify_config config = { .policy = cases[i].policy };
		atomic_bool stop = false;
		const struct verify_question q = {
			.key = &(struct derp_key){ { 1 } },
			.now_ms = engine_now_ms,
			.stop = &stop
		};
		struct verify_answer answer = { 0 };
		struct verify_sources s;
		struct fail why = { 0 };
		unsigned asked = 0;

		for (const char *c = cases[i].letters; *c != '\0'; c++)
			config.sources[config.source_count++] =
			    (struct verify_source_config){ .kind = &said_kind,
				    .argument = c };
		check_int(verify_sources_open(
			      &s, &config, &config.context, NULL, &stop, &why),
		    0);
		verify_sources_ask(&s, VERIFY_BLOCKING, &q, &answer);
		verify_sources_ask(&s, VERIFY_MEMORY, &q, &answer);
		for (size_t n = 0; n < s.count; n++)
			asked += ((const struct said *)verify_member_source(
				      s.list[n]))
				     ->asked;
		if (answer.verdict != cases[i].verdict ||
		    answer.fail_open != cases[i].fail_open ||
		    strcmp(answer.reason, cases[i].reason) != 0 ||
		    asked != cases[i].asked)
			fail_msg("%s: %d %d \"%s\", %u asked", cases[i].letters,
			    answer.verdict, answer.fail_open, answer.reason,
			    asked);
		verify_sources_close(&s);
		verify_sources_close(&s);
	}
}

static void
write_list_of(const char *name, unsigned first, unsigned last)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", engine_dir(), name);
	f = fopen(path, "w");
	assert_non_null(f);
	for (unsigned n = first; n <= last; n++)
		fprintf(f, "%s\n", engine_key_text(n));
	fclose(f);
}

/* Two lists, one after the other in the configuration: none replaces the
 * other. */
static void
sources_of_one_kind_all_count(void **state)
{
	struct verify_config config = { 0 };
	struct verify_counters counters;
	char one[128], two[128];
	struct verify *v;

	(void)state;
	snprintf(one, sizeof one, "%s/one", engine_dir());
	snprintf(two, sizeof two, "%s/two", engine_dir());
	write_list_of("one", 1, 2);
	write_list_of("two", 2, 3);
	engine_add(&config, "nodes", one);
	engine_add(&config, "nodes", two);
	v = engine_new(&config);
	check_int(engine_check(v, 1).verdict, VERIFY_DENY);
	check_int(engine_check(v, 2).verdict, VERIFY_ALLOW);
	check_int(engine_check(v, 3).verdict, VERIFY_DENY);
	verify_get_counters(v, &counters);
	check_size(counters.nodes_listed, 4);
	verify_free(v);
	config.policy = VERIFY_POLICY_ANY;
	v = engine_new(&config);
	for (unsigned n = 1; n <= 3; n++)
		check_int(engine_check(v, n).verdict, VERIFY_ALLOW);
	check_int(engine_check(v, 4).verdict, VERIFY_DENY);
	verify_free(v);
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "one", "two", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_combine_by_policy),
		cmocka_unit_test(sources_of_one_kind_all_count),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
