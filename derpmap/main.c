/* derpmap: writes, converts and checks the region maps of DERP relays. */
#include "commands.h"

#include <string.h>

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{ "convert", cmd_convert,
	    "headscale YAML to JSON or back, as the programs read it" },
	{ "generate", cmd_generate, "a map of one region, from options" },
	{ "lint", cmd_lint, "what is wrong with a map, and what it does" },
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void
usage(FILE *to)
{
	fputs("usage: derpmap COMMAND [options] ...\n\n"
	      "Writes, converts and checks the region maps of DERP relays for\n"
	      "headscale and for Tailscale clients.\n\ncommands:\n",
	    to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-10s%s\n", commands[i].name, commands[i].help);
	fputs("\nderpmap COMMAND --help tells more. Exit status: 0 done or "
	      "clean, 1 findings,\n2 unusable input or usage.\n"
	      "\nexamples:\n"
	      "  derpmap generate --hostname derp.example.org > derp.yaml\n"
	      "  derpmap lint derp.yaml\n"
	      "  derpmap convert derp.yaml > derp.json\n",
	    to);
}

static bool
is_option(const char *word, const char *name)
{
	return word[0] == '-' &&
	    strcmp(word + (word[1] == '-' ? 2 : 1), name) == 0;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return EXIT_UNUSABLE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (is_option(argv[1], "version") || strcmp(argv[1], "version") == 0) {
		puts("derpmap " DERPKIT_VERSION);
		return EXIT_DONE;
	}
	if (is_option(argv[1], "help") || is_option(argv[1], "h") ||
	    strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return EXIT_DONE;
	}
	fprintf(stderr, "derpmap: no command %s\n", argv[1]);
	usage(stderr);
	return EXIT_UNUSABLE;
}
