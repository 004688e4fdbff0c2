/* admission_config: see admission_config.h. */
#include "admission_config.h"

#include "infile.h"
#include "log.h"
#include "verify_settings.h"

#include <string.h>

/* The sources of the n-th kind, which follow what they read where they can. */
static int
add_kind(
    struct verify_config *v, const struct config *c, size_t n, struct fail *why)
{
	const struct verify_source_kind *kind = verify_kinds_get(n);
	const struct opts_list *list = &c->verify_sources[n];

	for (size_t i = 0; i < list->n; i++) {
		struct verify_source_config *row =
		    verify_config_add(v, kind->name, list->v[i], why);

		if (row == NULL ||
		    verify_config_set_all(row, c->verify_settings[n], why) ==
			-1)
			return -1;
		row->follow = true;
	}
	return 0;
}

/* The sources that the flags name. */
static int
add_sources(struct verify_config *v, const struct config *c, struct fail *why)
{
	struct verify_source_config *url = NULL, *tailscaled;

	if (c->verify_clients) {
		tailscaled = verify_config_add(v, "tailscaled", c->socket, why);
		if (tailscaled == NULL)
			return -1;
		/* as the Go derper does, whose flag it is */
		tailscaled->allow_expired = true;
	}
	if (c->verify_url[0] != '\0') {
		url = verify_config_add(v, "url", c->verify_url, why);
		if (url == NULL)
			return -1;
		url->ca_file = c->verify_url_ca;
		url->outage = c->verify_url_fail_open ? VERIFY_OUTAGE_OPEN
						      : VERIFY_OUTAGE_CLOSED;
	}
	for (size_t i = 0; verify_kinds_get(i) != NULL; i++)
		if (add_kind(v, c, i, why) == -1)
			return -1;
	return 0;
}

/* Deny lists, which beat all others, and so go with every policy. */
static int
add_deny_lists(
    struct verify_config *v, const struct config *c, struct fail *why)
{
	for (size_t i = 0; i < c->verify_deny.n; i++) {
		struct verify_source_config *row =
		    verify_config_add(v, "nodes", c->verify_deny.v[i], why);

		if (row == NULL)
			return -1;
		row->role = VERIFY_ROLE_DENY;
		row->follow = true;
	}
	return 0;
}

static int
read_file(
    struct verify_config *config, const struct config *flags, struct fail *why)
{
	if (flags->verify_config[0] == '\0') {
		config->policy = VERIFY_POLICY_ALL;
		return 0;
	}
	/* it is read again by who handles signals */
	if (infile_check_regular(flags->verify_config, why) == -1)
		return -1;
	return verify_settings_load(config, flags->verify_config, why);
}

/* The relay runs no programs: its system call filter forbids it, and what a
 * configuration may hold does not hang on whether that is on. */
static int
check_programs(const struct verify_config *config, struct fail *why)
{
	for (size_t i = 0; i < config->source_count; i++)
		if (config->sources[i].kind->runs_programs)
			return fail_set(why,
			    "source %s: derper runs no programs, which its "
			    "system call filter forbids; have \"derpverify "
			    "serve\" do it and name that as url, or have a "
			    "timer write a file and name that as nodes",
			    config->sources[i].kind->name);
	return 0;
}

int
admission_config_read(
    struct verify_config *config, const struct config *flags, struct fail *why)
{
	size_t of_file;

	if (read_file(config, flags, why) == -1)
		return -1;
	if (check_programs(config, why) == -1)
		goto clear;
	of_file = config->source_count;
	if (add_sources(config, flags, why) == -1)
		goto clear;
	if (config->policy != VERIFY_POLICY_ALL && of_file > 0 &&
	    config->source_count > of_file) {
		fail_set(why,
		    "%s: its policy is any, but what -verify-clients, "
		    "-verify-client-url and -verify-nodes name must always "
		    "allow a key: put them into the file, or use policy: all",
		    flags->verify_config);
		goto clear;
	}
	if (add_deny_lists(config, flags, why) == -1)
		goto clear;
	config->context.allow_empty =
	    config->context.allow_empty || flags->verify_allow_empty;
	return 0;

clear:
	verify_config_clear(config);
	return -1;
}

void
admission_config_warn(const struct config *flags)
{
	if (flags->socket[0] != '\0' && !flags->verify_clients)
		log_warn("derper: -socket has no effect without "
			 "-verify-clients");
	if (flags->verify_url[0] != '\0')
		return;
	if (flags->verify_url_ca[0] != '\0')
		log_warn("derper: -verify-client-url-ca has no effect without "
			 "-verify-client-url");
	if (!flags->verify_url_fail_open)
		log_warn("derper: -verify-client-url-fail-open has no effect "
			 "without -verify-client-url");
}

static void
each_of_row(const struct verify_source_config *row,
    void (*file)(void *ctx, const char *path), void *ctx)
{
	const struct verify_option *o = row->kind->options;

	if (row->kind->argument_type == VERIFY_OPTION_FILE)
		file(ctx, row->argument);
	if (row->ca_file != NULL)
		file(ctx, row->ca_file);
	for (; o != NULL && o->name != NULL; o++) {
		const char *value = verify_source_option(row, o->name);

		if (o->type == VERIFY_OPTION_FILE && value != NULL)
			file(ctx, value);
	}
}

void
admission_config_each_path(const struct verify_config *config,
    void (*file)(void *ctx, const char *path),
    void (*folder)(void *ctx, const char *path), void *ctx)
{
	for (size_t i = 0; i < config->source_count; i++)
		each_of_row(&config->sources[i], file, ctx);
	if (config->context.last_good != NULL &&
	    config->context.last_good[0] != '\0')
		folder(ctx, config->context.last_good);
}
