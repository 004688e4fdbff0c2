/* flags: see flags.h. */
#include "flags.h"

#include "completion.h"
#include "derper_flags.h"
#include "flags_rows.h"
#include "num.h"
#include "opts.h"
#include "relay_commands.h"
#include "spelling.h"
#include "verify_kinds.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_MS 1000
/* a kind of sources has itself and its settings */
#define FLAGS_MAX (FLAGS_ROWS_MAX + VERIFY_KINDS_MAX * (1 + VERIFY_OPTIONS_MAX))

/* The flags bound to a config. */
struct flags {
	struct opts_option table[FLAGS_MAX];
	char variables[FLAGS_MAX][DERPER_VARIABLE_MAX]; /* "": none */
	const char *shown[FLAGS_MAX]; /* the one that the help names */
	struct opts opts;
	struct config *config; /* borrowed */
};

/* Variables that are read elsewhere, here or by the Go derper. */
static const char *const other_variables[] = { "DERP_DEBUG_LOGS",
	"DERP_PROBER_DEBUG_LOGS" };

#define OTHER_COUNT (sizeof other_variables / sizeof other_variables[0])

static const char *
second_variable(size_t i)
{
	const struct derper_flag *flag = i < flags_row_count
	    ? derper_flags_find(slice_str(flags_rows[i].name))
	    : NULL;

	return flag != NULL ? flag->variable : NULL;
}

/* A variable of its own for the flag; not for what
 * is done once. */
static void
bind_variable(struct flags *flags, size_t i)
{
	static const char *const once[] = { "version", "completion",
		"renew-self-signed", "check-config", "json" };

	flags->variables[i][0] = '\0';
	flags->shown[i] = NULL;
	for (size_t k = 0; k < sizeof once / sizeof once[0]; k++)
		if (strcmp(flags->table[i].name, once[k]) == 0)
			return;
	derper_flags_variable(flags->table[i].name, flags->variables[i]);
	flags->shown[i] = second_variable(i) != NULL ? second_variable(i)
						     : flags->variables[i];
}

/* Binds the flags of the n-th kind of verify sources, at the end of the table.
 */
static void
bind_kind(struct flags *flags, struct config *config, size_t n, size_t *count)
{
	const struct verify_source_kind *kind = verify_kinds_get(n);
	const struct verify_option *option = kind->options;

	if (kind->relay_option == NULL)
		return;
	flags->table[(*count)++] = (struct opts_option){
		.name = kind->relay_option,
		.kind = OPTS_LIST,
		.to = &config->verify_sources[n],
		.arg = kind->argument_name,
		.help = kind->relay_help,
	};
	for (size_t i = 0; option != NULL && option[i].name != NULL; i++)
		if (option[i].relay_option != NULL)
			flags->table[(*count)++] = (struct opts_option){
				.name = option[i].relay_option,
				.kind = OPTS_TEXT,
				.to = &config->verify_settings[n][i],
				.arg = option[i].argument_name,
				.help = option[i].help,
			};
}

/* Binds the table to the config. */
static void
bind_table(struct flags *flags, struct config *config)
{
	size_t n = 0;

	flags->config = config;
	for (; n < flags_row_count; n++)
		flags->table[n] = (struct opts_option){
			.name = flags_rows[n].name,
			.kind = flags_rows[n].kind,
			.to = (char *)config + flags_rows[n].at,
			.arg = flags_rows[n].arg,
			.help = flags_rows[n].help,
		};
	for (size_t i = 0; verify_kinds_get(i) != NULL; i++)
		bind_kind(flags, config, i, &n);
	assert(n <= FLAGS_MAX);
	for (size_t i = 0; i < n; i++)
		bind_variable(flags, i);
	flags->opts = (struct opts){
		.table = flags->table, .count = n, .variables = flags->shown
	};
}

/* Sets flag i from the variable; an empty one is as good as none. */
static int
read_variable(struct flags *flags, size_t i, const char *variable,
    const char *value, struct fail *why)
{
	struct fail inner = { 0 };

	if (opts_set(&flags->opts, flags->table[i].name, value, &inner) == 0)
		return 0;
	return fail_set(why, "%s: %s", variable, inner.text);
}

static const char *
value_of(char *(*env)(const char *name), const char *variable)
{
	const char *value =
	    variable != NULL && variable[0] != '\0' ? env(variable) : NULL;

	return value != NULL && value[0] != '\0' ? value : NULL;
}

/* Takes the variables' values as defaults. */
static int
read_environment(
    struct flags *flags, char *(*env)(const char *name), struct fail *why)
{
	for (size_t i = 0; i < flags->opts.count; i++) {
		const char *own = flags->variables[i];
		const char *second = second_variable(i);
		const char *value = value_of(env, own);
		const char *other = value_of(env, second);

		if (value != NULL && other != NULL && strcmp(value, other) != 0)
			return fail_set(why,
			    "%s and %s say different things: unset one", own,
			    second);
		if (value == NULL) {
			value = other;
			own = second;
		}
		if (value != NULL &&
		    read_variable(flags, i, own, value, why) == -1)
			return -1;
	}
	return 0;
}

/* A word that is not a flag; Go's program ignores it and all after it. */
static enum flags_result
fail_words(const struct flags *flags, char **argv, struct fail *why)
{
	const char *word = flags->opts.words[0];
	const char *before =
	    flags->opts.words != argv + 1 ? flags->opts.words[-1] : "";
	bool ignored;

	if (before[0] == '-' && num_parse_bool(slice_str(word), &ignored) == 0)
		fail_set(why,
		    "unexpected argument \"%s\": the value of a switch is "
		    "written %s=%s",
		    word, before, word);
	else
		fail_set(why, "unexpected argument \"%s\"", word);
	return FLAGS_USAGE;
}

/* All flags that may be given several times. */
#define LISTS (VERIFY_KINDS_MAX + 1)

static struct opts_list *
list_of(struct config *config, size_t i)
{
	return i < VERIFY_KINDS_MAX ? &config->verify_sources[i]
				    : &config->verify_deny;
}

/* Lists as they are now, to be forgotten where the command line has its own.
 */
static void
count_lists(struct config *config, size_t counts[static LISTS])
{
	for (size_t i = 0; i < LISTS; i++)
		counts[i] = list_of(config, i)->n;
}

static void
drop_defaults(struct config *config, const size_t counts[static LISTS])
{
	for (size_t i = 0; i < LISTS; i++) {
		struct opts_list *list = list_of(config, i);

		if (counts[i] == 0 || list->n == counts[i])
			continue;
		list->n -= counts[i];
		memmove(
		    list->v, list->v + counts[i], list->n * sizeof list->v[0]);
	}
}

/* Whether flag i is one of those that say who may use the relay: then an empty
 * value is a variable of a script that is not set, and must not open it. */
static bool
must_have_value(size_t i)
{
	return i >= flags_row_count || flags_rows[i].not_empty;
}

static const char *
text_of(const struct flags *flags, size_t i)
{
	const struct opts_option *o = &flags->table[i];

	return o->kind == OPTS_TEXT ? *(const char *const *)o->to : NULL;
}

/* Whether the command line has an empty value for flag i, which is a list, or a
 * text that was `before`: empty ones of the environment are not taken. */
static bool
is_set_empty(const struct flags *flags, size_t i, const char *before)
{
	const struct opts_option *o = &flags->table[i];
	const char *text = text_of(flags, i);
	const struct opts_list *list = o->to;

	if (o->kind != OPTS_LIST)
		return text != NULL && text != before && text[0] == '\0';
	for (size_t k = 0; k < list->n; k++)
		if (list->v[k][0] == '\0')
			return true;
	return false;
}

static int
check_values(const struct flags *flags,
    const char *const before[static FLAGS_MAX], struct fail *why)
{
	for (size_t i = 0; i < flags->opts.count; i++)
		if (must_have_value(i) && is_set_empty(flags, i, before[i]))
			return fail_set(why,
			    "invalid value \"\" for flag -%s: it would be as "
			    "if the flag were not there; if that is meant, "
			    "leave it out",
			    flags->table[i].name);
	return 0;
}

/* Reads the command line, which beats the environment. */
static enum flags_result
read_arguments(struct flags *flags, int argc, char **argv, struct fail *why)
{
	const char *before[FLAGS_MAX];
	size_t counts[LISTS];

	for (size_t i = 0; i < flags->opts.count; i++)
		before[i] = text_of(flags, i);
	count_lists(flags->config, counts);
	switch (opts_parse(&flags->opts, argc, argv, why)) {
	case OPTS_HELP:
		return FLAGS_HELP;
	case OPTS_BAD:
		return FLAGS_USAGE;
	case OPTS_OK:
		break;
	}
	if (flags->opts.word_count > 0)
		return fail_words(flags, argv, why);
	if (check_values(flags, before, why) == -1)
		return FLAGS_USAGE;
	drop_defaults(flags->config, counts);
	return FLAGS_OK;
}

static int
check_time(const struct flags_row *row, uint64_t value_ms, struct fail *why)
{
	if (value_ms <= (uint64_t)row->max)
		return 0;
	return fail_set(why, "-%s %.15gs is not between 0s and %.15gs",
	    row->name, (double)value_ms / SECOND_MS,
	    (double)row->max / SECOND_MS);
}

static int
check_number(const struct flags_row *row, int64_t value, struct fail *why)
{
	if (value >= row->min && value <= row->max)
		return 0;
	return fail_set(why, "-%s %lld is not between %lld and %lld", row->name,
	    (long long)value, (long long)row->min, (long long)row->max);
}

static int
check_ranges(const struct flags *flags, struct fail *why)
{
	for (size_t i = 0; i < flags_row_count; i++) {
		const void *value = flags->table[i].to;

		if (flags_rows[i].kind == OPTS_INT &&
		    check_number(
			&flags_rows[i], *(const int64_t *)value, why) == -1)
			return -1;
		if (flags_rows[i].kind == OPTS_DURATION &&
		    check_time(&flags_rows[i], *(const uint64_t *)value, why) ==
			-1)
			return -1;
	}
	return 0;
}

/* Compares a variable with all known names; true when it is one of them. */
static bool
is_known(const struct flags *flags, struct slice name, struct spelling *near)
{
	for (size_t i = 0; i < flags->opts.count; i++) {
		const char *names[] = { flags->variables[i],
			second_variable(i) };

		for (size_t k = 0; k < 2; k++) {
			if (names[k] == NULL || names[k][0] == '\0')
				continue;
			if (slice_is(name, names[k]))
				return true;
			spelling_consider(near, names[k]);
		}
	}
	for (size_t i = 0; i < OTHER_COUNT; i++)
		if (slice_is(name, other_variables[i]))
			return true;
	return false;
}

/* Kubernetes gives the containers beside a service that is called derp
 * variables DERP_SERVICE_HOST, DERP_PORT, DERP_PORT_443_TCP_ADDR ... */
static bool
is_of_kubernetes(struct slice name, struct slice value)
{
	return slice_starts(name, "DERP_SERVICE_") ||
	    slice_starts(name, "DERP_PORT_") ||
	    (slice_is(name, "DERP_PORT") &&
		(slice_starts(value, "tcp://") ||
		    slice_starts(value, "udp://")));
}

bool
flags_next_unknown(char **variables, size_t *next, struct fail *text)
{
	struct slice name, value;
	struct spelling near;
	struct config config;
	struct flags flags;

	bind_table(&flags, &config);
	while (variables[*next] != NULL) {
		slice_cut(slice_str(variables[(*next)++]), '=', &name, &value);
		near = spelling_of(name);
		if (!slice_starts(name, "DERP_") ||
		    is_known(&flags, name, &near) ||
		    is_of_kubernetes(name, value))
			continue;
		*text = (struct fail){ 0 };
		fail_set(text, "environment variable %.*s is ignored%s%s%s",
		    (int)(name.n < 100 ? name.n : 100), (const char *)name.p,
		    spelling_best(&near) != NULL ? ": did you mean " : "",
		    spelling_best(&near) != NULL ? spelling_best(&near) : "",
		    spelling_best(&near) != NULL ? "?" : "");
		return true;
	}
	return false;
}

enum flags_result
flags_parse(struct config *config, int argc, char **argv,
    char *(*env)(const char *name), struct fail *why)
{
	enum flags_result result;
	struct flags flags;

	config_init(config, env);
	bind_table(&flags, config);
	if (read_environment(&flags, env, why) == -1)
		return FLAGS_BAD;
	result = read_arguments(&flags, argc, argv, why);
	if (result != FLAGS_OK || config->show_version ||
	    config->completion[0] != '\0')
		return result;
	if (check_ranges(&flags, why) == -1 ||
	    config_derive(config, env, why) == -1)
		return FLAGS_BAD;
	return FLAGS_OK;
}

/* Where a theme begins in the table. */
static size_t
theme_at(const struct flags *flags, size_t theme)
{
	size_t i = 0;

	if (theme == flags_theme_count)
		return flags->opts.count;
	while (strcmp(flags->table[i].name, flags_themes[theme].first) != 0)
		i++;
	return i;
}

static void
print_themes(const struct flags *flags, FILE *to)
{
	for (size_t i = 0; i < flags_theme_count; i++) {
		const size_t at = theme_at(flags, i);
		const struct opts part = { .table = flags->table + at,
			.count = theme_at(flags, i + 1) - at,
			.variables = flags->shown + at };

		fprintf(to, "\n%s:\n", flags_themes[i].title);
		opts_print(&part, to);
	}
}

int
flags_print_usage(struct fail *why)
{
	struct config config;
	struct flags flags;

	config_init(&config, getenv);
	bind_table(&flags, &config);
	fputs("usage: derper [flags]\n"
	      "       derper doctor|status|close|reload|drain|version|help "
	      "[options]\n"
	      "\nA DERP relay. A flag is written with one dash or two; its "
	      "variable, in brackets,\nis its default. The commands ask a "
	      "relay that is running; derper help describes\nthem.\n",
	    stdout);
	print_themes(&flags, stdout);
	fputs("\nExamples:\n"
	      "  derper -hostname 203.0.113.7 -certmode manual \\\n"
	      "      -certdir /var/lib/derper/certs -verify-nodes "
	      "/etc/derper/nodes\n"
	      "  derper -hostname derp.example.net -certmode manual \\\n"
	      "      -certdir /etc/derper/certs \\\n"
	      "      -verify-client-url https://headscale.example.net/verify "
	      "\\\n"
	      "      -verify-client-url-fail-open=false\n"
	      "  derper -check-config -hostname derp.example.net\n"
	      "  derper -dev\n"
	      "\nExit status: 0 ended by a signal or drained, 1 it cannot "
	      "start, 2 wrong usage.\n",
	    stdout);
	if (fflush(stdout) == EOF || ferror(stdout))
		return fail_errno(why, "cannot write to standard output");
	return 0;
}

int
flags_print_completion(
    const char *shell, const struct command *doctor, struct fail *why)
{
	struct relay_commands commands;
	struct config config;
	struct flags flags;

	config_init(&config, getenv);
	bind_table(&flags, &config);
	relay_commands_init(&commands, doctor);
	switch (completion_put_flags(
	    stdout, &commands.program, shell, flags.table, flags.opts.count)) {
	case COMPLETION_DONE:
		break;
	case COMPLETION_NO_SHELL:
		return fail_set(why,
		    "-completion \"%s\" is neither bash nor zsh nor fish",
		    shell);
	case COMPLETION_NO_MEMORY:
		return fail_set(why, "out of memory");
	}
	if (fflush(stdout) == EOF || ferror(stdout))
		return fail_errno(why, "cannot write to standard output");
	return 0;
}
