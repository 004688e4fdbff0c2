/* verify_config: see verify_config.h. */
#include "verify_config.h"

#include "arena.h"
#include "verify_kinds.h"

#include <string.h>

struct verify_source_config *
verify_config_add(struct verify_config *config, const char *kind,
    const char *argument, struct fail *why)
{
	struct verify_source_config *row;
	const struct verify_source_kind *found = verify_kinds_find(kind);

	argument = argument != NULL ? argument : "";
	if (found == NULL) {
		fail_set(why, "\"%s\" is not a kind of source", kind);
		return NULL;
	}
	if (found->needs_argument && argument[0] == '\0') {
		fail_set(why, "source %s: the %s is empty", found->name,
		    found->argument_name);
		return NULL;
	}
	if (config->source_count == VERIFY_SOURCES_MAX) {
		fail_set(
		    why, "more than %d verify sources", VERIFY_SOURCES_MAX);
		return NULL;
	}
	row = &config->sources[config->source_count++];
	*row = (struct verify_source_config){ .kind = found,
		.argument = argument };
	return row;
}

static int
set(struct verify_source_config *row, const char *name, const char *value,
    struct fail *why)
{
	if (row->option_count == VERIFY_OPTIONS_MAX)
		return fail_set(why, "source %s: more than %d options",
		    row->kind->name, VERIFY_OPTIONS_MAX);
	row->options[row->option_count++] =
	    (struct verify_option_value){ .name = name, .value = value };
	return 0;
}

int
verify_config_set_all(struct verify_source_config *row,
    const char *const settings[static VERIFY_OPTIONS_MAX], struct fail *why)
{
	const struct verify_option *option = row->kind->options;

	for (size_t i = 0; option != NULL && option[i].name != NULL; i++)
		if (settings[i] != NULL &&
		    set(row, option[i].name, settings[i], why) == -1)
			return -1;
	return 0;
}

const char *
verify_config_policy_name(size_t n)
{
	static const char *const names[] = {
		[VERIFY_POLICY_ALL] = "all",
		[VERIFY_POLICY_ANY] = "any",
	};

	return n < sizeof names / sizeof names[0] ? names[n] : NULL;
}

void
verify_config_clear(struct verify_config *config)
{
	arena_free(config->arena);
	*config = (struct verify_config){ .source_count = 0 };
}
