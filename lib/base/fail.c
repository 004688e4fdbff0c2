/* fail: see fail.h. */
#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
fail_set(struct fail *why, const char *fmt, ...)
{
	va_list args;

	if (why == NULL || why->text[0] != '\0')
		return -1;
	va_start(args, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, args);
	va_end(args);
	return -1;
}

int
fail_errno(struct fail *why, const char *fmt, ...)
{
	int error = errno;
	va_list args;
	size_t n;

	if (why == NULL || why->text[0] != '\0')
		return -1;
	va_start(args, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, args);
	va_end(args);
	n = strlen(why->text);
	snprintf(why->text + n, sizeof why->text - n, ": %s", strerror(error));
	return -1;
}

int
fail_at(struct fail *why, unsigned line, unsigned column, const char *fmt, ...)
{
	va_list args;

	if (why == NULL || why->text[0] != '\0')
		return -1;
	va_start(args, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, args);
	va_end(args);
	why->line = line;
	why->column = column;
	return -1;
}
