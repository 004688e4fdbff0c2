/* flag_effects: see flag_effects.h. */
#include "flag_effects.h"

#include "flags_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
uses_tls(const struct config *c)
{
	return c->use_tls;
}

static bool
uses_stun(const struct config *c)
{
	return c->stun;
}

static bool
orders(const struct config *c)
{
	return c->use_tls && c->acme.used;
}

static bool
limits_accepting(const struct config *c)
{
	return c->use_tls && !isinf(c->accept_limit);
}

static bool
has_key_file(const struct config *c)
{
	return !c->dev;
}

static bool
has_lists(const struct config *c)
{
	for (size_t i = 0; i < VERIFY_KINDS_MAX; i++)
		if (c->verify_sources[i].n > 0)
			return true;
	return c->verify_deny.n > 0 || c->verify_config[0] != '\0';
}

static bool
asks_setec(const struct config *c)
{
	return c->secrets_url[0] != '\0';
}

static bool
relays(const struct config *c)
{
	return c->derp;
}

static const struct effect {
	const char *flag;
	bool (*has)(const struct config *c);
	const char *without; /* what is missing for it */
} effects[] = {
	{ "c", has_key_file, "with -dev" },
	{ "certdir", uses_tls, "without TLS" },
	{ "http-port", uses_tls, "without TLS: -a is the plain HTTP port" },
	{ "ace", uses_tls, "without TLS" },
	{ "tls-records", uses_tls, "without TLS" },
	{ "max-handshakes", uses_tls, "without TLS" },
	{ "max-handshakes-per-address", uses_tls, "without TLS" },
	{ "accept-connection-limit", uses_tls, "without TLS" },
	{ "accept-connection-burst", limits_accepting,
	    "without TLS and -accept-connection-limit" },
	{ "acme-email", orders, "where no certificate is ordered" },
	{ "acme-eab-kid", orders, "where no certificate is ordered" },
	{ "acme-eab-key", orders, "where no certificate is ordered" },
	{ "acme-eab-key-file", orders, "where no certificate is ordered" },
	{ "acme-directory", orders, "where no certificate is ordered" },
	{ "acme-ca", orders, "where no certificate is ordered" },
	{ "acme-ip-certs", orders, "where no certificate is ordered" },
	{ "stun-port", uses_stun, "with -stun=false" },
	{ "verify-allow-empty", has_lists, "without a node list" },
	{ "secrets-cache-dir", asks_setec, "without -secrets-url" },
	{ "secrets-path-prefix", asks_setec, "without -secrets-url" },
	{ "mesh-with", relays, "with -derp=false" },
	{ "rate-config", relays, "with -derp=false" },
};

static const struct flags_row *
find_row(const char *flag)
{
	for (size_t i = 0; i < flags_row_count; i++)
		if (strcmp(flags_rows[i].name, flag) == 0)
			return &flags_rows[i];
	return NULL;
}

/* Whether the value is not the default one. */
static bool
is_given(const struct flags_row *row, const struct config *config,
    const struct config *defaults)
{
	const void *is = (const char *)config + row->at;
	const void *was = (const char *)defaults + row->at;

	switch (row->kind) {
	case OPTS_BOOL:
		return *(const bool *)is != *(const bool *)was;
	case OPTS_TEXT:
		return strcmp(*(const char *const *)is,
			   *(const char *const *)was) != 0;
	case OPTS_INT:
	case OPTS_DECIMAL:
		return *(const int64_t *)is != *(const int64_t *)was;
	case OPTS_FLOAT:
		return *(const double *)is < *(const double *)was ||
		    *(const double *)is > *(const double *)was;
	case OPTS_DURATION:
		return *(const uint64_t *)is != *(const uint64_t *)was;
	case OPTS_LIST:
		return ((const struct opts_list *)is)->n > 0;
	case OPTS_CHOICE:
		break;
	}
	return false;
}

void
flag_effects(const struct config *config,
    void (*tell)(void *ctx, const char *text), void *ctx)
{
	struct config defaults;
	char text[256];

	config_init(&defaults, getenv);
	for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++) {
		const struct effect *e = &effects[i];
		const struct flags_row *row = find_row(e->flag);

		if (row == NULL || e->has(config) ||
		    !is_given(row, config, &defaults))
			continue;
		snprintf(text, sizeof text, "-%s has no effect %s", e->flag,
		    e->without);
		tell(ctx, text);
	}
}
