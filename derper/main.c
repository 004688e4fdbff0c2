/* derper: a DERP relay. Parses the configuration, runs the server. */
#include "certs.h"
#include "config.h"
#include "descriptors.h"
#include "fetch.h"
#include "flags.h"
#include "log.h"
#include "log_config.h"
#include "privileges.h"
#include "relay_commands.h"
#include "server.h"
#include "version.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What was meant as a setting and is none must not look as if it were. */
static void
warn_variables(void)
{
	struct fail text;
	size_t next = 0;

	while (flags_next_unknown(environ, &next, &text))
		log_warn("derper: %s", text.text);
}

/* What is asked for is the output: a full disk must not look like success. */
static int
print_line(const char *text)
{
	struct fail why = { 0 };

	if (puts(text) != EOF && fflush(stdout) == 0)
		return 0;
	fail_errno(&why, "cannot write to standard output");
	log_error("derper: %s", why.text);
	return 1;
}

static int
print_completion(const char *shell)
{
	struct fail why = { 0 };

	if (flags_print_completion(shell, &why) == 0)
		return 0;
	log_error("derper: %s", why.text);
	return 1;
}

static int
renew_certificate(const struct config *config)
{
	char pin[CERTS_PIN_TEXT];
	struct fail why = { 0 };

	if (certs_renew(config, pin, &why) == -1) {
		log_error("derper: %s", why.text);
		return 1;
	}
	return print_line(pin);
}

int
main(int argc, char **argv)
{
	struct config config;
	struct fail why = { 0 };

	log_config_begin(getenv);
	if (sodium_init() == -1) {
		log_error("derper: libsodium does not start");
		return 1;
	}
	if (argc > 1 && relay_commands_has(argv[1]))
		return relay_commands_main(argc, argv);
	switch (flags_parse(&config, argc, argv, getenv, &why)) {
	case FLAGS_OK:
		break;
	case FLAGS_HELP:
		flags_print_usage();
		return 0;
	case FLAGS_USAGE:
		fprintf(stderr, "%s\nderper -h lists the flags\n", why.text);
		return 2;
	case FLAGS_BAD:
		log_error("derper: %s", why.text);
		return 1;
	}
	if (config.show_version) {
		printf("derper ");
		return print_line(version_text);
	}
	if (config.completion[0] != '\0')
		return print_completion(config.completion);
	if (config.renew_self_signed)
		return renew_certificate(&config);
	if (log_config_apply(&config, getenv, &why) == -1) {
		log_error("derper: %s", why.text);
		return 1;
	}
	warn_variables();
	if (privileges_use_permitted(&why) == -1)
		log_warn("derper: capabilities: %s", why.text);
	descriptors_raise(&config);
	if (fetch_global_init() == -1) {
		log_error("derper: libcurl does not start");
		return 1;
	}
	if (server_run(&config, &why) == -1) {
		log_error("derper: %s", why.text);
		return 1;
	}
	return 0;
}
