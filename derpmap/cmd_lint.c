/* cmd_lint: what is wrong with maps, and what follows from it. */
#include "colour.h"
#include "commands.h"
#include "compose_ports.h"
#include "effective.h"
#include "explain.h"
#include "fixer.h"
#include "headscale_version.h"
#include "infile.h"
#include "input_list.h"
#include "lint_files.h"
#include "outfile.h"
#include "relay_sight.h"
#include "report.h"
#include "unified_diff.h"
#include "url_source.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXED_MAX ((size_t)256 << 20) /* bytes of a fixed file */

struct arguments {
	struct opts_choice format, as, colour;
	struct opts_choice level; /* SEVERITY_COUNT: by the format */
	struct opts_choice headscale;
	struct opts_list select, ignore, severity;
	struct opts_list resolve, connect_to;
	const char *explain, *min_client, *settings;
	const char *config, *env_file; /* of headscale */
	const char *compose, *derper;
	bool list, verbose, strict, no_settings, fix, dry_run, online;
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

/* Sets what the options set. */
static int
apply_options(const void *options, struct lint_settings *s, struct fail *why)
{
	const struct arguments *a = options;

	if (a->select.n > 0)
		selection_none(&s->selection);
	for (size_t i = 0; i < a->select.n; i++)
		if (selection_set(&s->selection, slice_str(a->select.v[i]),
			true, why) == -1)
			return -1;
	for (size_t i = 0; i < a->ignore.n; i++)
		if (selection_set(&s->selection, slice_str(a->ignore.v[i]),
			false, why) == -1)
			return -1;
	for (size_t i = 0; i < a->severity.n; i++)
		if (selection_set_override(
			&s->selection, slice_str(a->severity.v[i]), why) == -1)
			return -1;
	s->strict |= a->strict;
	if (a->min_client != NULL &&
	    target_parse_client(
		&s->target.client_min, slice_str(a->min_client), why) == -1)
		return -1;
	if (headscale_version_at(a->headscale.n) != NULL)
		s->target.headscale = headscale_version_at(a->headscale.n);
	return 0;
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
print_report(const struct command_call *call, const struct findings *list,
    int files, int unread)
{
	const struct arguments *a = call->values;
	const bool colour =
	    colour_wanted((enum colour_when)a->colour.n, STDOUT_FILENO);

	if (list->failed ||
	    report_format(a->format.n)->write(stdout, list, colour) == -1)
		return command_fail(call, "not enough memory for the findings");
	if (command_flush(call) != COMMAND_DONE)
		return COMMAND_UNUSABLE;
	print_summary(list, files, unread);
	return COMMAND_DONE;
}

/* Reports what was found; the exit status. */
static int
report(const struct command_call *call, struct lint_files *files, int unread)
{
	const struct arguments *a = call->values;
	const enum severity otherwise = report_format(a->format.n)->for_people
	    ? SEVERITY_WARNING
	    : SEVERITY_INFO;
	int status, worst;

	lint_files_finish(files);
	worst = lint_files_worst(files);
	lint_files_hide(
	    files, a->verbose ? SEVERITY_INFO : a->level.n, otherwise);
	status = print_report(call, &files->list, (int)files->count, unread);
	if (unread > 0)
		return COMMAND_UNUSABLE;
	return status == COMMAND_DONE && worst >= (int)SEVERITY_WARNING
	    ? COMMAND_FINDINGS
	    : status;
}

/* What was fixed of a file, and what is left of it, on one line. */
static void
print_fixed(const char *file, bool dry_run, const struct fixer_result *fixed)
{
	const char *separator = ": ";

	fprintf(stderr, "%s: %zu %s%s", infile_name(file), fixed->count,
	    fixed->count == 1 ? "finding" : "findings",
	    dry_run ? " can be fixed" : " fixed");
	for (size_t i = 0; i < fixed->rule_count; i++) {
		fprintf(stderr, "%s%s", separator, fixed->rules[i].id);
		if (fixed->rules[i].count > 1)
			fprintf(stderr, " (%zu)", fixed->rules[i].count);
		separator = ", ";
	}
	separator = "; left: ";
	for (size_t s = SEVERITY_COUNT; s-- > 0;)
		if (fixed->left[s] > 0) {
			fprintf(stderr, "%s%zu %s%s", separator, fixed->left[s],
			    finding_severity_name(s),
			    fixed->left[s] == 1 ? "" : "s");
			separator = ", ";
		}
	fputs(strcmp(separator, "; left: ") == 0 ? "; nothing is left\n" : "\n",
	    stderr);
}

/* Whether --fix can replace the file: a FIFO or a device has no text that could
 * be put back, and waits. -1 with *why. */
static int
check_fixable(const char *file, struct fail *why)
{
	struct stat st;

	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
		return fail_set(why,
		    "%s: not a regular file, which is all that --fix corrects; "
		    "--fix --dry-run prints what it would change",
		    file);
	return 0; /* reading it tells why it cannot be read */
}

/* Fixes one file, or prints how. -1 with *why. */
static int
fix_file(const struct command_call *call, struct lint_files *files,
    const char *file, const struct load_how *how, int *changed,
    struct fail *why)
{
	const struct arguments *a = call->values;
	struct buf text, out;
	struct fixer_result fixed = { .count = 0 };
	bool is_changed;
	int result;

	if (!a->dry_run && check_fixable(file, why) == -1)
		return -1;
	buf_init(&out, FIXED_MAX);
	result = infile_read(&text, file, how->text_max, why);
	if (result == 0)
		result = lint_files_fix(
		    files, file, how, buf_slice(&text), &out, &fixed, why);
	is_changed =
	    result == 0 && !slice_eq(buf_slice(&text), buf_slice(&out));
	if (is_changed) {
		++*changed;
		if (a->dry_run)
			result = unified_diff_print(stdout, infile_name(file),
			    buf_slice(&text), buf_slice(&out));
		else
			result = outfile_write(file, buf_slice(&out), why);
	}
	if (result == 0 && is_changed)
		print_fixed(file, a->dry_run, &fixed);
	buf_clear(&text);
	buf_clear(&out);
	return result;
}

/* Lints headscale's configuration. -1: it could not be read, which is
 * reported. */
static int
lint_headscale(const struct command_call *call, struct lint_files *files)
{
	const struct arguments *a = call->values;
	const struct headscale_version *version =
	    headscale_version_at(a->headscale.n);
	struct fail why = { .text = "" };
	struct headscale_config config;
	struct headscale_source_urls urls;
	struct compose_ports compose;
	struct url_source source;
	struct effective e;
	int result;

	if (version == NULL)
		version = headscale_version_at(HEADSCALE_0_29);
	if (headscale_config_open(
		&config, a->config, a->env_file, version, &why) == -1) {
		command_fail(call, "%s", why.text);
		return -1;
	}
	result = a->compose == NULL
	    ? 0
	    : compose_ports_read(&compose, files->arena, a->compose, &why);
	if (result == 0)
		result = url_source_open(&source, NULL, a->online, &why);
	if (result == 0) {
		urls = url_source_urls(&source);
		result = effective_make(&e, &config, &urls, &why);
		url_source_close(&source);
	}
	if (result == 0) {
		result = lint_files_add_config(
		    files, &e, a->compose != NULL ? &compose : NULL, &why);
		effective_clear(&e);
	}
	if (result == -1)
		command_fail(call, "%s", why.text);
	headscale_config_close(&config);
	return result;
}

/* Lints what starts a relay. -1: it could not be read, which is reported. */
static int
lint_derper_start(const struct command_call *call, struct lint_files *files)
{
	const struct arguments *a = call->values;
	struct fail why = { .text = "" };
	int result = lint_files_add_derper(files, a->derper, &why);

	if (result == -1)
		command_fail(call, "%s", why.text);
	return result;
}

/* Fixes and lints the files; how many of them could not be read. */
static int
lint_inputs(const struct command_call *call, struct lint_files *files,
    const struct input_list *inputs, int *changed)
{
	const struct arguments *a = call->values;
	int unread = 0;

	for (size_t i = 0; i < inputs->n; i++) {
		const char *file = inputs->v[i];
		const struct load_how how = {
			.form = form_of(file, (enum load_form)a->as.n),
			.as_meant = true,
			.text_max = (size_t)a->max_size << 20,
		};
		struct fail why = { .text = "" };

		if ((a->fix &&
			fix_file(call, files, file, &how, changed, &why) ==
			    -1) ||
		    (!a->dry_run &&
			lint_files_add(files, file, &how, &why) == -1)) {
			command_fail(call, "%s", why.text);
			unread++;
		}
	}
	return unread;
}

static struct host_names
host_names_of(const struct arguments *a)
{
	return (struct host_names){
		.resolve = a->resolve.v,
		.resolve_count = a->resolve.n,
		.connect_to = a->connect_to.v,
		.connect_to_count = a->connect_to.n,
	};
}

static int
lint(const struct command_call *call, const struct input_list *inputs)
{
	const struct arguments *a = call->values;
	const struct host_names names = host_names_of(a);
	const struct lint_files_config config = {
		.file_count = inputs->n,
		.settings_file = a->settings,
		.search = !a->no_settings,
		.apply = apply_options,
		.options = a,
		.online = a->online ? &names : NULL,
	};
	struct lint_settings probe;
	struct lint_files files;
	struct fail why = { .text = "" };
	int status, unread, changed = 0;

	if (lint_files_open(&files, &config) == -1)
		return command_fail(call, "not enough memory");
	/* wrong options are not the fault of each file */
	if (lint_settings_init(&probe, files.arena) == -1 ||
	    apply_options(a, &probe, &why) == -1) {
		lint_files_close(&files);
		return command_misuse(call, "%s", why.text);
	}
	unread = lint_inputs(call, &files, inputs, &changed);
	if (a->dry_run) {
		lint_files_close(&files);
		status = command_flush(call);
		if (status != COMMAND_DONE || unread > 0)
			return COMMAND_UNUSABLE;
		return changed > 0 ? COMMAND_FINDINGS : COMMAND_DONE;
	}
	if (a->config != NULL && lint_headscale(call, &files) == -1)
		unread++;
	if (a->derper != NULL && lint_derper_start(call, &files) == -1)
		unread++;
	status = report(call, &files, unread);
	if (files.untried > 0)
		fprintf(stderr,
		    "%zu %s not looked at: there are too many for "
		    "%d seconds\n",
		    files.untried,
		    files.untried == 1 ? "relay was" : "relays were",
		    RELAY_SIGHTS_ALL_MS / 1000);
	lint_files_close(&files);
	return status;
}

/* Standard input can be read once only. */
static bool
has_stdin(const struct command_call *call, int times)
{
	int count = 0;

	for (int i = 0; i < call->word_count; i++)
		count += strcmp(call->words[i], "-") == 0;
	return count >= times;
}

/* Whether an option names something to lint. */
static bool
has_other_input(const struct arguments *a)
{
	return a->config != NULL || a->derper != NULL;
}

/* Lints what the words name. */
static int
lint_words(const struct command_call *call)
{
	struct fail why = { .text = "" };
	struct input_list inputs;
	int status = COMMAND_DONE;

	input_list_init(&inputs);
	for (int i = 0; i < call->word_count; i++) {
		why = (struct fail){ .text = "" };
		if (input_list_add(&inputs, call->words[i], &why) == -1)
			status = command_fail(call, "%s", why.text);
	}
	if (inputs.n > 0 || has_other_input(call->values)) {
		int linted = lint(call, &inputs);

		status = status == COMMAND_DONE ? linted : status;
	}
	input_list_clear(&inputs);
	return status;
}

static int
explain(const struct command_call *call)
{
	const struct arguments *a = call->values;
	const bool json = strcmp(report_format_name(a->format.n), "json") == 0;
	struct fail why = { .text = "" };
	int result;

	if (a->format.n != 0 && !(json && a->list))
		return command_misuse(call,
		    a->list ? "--list prints text or json"
			    : "--explain prints text only");
	if (a->list)
		result =
		    (json ? explain_list_json : explain_list)(stdout, &why);
	else
		result = explain_rules(stdout, slice_str(a->explain), &why);
	return result == 0 ? command_flush(call)
			   : command_fail(call, "%s", why.text);
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct fail why = { .text = "" };
	struct host_names names;

	if (a->list || a->explain != NULL)
		return explain(call);
	if (a->config == NULL && (a->compose != NULL || a->env_file != NULL))
		return command_misuse(call,
		    "--compose and --env-file go with --headscale-config");
	if (call->word_count == 0 && !has_other_input(a))
		return command_misuse(
		    call, "give a FILE, or - for standard input");
	if (!load_max_is_valid(a->max_size))
		return command_misuse(
		    call, "--max-size is 1 to %zu", DOC_TEXT_MAX >> 20);
	if (a->dry_run && !a->fix)
		return command_misuse(call, "--dry-run goes with --fix");
	if (a->fix && !a->dry_run && has_stdin(call, 1))
		return command_misuse(call,
		    "--fix changes files; standard input can be fixed with "
		    "--dry-run only");
	if (!a->online && a->resolve.n + a->connect_to.n > 0)
		return command_misuse(
		    call, "--resolve and --connect-to go with --online");
	names = host_names_of(a);
	if (host_names_check(&names, &why) == -1)
		return command_misuse(call, "%s", why.text);
	if (has_stdin(call, 2))
		return command_misuse(
		    call, "standard input (-) is named twice");
	return lint_words(call);
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "format", OPTS_CHOICE, AT(format), "name", "form of the report" },
	{ "as", OPTS_CHOICE, AT(as), "form", "what the files are" },
	{ "level", OPTS_CHOICE, AT(level), "severity",
	    "show findings from this severity on; otherwise warnings and "
	    "errors in text and github, all in other formats" },
	{ "v", OPTS_BOOL, AT(verbose), NULL, "show information too" },
	{ "select", OPTS_LIST, AT(select), "rules",
	    "run these rules only: ids, beginnings of ids or names, with "
	    "commas" },
	{ "ignore", OPTS_LIST, AT(ignore), "rules", "leave these rules out" },
	{ "severity", OPTS_LIST, AT(severity), "rule=severity",
	    "another severity for a rule: info, warning, error or off" },
	{ "strict", OPTS_BOOL, AT(strict), NULL,
	    "show information too, and let it give exit status 1" },
	{ "min-client", OPTS_TEXT, AT(min_client), "version",
	    "the oldest client that uses the map, such as 1.82" },
	{ "headscale-version", OPTS_CHOICE, AT(headscale), "version",
	    "the headscale that hands the map out; its configuration is "
	    "judged for 0.29 without it" },
	{ "headscale-config", OPTS_TEXT, AT(config), "file",
	    "headscale's config.yaml to lint, with its environment" },
	{ "env-file", OPTS_TEXT, AT(env_file), "file",
	    "headscale's environment, instead of the own one" },
	{ "compose", OPTS_TEXT, AT(compose), "file",
	    "with -headscale-config: the Compose file that runs headscale" },
	{ "derper", OPTS_TEXT, AT(derper), "file",
	    "what starts a relay, to lint: a script, or a systemd unit or "
	    "Compose file with its files of variables" },
	{ "online", OPTS_BOOL, AT(online), NULL,
	    "look at the relays, too: DNS, certificates, port 80" },
	{ "resolve", OPTS_LIST, AT(resolve), "name:address[,address]",
	    "with -online: the addresses of a name, instead of DNS" },
	{ "connect-to", OPTS_LIST, AT(connect_to), "address:port:host:port",
	    "with -online: connect there instead" },
	{ "max-size", OPTS_DECIMAL, AT(max_size), "MiB",
	    "reject larger files; at most 128" },
	{ "config", OPTS_TEXT, AT(settings), "file",
	    "settings; without it the nearest .derpmap.yaml in the folder of "
	    "each file or above" },
	{ "no-config", OPTS_BOOL, AT(no_settings), NULL,
	    "do not look for .derpmap.yaml" },
	{ "fix", OPTS_BOOL, AT(fix), NULL,
	    "correct in the files what can be corrected, and report the rest" },
	{ "dry-run", OPTS_BOOL, AT(dry_run), NULL,
	    "with -fix: print what it would change as a diff" },
	{ "explain", OPTS_TEXT, AT(explain), "rule",
	    "tell all that is known of a rule, or of all" },
	{ "list", OPTS_BOOL, AT(list), NULL,
	    "print all rules with what they are about, with --format json "
	    "for programs" },
	{ "color", OPTS_CHOICE, AT(colour), "when", "colour the severity" },
};

static const struct arguments defaults = {
	.format = { .name = report_format_name },
	.as = { .name = load_form_name, .n = LOAD_DETECT },
	.colour = { .name = colour_name },
	.headscale = { .name = headscale_version_name,
	    .find = headscale_version_find,
	    .n = SIZE_MAX },
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
	    "is one, its fix. FILE - is standard input, a folder stands for\n"
	    "all *.yaml, *.yml, *.json and *.hujson below it.\n"
	    "A file named *.yaml or *.yml is read as headscale reads\n"
	    "derp.paths, one named *.json as a JSON map; otherwise its form\n"
	    "is detected. --as sets it for all files. A policy file, a "
	    "ConfigMap\n"
	    "or Helm values are recognised: the map in them is judged in "
	    "place.\n"
	    "--headscale-config lints headscale's own configuration: its\n"
	    "derp section, HEADSCALE_* variables, and what the files that\n"
	    "derp.paths names come to together. URLs are fetched with\n"
	    "--online only.\n"
	    "--online looks at the relays of the maps as clients do: DNS,\n"
	    "certificates, and port 80 where canport80 is set.\n",
	.notes =
	    "A comment `# derpmap: ignore=R16 reason` suppresses findings of "
	    "its line,\nor of the next one when it is on a line of its own. "
	    "The settings in\n.derpmap.yaml have the names of the options: "
	    "select, ignore, severity,\nlevel, strict, min-client, "
	    "headscale-version.\n"
	    "Exit status: 0 nothing worse than information, 1 warnings "
	    "or\nerrors, 2 a file could not be read.\n",
	.examples =
	    "  derpmap lint derp.yaml\n"
	    "  derpmap lint --format json *.yaml > findings.json\n"
	    "  tailscale debug derp-map | derpmap lint -\n"
	    "  derpmap lint --select P,N,R16 --severity R16=error maps/\n"
	    "  derpmap lint --fix --dry-run derp.yaml\n"
	    "  derpmap lint --explain R16   # or all\n"
	    "  derpmap lint --headscale-config "
	    "/etc/headscale/config.yaml\n"
	    "  derpmap lint --list          # all rules\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
