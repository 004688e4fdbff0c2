/* cmd_lint: what is wrong with maps, and what follows from it. */
#include "commands.h"
#include "lint.h"
#include "report.h"
#include "rule_list.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FINDINGS_ARENA_MAX ((size_t)1 << 30)

static const struct command_help help = {
	.usage = "derpmap lint [--format text|json] [--as headscale|json] "
		 "FILE...",
	.text =
	    "Tells what is wrong with maps: what headscale or Go's JSON\n"
	    "decoder would refuse or drop without a word, and what makes\n"
	    "clients lose their relay. Each finding has its place and, where\n"
	    "there is one, its fix. FILE - is standard input.\n"
	    "A file named *.yaml or *.yml is read as headscale reads\n"
	    "derp.paths, one named *.json as a JSON map; otherwise its form\n"
	    "is recognised. --as says it for all files.\n"
	    "Exit status: 0 nothing worse than information, 1 warnings or\n"
	    "errors, 2 a file could not be read.\n",
	.examples = "  derpmap lint derp.yaml\n"
		    "  derpmap lint --format json *.yaml > findings.json\n"
		    "  tailscale debug derp-map | derpmap lint -\n"
		    "  derpmap lint --list          # all rules\n",
};

struct arguments {
	const char *format;
	const char *as;
	bool list;
};

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* How a file is read. A name says what it is for, which a look inside cannot:
 * JSON in a file for derp.paths is a mistake. */
static enum load_form
form_of(const char *file, const char *as)
{
	if (as != NULL)
		return strcmp(as, "json") == 0 ? LOAD_JSON : LOAD_HEADSCALE;
	if (ends_with(file, ".yaml") || ends_with(file, ".yml"))
		return LOAD_HEADSCALE;
	return ends_with(file, ".json") ? LOAD_JSON : LOAD_DETECT;
}

static int
print_rules(void)
{
	size_t count = rule_list_count();
	const struct rule **rules =
	    reallocarray(NULL, count, sizeof(const struct rule *));

	if (rules == NULL) {
		fputs("derpmap: not enough memory\n", stderr);
		return EXIT_UNUSABLE;
	}
	rule_list_sorted(rules);
	for (size_t i = 0; i < count; i++)
		printf("%s %-7s %s: %s\n    %s\n    source: %s\n", rules[i]->id,
		    finding_severity(rules[i]->severity), rules[i]->name,
		    rules[i]->title, rules[i]->help, rules[i]->source);
	free((void *)rules);
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_UNUSABLE;
}

/* Lints one file. -1: it could not be read, which is said. */
static int
lint_file(const char *file, enum load_form form, struct findings *list)
{
	struct fail why = { .text = "" };
	struct load l;

	if (load_open(&l, file, form, &why) == -1) {
		fprintf(stderr, "derpmap: %s\n", why.text);
		return -1;
	}
	lint_run(&l, list);
	load_close(&l);
	return 0;
}

static bool
wants_colour(void)
{
	const char *no = getenv("NO_COLOR"); /* https://no-color.org */
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') &&
	    (term == NULL || strcmp(term, "dumb") != 0);
}

static int
print_report(
    const struct report_format *format, const struct findings *list, int files)
{
	if (list->failed || format->write(stdout, list, wants_colour()) == -1) {
		fputs("derpmap: not enough memory for the findings\n", stderr);
		return -1;
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("derpmap: standard output");
		return -1;
	}
	fprintf(stderr, "%d %s: ", files, files == 1 ? "file" : "files");
	report_summary(stderr, list);
	fputc('\n', stderr);
	return 0;
}

static int
lint(const struct arguments *a, char **files, int count)
{
	struct arena *arena = arena_new(FINDINGS_ARENA_MAX);
	struct findings list;
	int status = EXIT_DONE, read = 0;

	if (arena == NULL) {
		fputs("derpmap: not enough memory\n", stderr);
		return EXIT_UNUSABLE;
	}
	findings_init(&list, arena);
	for (int i = 0; i < count; i++)
		if (lint_file(files[i], form_of(files[i], a->as), &list) == 0)
			read++;
	findings_sort(&list);
	if (print_report(report_format_find(a->format), &list, read) == -1 ||
	    read < count)
		status = EXIT_UNUSABLE;
	else if (findings_worst(&list) >= (int)SEVERITY_WARNING)
		status = EXIT_FINDINGS;
	arena_free(arena);
	return status;
}

int
cmd_lint(int argc, char **argv)
{
	struct arguments a = { .format = "text" };
	const struct opts_option table[] = {
		{ "format", OPTS_TEXT, &a.format, "name",
		    "text for people, json for programs" },
		{ "as", OPTS_TEXT, &a.as, "form",
		    "what the files are: headscale or json" },
		{ "list", OPTS_BOOL, &a.list, NULL,
		    "print all rules with what they are about" },
	};
	struct opts o = { .table = table,
		.count = sizeof table / sizeof table[0] };
	int status = command_parse(&o, &help, argc, argv);

	if (status != -1)
		return status;
	if (report_format_find(a.format) == NULL)
		return command_misuse(
		    &help, "--format is text or json, not %s", a.format);
	if (a.as != NULL && strcmp(a.as, "headscale") != 0 &&
	    strcmp(a.as, "json") != 0)
		return command_misuse(
		    &help, "--as is headscale or json, not %s", a.as);
	if (a.list)
		return print_rules();
	if (o.word_count == 0)
		return command_misuse(
		    &help, "give a FILE, or - for standard input");
	return lint(&a, o.words, o.word_count);
}
