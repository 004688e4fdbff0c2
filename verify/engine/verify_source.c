/* verify_source: see verify_source.h. */
#include "verify_source.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NOTICE_MAX 1024 /* bytes; the rest is cut */

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
