/* xalloc: see xalloc.h. */
#include "xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void
out_of_memory(void)
{
	fputs("out of memory\n", stderr);
	exit(2);
}

void *
xcalloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (p == NULL)
		out_of_memory();
	return p;
}

char *
xstrdup(const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		out_of_memory();
	return copy;
}

char *
xprintf(const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		out_of_memory();
	return text;
}
