/* derpverify: may this node key use the relay? The table of subcommands. */
#include "completion.h"
#include "fetch.h"
#include "verify_commands.h"
#include "version.h"

#include <signal.h>
#include <sodium.h>

static int
start(struct fail *why)
{
	/* whoever starts us with SIGCHLD ignored has the system reap programs
	 * before their status is read */
	signal(SIGCHLD, SIG_DFL);
	if (sodium_init() == -1 || fetch_global_init() == -1)
		return fail_set(why, "cannot initialise libsodium or libcurl");
	return 0;
}

int
main(int argc, char **argv)
{
	const struct command commands[] = { cmd_check, cmd_explain, cmd_list,
		cmd_serve, cmd_watch, completion_command };
	const struct command_program program = {
		.name = "derpverify",
		.version = version_text,
		.text = "Tells whether a node key may use the relay. Exit "
			"status: 0 done or allowed,\n1 denied, 2 unusable "
			"input or usage, or unknown.\n",
		.examples =
		    "  derpverify check --url "
		    "https://headscale.example.com/verify nodekey:9f2c...\n"
		    "  derpverify check --socket "
		    "/var/run/tailscale/tailscaled.sock nodekey:9f2c...\n"
		    "  headscale nodes list -o json > nodes.json\n"
		    "  derpverify list nodes.json\n",
		.commands = commands,
		.command_count = sizeof commands / sizeof commands[0],
		.start = start,
	};

	return command_main(&program, argc, argv);
}
