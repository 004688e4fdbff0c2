/* opts: Go's flag syntax and messages. */
#include "check.h"

#include "opts.h"

#include <stdlib.h>

static bool verbose;
static const char *name;
static struct opts_list list;
static int64_t count;
static double rate;
static uint64_t wait_ms;

static const struct opts_option table[] = {
	{ "v", OPTS_BOOL, &verbose, NULL, "say more" },
	{ "name", OPTS_TEXT, &name, "NAME", "what to call it" },
	{ "with", OPTS_LIST, &list, "HOST", "one more" },
	{ "n", OPTS_INT, &count, "N", "how many" },
	{ "rate", OPTS_FLOAT, &rate, "R", "how fast" },
	{ "wait", OPTS_DURATION, &wait_ms, "TIME", "how long" },
};

static int
reset(void **state)
{
	(void)state;
	verbose = false;
	name = "default";
	list.n = 0;
	count = 5;
	rate = 1.5;
	wait_ms = 2000;
	return 0;
}

/* Parses up to 7 words behind the program's name. */
static enum opts_result
parse(struct opts *o, bool mixed, struct fail *why, const char *const *words)
{
	static char *argv[16];
	int argc = 1;

	argv[0] = (char *)(uintptr_t) "prog";
	for (; *words != NULL; words++)
		argv[argc++] = (char *)(uintptr_t)*words;
	*o = (struct opts){ .table = table,
		.count = sizeof table / sizeof table[0],
		.mixed = mixed };
	return opts_parse(o, argc, argv, why);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
opts_takes_values_as_go(void **state)
{
	struct fail why = { 0 };
	struct opts o;

	(void)state;
	check_int(
	    parse(&o, false, &why,
		WORDS("-v", "--name=a=b", "-with", "x", "--with", "-y", "-n",
		    "0x10", "-rate=Inf", "-wait=1m30s", "word", "-v=false")),
	    OPTS_OK);
	check(verbose);
	check_text(name, "a=b");
	check_size(list.n, 2);
	check_text(list.v[0], "x");
	check_text(list.v[1], "-y");
	check_int(count, 16);
	check(rate > 1e300);
	check_size(wait_ms, 90000);
	/* the first word ends the options */
	check_int(o.word_count, 2);
	check_text(o.words[0], "word");
	check_text(o.words[1], "-v=false");
}

static void
opts_booleans_take_no_next_word(void **state)
{
	struct fail why = { 0 };
	struct opts o;

	(void)state;
	check_int(parse(&o, false, &why, WORDS("-v", "false")), OPTS_OK);
	check(verbose);
	check_int(o.word_count, 1);
	check_int(parse(&o, false, &why, WORDS("-v", "-v=F")), OPTS_OK);
	check(!verbose);
}

static void
opts_mixed_finds_words_anywhere(void **state)
{
	struct fail why = { 0 };
	struct opts o;

	(void)state;
	check_int(
	    parse(&o, true, &why, WORDS("a", "-n", "7", "-", "b", "--", "-v")),
	    OPTS_OK);
	check_int(count, 7);
	check(!verbose);
	check_int(o.word_count, 4);
	check_text(o.words[0], "a");
	check_text(o.words[1], "-");
	check_text(o.words[2], "b");
	check_text(o.words[3], "-v");
}

static void
opts_says_what_go_says(void **state)
{
	static const struct {
		const char *words[3], *why;
	} cases[] = {
		{ { "-x" }, "flag provided but not defined: -x" },
		{ { "--x=1" }, "flag provided but not defined: -x" },
		{ { "-name" }, "flag needs an argument: -name" },
		{ { "---v" }, "bad flag syntax: ---v" },
		{ { "-=1" }, "bad flag syntax: -=1" },
		{ { "--=1" }, "bad flag syntax: --=1" },
		{ { "-v=maybe" },
		    "invalid boolean value \"maybe\" for -v: parse error" },
		{ { "-v=" }, "invalid boolean value \"\" for -v: parse error" },
		{ { "-n", "x" },
		    "invalid value \"x\" for flag -n: parse error" },
		{ { "-n=1.5" },
		    "invalid value \"1.5\" for flag -n: parse error" },
		{ { "-rate=fast" },
		    "invalid value \"fast\" for flag -rate: parse error" },
		{ { "-rate= 1" },
		    "invalid value \" 1\" for flag -rate: parse error" },
		{ { "-rate=" },
		    "invalid value \"\" for flag -rate: parse error" },
		{ { "-rate=1x" },
		    "invalid value \"1x\" for flag -rate: parse error" },
		{ { "-wait", "5" },
		    "invalid value \"5\" for flag -wait: parse error" },
		{ { "-nama=x" },
		    "flag provided but not defined: -nama (did you mean "
		    "-name?)" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fail why = { 0 };
		struct opts o;

		reset(state);
		check_int(parse(&o, false, &why, cases[i].words), OPTS_BAD);
		check_text(why.text, cases[i].why);
		check_int(count, 5);
	}
}

static void
opts_knows_help(void **state)
{
	struct fail why = { 0 };
	struct opts o;

	(void)state;
	check_int(parse(&o, false, &why, WORDS("-v", "-h")), OPTS_HELP);
	check_int(parse(&o, false, &why, WORDS("--help")), OPTS_HELP);
	check_text(why.text, "");
}

static void
opts_limits_lists(void **state)
{
	const struct opts o = { .table = table,
		.count = sizeof table / sizeof table[0] };
	struct fail why = { 0 };

	(void)state;
	for (size_t i = 0; i < OPTS_LIST_MAX; i++)
		check_int(opts_set(&o, "with", "x", &why), 0);
	check_int(opts_set(&o, "with", "x", &why), -1);
	check_size(list.n, OPTS_LIST_MAX);
}

static void
opts_set_is_for_defaults(void **state)
{
	const struct opts o = { .table = table,
		.count = sizeof table / sizeof table[0] };
	struct fail why = { 0 };

	(void)state;
	check_int(opts_set(&o, "n", "-3", &why), 0);
	check_int(count, -3);
	check_int(opts_set(&o, "m", "1", &why), -1);
	check_text(why.text, "flag provided but not defined: -m");
}

static void
opts_prints_names_and_defaults(void **state)
{
	static const char *const variables[] = { NULL, "MY_NAME", NULL, NULL,
		NULL, NULL, NULL, NULL, NULL };
	const struct opts o = { .table = table,
		.count = sizeof table / sizeof table[0],
		.variables = variables };
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	(void)state;
	check(to != NULL);
	opts_print(&o, to);
	fclose(to);
	check_contains(text, "  -v\n    \tsay more\n");
	check_contains(text,
	    "  -name NAME\n    \twhat to call it (default \"default\") "
	    "[MY_NAME]\n");
	check_contains(text, "how many (default 5)\n");
	check_contains(text, "how fast (default 1.5)\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opts_takes_values_as_go, reset),
		cmocka_unit_test_setup(opts_booleans_take_no_next_word, reset),
		cmocka_unit_test_setup(opts_mixed_finds_words_anywhere, reset),
		cmocka_unit_test_setup(opts_says_what_go_says, reset),
		cmocka_unit_test_setup(opts_knows_help, reset),
		cmocka_unit_test_setup(opts_limits_lists, reset),
		cmocka_unit_test_setup(opts_set_is_for_defaults, reset),
		cmocka_unit_test_setup(opts_prints_names_and_defaults, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
