/* log_config: see log_config.h. */
#include "log_config.h"

#include "config.h"
#include "log.h"
#include "num.h"

#include <string.h>

#define DEBUG_VARIABLE "DERP_DEBUG_LOGS"

void
log_config_begin(char *(*env)(const char *name))
{
	log_set_format(log_detect_format(env("JOURNAL_STREAM")));
}

static int
set_format(const char *word, struct fail *why)
{
	if (strcmp(word, "auto") == 0)
		return 0; /* as it has begun */
	if (strcmp(word, "text") == 0)
		log_set_format(LOG_FORMAT_TEXT);
	else if (strcmp(word, "json") == 0)
		log_set_format(LOG_FORMAT_JSON);
	else if (strcmp(word, "journal") == 0)
		log_set_format(LOG_FORMAT_JOURNAL);
	else
		return fail_set(why,
		    "unknown --log-format value \"%s\": use auto, text, json "
		    "or journal",
		    word);
	return 0;
}

static int
set_level(const char *word, struct fail *why)
{
	static const struct {
		const char *word;
		enum log_level level;
	} levels[] = {
		{ "error", LOG_LEVEL_ERROR },
		{ "warn", LOG_LEVEL_WARN },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
		if (strcmp(word, levels[i].word) == 0) {
			log_set_level(levels[i].level);
			return 0;
		}
	return fail_set(why,
	    "unknown --log-level value \"%s\": use error, warn, info or debug",
	    word);
}

/* It only ever asks for more. */
static int
read_debug_variable(char *(*env)(const char *name), struct fail *why)
{
	const char *value = env(DEBUG_VARIABLE);
	bool on = false;

	if (value == NULL || value[0] == '\0')
		return 0;
	if (num_parse_bool(slice_str(value), &on) == -1)
		return fail_set(
		    why, DEBUG_VARIABLE ": \"%s\" is not a bool", value);
	if (on)
		log_set_level(LOG_LEVEL_DEBUG);
	return 0;
}

int
log_config_apply(const struct config *config, char *(*env)(const char *name),
    struct fail *why)
{
	if (set_format(config->log_format, why) == -1 ||
	    set_level(config->log_level, why) == -1)
		return -1;
	return read_debug_variable(env, why);
}
