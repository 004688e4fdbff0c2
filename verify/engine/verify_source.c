/* verify_source: see verify_source.h. */
#include "verify_source.h"

#include "url_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOTICE_MAX 1024 /* bytes; the rest is cut */

/* The first word of a command line, in which a backslash takes the character
 * after it as it is. */
static size_t
first_word(const char *command)
{
	size_t n = 0;

	while (command[n] != '\0' && strchr(" \t", command[n]) == NULL)
		n += command[n] == '\\' && command[n + 1] != '\0' ? 2 : 1;
	return n;
}

struct verify_source_shown
verify_source_shown(const struct verify_source_kind *kind, const char *argument)
{
	struct verify_source_shown shown;

	if (kind->runs_programs) {
		argument += strspn(argument, " \t");
		snprintf(shown.text, sizeof shown.text, "%.*s",
		    (int)first_word(argument), argument);
	} else {
		snprintf(shown.text, sizeof shown.text, "%s",
		    url_text_with_path(argument, "/verify").text);
	}
	return shown;
}

uint64_t
verify_source_left_ms(const struct verify_question *q)
{
	const uint64_t now_ms = q->now_ms();

	return now_ms < q->deadline_ms ? q->deadline_ms - now_ms : 0;
}

const char *
verify_source_option(
    const struct verify_source_config *config, const char *name)
{
	for (size_t i = 0; i < config->option_count; i++)
		if (strcmp(config->options[i].name, name) == 0)
			return config->options[i].value;
	return NULL;
}

void
verify_source_notify(
    const struct verify_source_context *context, const char *fmt, ...)
{
	char text[NOTICE_MAX];
	va_list args;

	if (context->notice == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	context->notice(context->notice_ctx, text);
}
