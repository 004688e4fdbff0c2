/* derpmap: writes, converts and checks the region maps of DERP relays. The
 * table of subcommands. */
#include "commands.h"
#include "completion.h"
#include "version.h"

int
main(int argc, char **argv)
{
	const struct command commands[] = { cmd_convert, cmd_diff,
		cmd_effective, cmd_fetch, cmd_generate, cmd_lint, cmd_merge,
		cmd_probe, cmd_show, completion_command };
	const struct command_program program = {
		.name = "derpmap",
		.version = version_text,
		.text =
		    "Writes, converts, merges, compares, checks and probes the "
		    "region maps\nof DERP relays for headscale and for "
		    "Tailscale clients. Exit status:\n0 done or clean, 1 "
		    "findings or a "
		    "difference, 2 unusable input or usage.\n",
		.examples = "  derpmap generate --hostname derp.example.org > "
			    "derp.yaml\n"
			    "  derpmap lint derp.yaml\n"
			    "  derpmap convert derp.yaml > derp.json\n"
			    "  derpmap probe derp.yaml\n",
		.commands = commands,
		.command_count = sizeof commands / sizeof commands[0],
	};

	return command_main(&program, argc, argv);
}
