/* source_options: see source_options.h. */
#include "source_options.h"

#include "verify_settings.h"

#include <stdio.h>
#include <string.h>

/* The options that a kind has beside its argument; returns their number. */
static size_t
options_of_kind(struct opts_option *table, size_t max,
    const struct verify_source_kind *kind,
    const char *settings[static VERIFY_OPTIONS_MAX])
{
	const struct verify_option *option = kind->options;
	size_t n = 0;

	for (size_t i = 0; option != NULL && option[i].name != NULL; i++)
		if (option[i].tool_option != NULL && n < max)
			table[n++] =
			    (struct opts_option){ option[i].tool_option,
				    OPTS_TEXT, &settings[i],
				    option[i].argument_name, option[i].help };
	return n;
}

size_t
source_options_of_kinds(struct opts_option *table, size_t max, void *values)
{
	struct source_options *o = values;
	const struct verify_source_kind *kind;
	size_t n = 0;

	for (size_t i = 0; n < max && (kind = verify_kinds_get(i)) != NULL;
	     i++) {
		table[n++] = (struct opts_option){ kind->tool_option, OPTS_LIST,
			&o->kinds[i], kind->argument_name, kind->tool_help };
		n += options_of_kind(table + n, max - n, kind, o->settings[i]);
	}
	return n;
}

/* Adds the sources of one kind to the config. */
static int
add_sources(struct verify_config *config, const struct source_options *o,
    size_t n, struct fail *why)
{
	const struct verify_source_kind *kind = verify_kinds_get(n);
	const struct opts_list *list = &o->kinds[n];

	for (size_t i = 0; i < list->n; i++) {
		struct verify_source_config *row =
		    verify_config_add(config, kind->name, list->v[i], why);

		if (row == NULL ||
		    verify_config_set_all(row, o->settings[n], why) == -1)
			return -1;
		if (kind->uses_ca_file)
			row->ca_file = o->ca_file;
		if (kind->can_fail_open && o->fail_open)
			row->outage = VERIFY_OUTAGE_OPEN;
		/* who is only asked says what derper's flag would do */
		row->allow_expired = kind->asked_admits_expired;
	}
	return 0;
}

static int
name_a_source(const struct command_call *call)
{
	const struct verify_source_kind *kind;
	char options[256] = "";
	size_t used = 0;

	for (size_t i = 0;
	     (kind = verify_kinds_get(i)) != NULL && used < sizeof options; i++)
		used += (size_t)snprintf(options + used, sizeof options - used,
		    " --%s", kind->tool_option);
	return command_misuse(call, "name a source:%s", options);
}

bool
source_options_any(const struct source_options *o)
{
	for (size_t i = 0; verify_kinds_get(i) != NULL; i++)
		if (o->kinds[i].n > 0)
			return true;
	return o->config != NULL && o->config[0] != '\0';
}

/* Why a source gives no answer is for who asks, too. */
static void
notice(void *ctx, const char *text)
{
	(void)ctx;
	fprintf(stderr, "derpverify: %s\n", text);
}

/* All of it comes from the file: what the two would mean together is better
 * said in the file. */
static int
read_file(const struct source_options *o, const struct command_call *call,
    struct verify_config *config)
{
	const struct verify_source_kind *kind;
	struct fail why = { 0 };

	for (size_t i = 0; (kind = verify_kinds_get(i)) != NULL; i++)
		if (o->kinds[i].n > 0)
			return command_misuse(call,
			    "--%s goes into the file that --config names",
			    kind->tool_option);
	if (o->ca_file != NULL || o->fail_open || o->policy.n != 0)
		return command_misuse(call,
		    "--policy, --ca-file and --fail-open go into the file "
		    "that --config names");
	if (verify_settings_load(config, o->config, &why) == -1)
		return command_fail(call, "%s", why.text);
	if (config->ask_ms == 0)
		config->ask_ms = o->ask_ms;
	config->context.interactive = true;
	config->context.notice = notice;
	return 0;
}

int
source_options_read(const struct source_options *o,
    const struct command_call *call, struct verify_config *config)
{
	struct fail why = { 0 };

	*config = (struct verify_config){
		.policy = (enum verify_policy)o->policy.n,
		.ask_ms = o->ask_ms,
		.context.interactive = true,
		.context.notice = notice,
	};
	if (o->config != NULL && o->config[0] != '\0') {
		*config = (struct verify_config){ .source_count = 0 };
		return read_file(o, call, config);
	}
	for (size_t i = 0; verify_kinds_get(i) != NULL; i++)
		if (add_sources(config, o, i, &why) == -1)
			return command_misuse(call, "%s", why.text);
	return config->source_count > 0 ? 0 : name_a_source(call);
}

void
source_options_follow(
    const struct source_options *o, struct verify_config *config)
{
	const bool from_file = o->config != NULL && o->config[0] != '\0';

	for (size_t i = 0; i < config->source_count; i++) {
		struct verify_source_config *row = &config->sources[i];

		/* what a file says stays; else it was set for who is asked */
		if (!row->follow && !from_file)
			row->allow_expired = false;
		row->follow = true;
	}
}
