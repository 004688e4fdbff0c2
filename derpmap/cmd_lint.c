/* cmd_lint: what is wrong with maps, and what follows from it. */
#include "colour.h"
#include "commands.h"
#include "effective.h"
#include "lint.h"
#include "report.h"
#include "rule_list.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FINDINGS_ARENA_MAX ((size_t)1 << 30)

struct arguments {
	struct opts_choice format, as, colour;
	struct opts_choice level;      /* SEVERITY_COUNT: by the format */
	const char *config, *env_file; /* of headscale */
	struct opts_choice version;
	bool list, verbose;
	int64_t max_size; /* MiB */
};

static bool
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* How a file is read. Its name tells the purpose, which the content cannot:
 * JSON in a file for derp.paths is a mistake. */
static enum load_form
form_of(const char *file, enum load_form as)
{
	if (as != LOAD_DETECT)
		return as;
	if (ends_with(file, ".yaml") || ends_with(file, ".yml"))
		return LOAD_HEADSCALE;
	return ends_with(file, ".json") ? LOAD_JSON : LOAD_DETECT;
}

static int
print_rules(const struct command_call *call)
{
	size_t count = rule_list_count();
	const struct rule **rules =
	    reallocarray(NULL, count, sizeof(const struct rule *));

	if (rules == NULL)
		return command_fail(call, "not enough memory");
	rule_list_sorted(rules);
	for (size_t i = 0; i < count; i++)
		printf("%s %-7s %s: %s\n    %s\n    source: %s\n", rules[i]->id,
		    finding_severity(rules[i]->severity), rules[i]->name,
		    rules[i]->title, rules[i]->help, rules[i]->source);
	free((void *)rules);
	return command_flush(call);
}

/* Lints one file. -1: it could not be read, which is reported. */
static int
read_and_lint(
    const struct command_call *call, const char *file, struct lint *lint)
{
	const struct arguments *a = call->values;
	const struct load_how how = {
		.form = form_of(file, (enum load_form)a->as.n),
		.as_meant = true,
		.text_max = (size_t)a->max_size << 20,
	};
	struct fail why = { .text = "" };
	struct load l;

	if (load_open_as(&l, file, &how, &why) == -1) {
		command_fail(call, "%s", why.text);
		return -1;
	}
	lint_file(lint, &l);
	load_close(&l);
	return 0;
}

/* Lints headscale's configuration. -1: it could not be read, which is
 * reported. */
static int
lint_headscale(const struct command_call *call, struct findings *list)
{
	const struct arguments *a = call->values;
	struct fail why = { .text = "" };
	struct headscale_config config;
	struct effective e;
	int result;

	if (headscale_config_open(&config, a->config, a->env_file,
		headscale_version_at(a->version.n), &why) == -1) {
		command_fail(call, "%s", why.text);
		return -1;
	}
	result = effective_make(&e, &config, NULL, &why);
	if (result == 0) {
		lint_config(&e, list);
		effective_clear(&e);
	} else {
		command_fail(call, "%s", why.text);
	}
	headscale_config_close(&config);
	return result;
}

/* How many files there are to lint. */
static int
file_count(const struct command_call *call)
{
	const struct arguments *a = call->values;

	return call->word_count + (a->config != NULL);
}

/* The least severity that is shown. Programs get everything unless they ask
 * for less; for people, what is fine would hide what is not. */
static enum severity
level_of(const struct arguments *a)
{
	if (a->verbose)
		return SEVERITY_INFO;
	if (a->level.n < SEVERITY_COUNT)
		return (enum severity)a->level.n;
	return report_format(a->format.n)->for_people ? SEVERITY_WARNING
						      : SEVERITY_INFO;
}

/* One line on standard error; nothing when no file was read. */
static void
print_summary(const struct findings *list, int files, int unread)
{
	if (files == 0)
		return;
	fprintf(stderr, "%d %s: ", files, files == 1 ? "file" : "files");
	report_summary(stderr, list);
	if (unread > 0)
		fprintf(stderr, "; %d could not be read", unread);
	fputc('\n', stderr);
}

static int
print_report(
    const struct command_call *call, const struct findings *list, int files)
{
	const struct arguments *a = call->values;
	const bool colour =
	    colour_wanted((enum colour_when)a->colour.n, STDOUT_FILENO);

	if (list->failed ||
	    report_format(a->format.n)->write(stdout, list, colour) == -1)
		return command_fail(call, "not enough memory for the findings");
	if (command_flush(call) != COMMAND_DONE)
		return COMMAND_UNUSABLE;
	print_summary(list, files, file_count(call) - files);
	return COMMAND_DONE;
}

static int
lint(const struct command_call *call)
{
	const struct arguments *a = call->values;
	const int count = call->word_count;
	struct arena *arena = arena_new(FINDINGS_ARENA_MAX);
	struct findings list;
	int status, worst, read = 0;
	struct lint rules;

	if (arena == NULL)
		return command_fail(call, "not enough memory");
	findings_init(&list, arena);
	lint_begin(&rules, &list);
	for (int i = 0; i < count; i++)
		if (read_and_lint(call, call->words[i], &rules) == 0)
			read++;
	lint_end(&rules);
	if (a->config != NULL && lint_headscale(call, &list) == 0)
		read++;
	findings_sort(&list);
	worst = findings_worst(&list);
	findings_hide(&list, level_of(a));
	status = print_report(call, &list, read);
	if (read < file_count(call))
		status = COMMAND_UNUSABLE;
	else if (status == COMMAND_DONE && worst >= (int)SEVERITY_WARNING)
		status = COMMAND_FINDINGS;
	arena_free(arena);
	return status;
}

/* Standard input can be read once only. */
static bool
has_stdin_twice(const struct command_call *call)
{
	int count = 0;

	for (int i = 0; i < call->word_count; i++)
		count += strcmp(call->words[i], "-") == 0;
	return count > 1;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;

	if (a->list && a->format.n != 0)
		return command_misuse(call, "--list prints text only");
	if (a->list)
		return print_rules(call);
	if (file_count(call) == 0)
		return command_misuse(
		    call, "give a FILE, or - for standard input");
	if (!load_max_is_valid(a->max_size))
		return command_misuse(
		    call, "--max-size is 1 to %zu", DOC_TEXT_MAX >> 20);
	if (has_stdin_twice(call))
		return command_misuse(
		    call, "standard input (-) is named twice");
	return lint(call);
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "format", OPTS_CHOICE, AT(format), "name", "form of the report" },
	{ "as", OPTS_CHOICE, AT(as), "form", "what the files are" },
	{ "level", OPTS_CHOICE, AT(level), "severity",
	    "show findings from this severity on; otherwise warnings and "
	    "errors in text, all in other formats" },
	{ "v", OPTS_BOOL, AT(verbose), NULL, "show information too" },
	{ "headscale-config", OPTS_TEXT, AT(config), "file",
	    "headscale's config.yaml to lint, with its environment" },
	{ "headscale-version", OPTS_CHOICE, AT(version), "version",
	    "whose rules apply to it" },
	{ "env-file", OPTS_TEXT, AT(env_file), "file",
	    "headscale's environment, instead of the own one" },
	{ "max-size", OPTS_INT, AT(max_size), "MiB",
	    "reject larger files; at most 128" },
	{ "list", OPTS_BOOL, AT(list), NULL,
	    "print all rules with what they are about" },
	{ "color", OPTS_CHOICE, AT(colour), "when", "colour the severity" },
};

static const struct arguments defaults = {
	.format = { .name = report_format_name },
	.as = { .name = load_form_name, .n = LOAD_DETECT },
	.colour = { .name = colour_name },
	.version = { .name = headscale_version_name, .n = HEADSCALE_0_29 },
	.max_size = LOAD_TEXT_MAX >> 20,
	.level = { .name = finding_severity_name, .n = SEVERITY_COUNT },
};

const struct command cmd_lint = {
	.name = "lint",
	.summary = "what is wrong with a map, and what it does",
	.arguments = "[options] FILE...",
	.text =
	    "Tells what is wrong with maps: what headscale or Go's JSON\n"
	    "decoder rejects or ignores silently, and what makes clients\n"
	    "lose their relay. Each finding has its place and, where there\n"
	    "is one, its fix. FILE - is standard input.\n"
	    "A file named *.yaml or *.yml is read as headscale reads\n"
	    "derp.paths, one named *.json as a JSON map; otherwise its form\n"
	    "is detected. --as sets it for all files.\n"
	    "--headscale-config lints headscale's own configuration: its\n"
	    "derp section, HEADSCALE_* variables, and what the files that\n"
	    "derp.paths names come to together. URLs are not fetched.\n",
	.notes = "Exit status: 0 nothing worse than information, 1 warnings "
		 "or\nerrors, 2 a file could not be read.\n",
	.examples = "  derpmap lint derp.yaml\n"
		    "  derpmap lint --format json *.yaml > findings.json\n"
		    "  tailscale debug derp-map | derpmap lint -\n"
		    "  derpmap lint --headscale-config "
		    "/etc/headscale/config.yaml\n"
		    "  derpmap lint --list          # all rules\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
