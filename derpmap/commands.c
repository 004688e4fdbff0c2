/* commands: see commands.h. */
#include "commands.h"

#include <stdarg.h>

int
command_misuse(const struct command_help *help, const char *fmt, ...)
{
	va_list args;

	fputs("derpmap: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nusage: %s\n", help->usage);
	return EXIT_UNUSABLE;
}

int
command_parse(
    struct opts *o, const struct command_help *help, int argc, char **argv)
{
	struct fail why = { .text = "" };

	o->mixed = true;
	switch (opts_parse(o, argc, argv, &why)) {
	case OPTS_OK:
		return -1;
	case OPTS_HELP:
		printf("usage: %s\n\n%s\noptions:\n", help->usage, help->text);
		opts_print(o, stdout);
		printf("\nexamples:\n%s", help->examples);
		return EXIT_DONE;
	case OPTS_BAD:
		break;
	}
	return command_misuse(help, "%s", why.text);
}
