/*
 * source_options: the options that name sources, of each command that asks
 * them.
 *
 * A command's values begin with struct source_options. Threads: the main one.
 */
#ifndef DERPKIT_SOURCE_OPTIONS_H
#define DERPKIT_SOURCE_OPTIONS_H

#include "command.h"
#include "verify_config.h"
#include "verify_kinds.h"

struct source_options {
	struct opts_list kinds[VERIFY_KINDS_MAX];
	/* of each kind, in the order of its table; NULL: not given */
	const char *settings[VERIFY_KINDS_MAX][VERIFY_OPTIONS_MAX];
	struct opts_choice policy;
	const char *config;
	const char *ca_file;
	bool fail_open;
	uint64_t ask_ms;
};

#define SOURCE_OPTIONS_DEFAULTS                                  \
	{                                                        \
		.policy = { .name = verify_config_policy_name }, \
		.ask_ms = VERIFY_ASK_MS                          \
	}

/* Rows of the options table of a command whose values are of that type: how
 * sources are reached, */
#define SOURCE_OPTIONS_OF_ACCESS(type)                                       \
	{ "config", OPTS_TEXT, offsetof(type, sources.config), "FILE",       \
		"read sources, policy and times from this YAML file" },      \
	    { "ca-file", OPTS_TEXT, offsetof(type, sources.ca_file), "FILE", \
		    "PEM roots for the URL instead of the "                  \
		    "system's" },                                            \
	{                                                                    \
		"timeout", OPTS_DURATION, offsetof(type, sources.ask_ms),    \
		    "DURATION", "how long one key may take"                  \
	}

/* and how they decide about keys. */
#define SOURCE_OPTIONS(type)                                                   \
	{ "policy", OPTS_CHOICE, offsetof(type, sources.policy), "NAME",       \
		"of several sources, those that must allow the key" },         \
	    { "fail-open", OPTS_BOOL, offsetof(type, sources.fail_open), NULL, \
		    "allow when the URL cannot be reached, as derper does "    \
		    "by default" },                                            \
	    SOURCE_OPTIONS_OF_ACCESS(type)

/* An option for each kind of source: for struct command.more_options. */
size_t source_options_of_kinds(
    struct opts_option *table, size_t max, void *values);

/* Whether any source, or a file with sources, is named. */
bool source_options_any(const struct source_options *o);

/* Makes the config of an engine, to be cleared with verify_config_clear; texts
 * of the command line are borrowed. Not 0: the exit status after wrong usage or
 * a file that cannot be used, which has been told; nothing is to be cleared. */
int source_options_read(const struct source_options *o,
    const struct command_call *call, struct verify_config *config);

/* Has all sources of the config, which was read from the options, list or push
 * what they know, where they can, and not only answer about one key. */
void source_options_follow(
    const struct source_options *o, struct verify_config *config);

#endif
