/* admission_engine: see admission_engine.h. */
#include "admission_engine.h"

#include "admission.h"
#include "admission_config.h"
#include "confinement.h"
#include "log.h"

static void
notice(void *ctx, const char *text)
{
	(void)ctx;
	log_warn("%s", text);
}

/* Whom the engine tells of what. */
static void
set_events(struct admission_engine *e, struct verify_config *config)
{
	config->context.notice = notice;
	config->watch = (struct verify_watch){ admission_is_connected,
		admission_revoked, e->relay, admission_connected };
}

/* The configuration as it is now; the rights of the relay are those that the
 * one of the start wanted. */
static int
read_config(void *ctx, struct verify_config *config, struct fail *why)
{
	struct admission_engine *e = ctx;

	if (admission_config_read(config, e->flags, why) == -1)
		return -1;
	set_events(e, config);
	if (confinement_check(config, why) == 0)
		return 0;
	verify_config_clear(config);
	return -1;
}

static void
tell(void *ctx, bool is_bad, const char *text)
{
	(void)ctx;
	if (is_bad)
		log_error("admission: %s", text);
	else
		log_info("admission: %s", text);
}

int
admission_engine_open(struct admission_engine *e, const struct config *flags,
    struct relay_shared *relay, struct verify_config *config, struct fail *why)
{
	const struct verify_config_file_events events = { read_config, tell,
		e };
	const char *path = flags->verify_config;

	*e = (struct admission_engine){ .flags = flags, .relay = relay };
	if (config->source_count == 0)
		return 0;
	set_events(e, config);
	e->verify = verify_current_new(config, why);
	if (e->verify == NULL)
		return -1;
	verify_config_file_init(&e->file, e->verify,
	    path[0] != '\0' ? path : NULL, config, &events);
	return 0;
}

void
admission_engine_close(struct admission_engine *e)
{
	verify_current_free(e->verify);
	e->verify = NULL;
}

void
admission_engine_poll(struct admission_engine *e, bool forced)
{
	if (e->verify != NULL)
		verify_config_file_poll(&e->file, forced);
}
