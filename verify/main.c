/* derpverify: may this node key use the relay? The table of subcommands. */
#include "cmd.h"

#include "fetch.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *words;
	const char *what;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "check", "[flags] KEY...", "ask whether node keys may use the relay",
	    cmd_check },
	{ "list", "[flags] FILE", "print the keys of a node list", cmd_list },
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void
print_usage(FILE *to)
{
	fputs("derpverify: may this node key use the relay?\n\n"
	      "Usage: derpverify COMMAND ...\n\n",
	    to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-6s %-16s %s\n", commands[i].name,
		    commands[i].words, commands[i].what);
	fputs("\nderpverify COMMAND --help tells more; derpverify --version "
	      "tells which this is.\n\n"
	      "Examples:\n"
	      "  derpverify check --url https://headscale.example.com/verify "
	      "nodekey:9f2c...\n"
	      "  derpverify check --socket /var/run/tailscale/tailscaled.sock "
	      "nodekey:9f2c...\n"
	      "  headscale nodes list -o json > nodes.json\n"
	      "  derpverify list nodes.json\n",
	    to);
}

int
cmd_unusable(const char *fmt, ...)
{
	va_list args;

	fputs("derpverify: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return CMD_UNUSABLE;
}

int
cmd_wants_json(const char *format)
{
	if (strcmp(format, "text") == 0)
		return 0;
	if (strcmp(format, "json") == 0)
		return 1;
	cmd_unusable("-format is text or json, not \"%s\"", format);
	return -1;
}

static int
is_flag(const char *word, const char *name)
{
	return word[0] == '-' &&
	    strcmp(word + (word[1] == '-' ? 2 : 1), name) == 0;
}

int
main(int argc, char **argv)
{
	if (argc < 2) {
		print_usage(stderr);
		return CMD_UNUSABLE;
	}
	if (is_flag(argv[1], "help") || is_flag(argv[1], "h") ||
	    strcmp(argv[1], "help") == 0) {
		print_usage(stdout);
		return CMD_OK;
	}
	if (is_flag(argv[1], "version")) {
		puts("derpverify " DERPKIT_VERSION);
		return CMD_OK;
	}
	if (sodium_init() == -1 || fetch_global_init() == -1)
		return cmd_unusable("cannot start libsodium or libcurl");
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return cmd_unusable(
	    "no command \"%s\"; derpverify --help lists them", argv[1]);
}
