/* derper: a DERP relay. Parses the configuration, runs the server. */
#include "certs.h"
#include "check_config.h"
#include "cmd_doctor.h"
#include "config.h"
#include "flags.h"
#include "json_memory.h"
#include "log.h"
#include "log_config.h"
#include "relay_commands.h"
#include "server.h"
#include "version.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
print_version(void)
{
	printf("derper ");
	return print_line(version_text);
}

static int
status_of(int rc, const struct fail *why)
{
	if (rc == 0)
		return 0;
	log_error("derper: %s", why->text);
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

/* Its words have flags of a relay among them. */
static int
run_doctor(int argc, char **argv)
{
	char *words[CMD_DOCTOR_WORDS_MAX + 1];
	const int count = cmd_doctor_arrange(argc, argv, words);

	if (count == -1) {
		fputs("derper: too many flags\n", stderr);
		return 2;
	}
	return relay_commands_main(&cmd_doctor, count, words);
}

int
main(int argc, char **argv)
{
	struct config config;
	struct fail why = { 0 };
	int status;

	log_config_begin(getenv);
	json_set_alloc_funcs(json_memory_malloc, free);
	if (sodium_init() == -1) {
		log_error("derper: libsodium does not start");
		return 1;
	}
	if (argc > 1 && strcmp(argv[1], "version") == 0)
		return print_version();
	if (argc > 1 && strcmp(argv[1], cmd_doctor.name) == 0)
		return run_doctor(argc, argv);
	if (argc > 1 && relay_commands_has(&cmd_doctor, argv[1]))
		return relay_commands_main(&cmd_doctor, argc, argv);
	switch (flags_parse(&config, argc, argv, getenv, &why)) {
	case FLAGS_OK:
		break;
	case FLAGS_HELP:
		return status_of(flags_print_usage(&why), &why);
	case FLAGS_USAGE:
		fprintf(stderr, "%s\nderper -h lists the flags\n", why.text);
		return 2;
	case FLAGS_BAD:
		if (config.check_config)
			return check_config_refused(&config, why.text);
		log_error("derper: %s", why.text);
		return 1;
	}
	if (config.show_version)
		return print_version();
	if (config.completion[0] != '\0')
		return status_of(flags_print_completion(
				     config.completion, &cmd_doctor, &why),
		    &why);
	if (config.renew_self_signed)
		return renew_certificate(&config);
	status = config.check_config
	    ? check_config_run(&config)
	    : status_of(server_run(&config, &why), &why);
	acme_config_wipe(&config.acme);
	return status;
}
