/* cmd_doctor: see cmd_doctor.h. */
#include "cmd_doctor.h"

#include "control_client.h"
#include "doctor_checks.h"
#include "doctor_relay.h"
#include "flags.h"
#include "port_owner.h"
#include "verify_source.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
	struct control_client_options control; /* first */
	bool json;
	const char *map;
};

/* What the command works with; too large for a stack. */
struct visit {
	struct config config;
	struct check_facts facts;
	struct doctor_report report;
	struct doctor_relay relay;
	struct doctor_rights rights;
	char pin[DOCTOR_PIN];
	char *words[CMD_DOCTOR_WORDS_MAX + 2]; /* for flags_parse */
	char map[PATH_MAX];
};

/* ---- the relay */

/* The one that runs. -1: it is asked for, and not there, or where we cannot
 * look. */
static int
find_relay(struct visit *v, const struct command_call *call, struct fail *why)
{
	const struct arguments *a = call->values;

	if (doctor_relay_find(
		&v->relay, control_client_socket(&a->control), why) == 0)
		return 0;
	if (a->control.socket[0] != '\0' ||
	    (v->relay.is_elsewhere && call->word_count == 0))
		return -1;
	*why = (struct fail){ 0 };
	return 0;
}

/* A relay may run all the same. */
static const char *
advice_for(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "run this as root: only root and the user that runs the "
		       "relay may ask it";
	case EAGAIN:
		return "the relay may hang: see its log, and restart it";
	default:
		return "start the relay (its log tells why it ends), or give "
		       "its flags: derper doctor -hostname NAME ...";
	}
}

/* Else all that follows would read as the relay's own faults. */
static void
report_no_relay(struct visit *v, const struct command_call *call)
{
	const struct arguments *a = call->values;

	doctor_report_add(&v->report, "start", DOCTOR_WARNING,
	    advice_for(v->relay.error),
	    "no relay answers at %s (%s): what follows is about a start with "
	    "the variables of this shell alone",
	    control_client_socket(&a->control), strerror(v->relay.error));
}

/* The words that flags_parse gets: those after --, or the running relay's. */
static int
choose_words(struct visit *v, const struct command_call *call, int *count,
    struct fail *why)
{
	static char name[] = "derper";

	if (call->word_count > CMD_DOCTOR_WORDS_MAX)
		return fail_set(why, "too many flags");
	v->words[0] = name;
	memcpy(v->words + 1, call->words,
	    (size_t)call->word_count * sizeof v->words[0]);
	*count = call->word_count + 1;
	if (call->word_count > 0)
		return 0;
	if (v->relay.pid == 0) {
		report_no_relay(v, call);
		return 0;
	}
	if (doctor_relay_read(&v->relay, why) == -1)
		return -1;
	memcpy(v->words, v->relay.words,
	    (size_t)v->relay.word_count * sizeof v->words[0]);
	*count = v->relay.word_count;
	if (!v->relay.has_variables)
		doctor_report_add(&v->report, "start", DOCTOR_WARNING,
		    "run this as root",
		    "the variables of the relay that runs cannot be read: "
		    "those of this shell count");
	return 0;
}

/* ---- looking */

/* Whether the relay that runs is another than the one that the flags after the
 * options tell of. */
static bool
is_another(const struct visit *v, const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct port_owner owner;

	if (call->word_count == 0 || a->control.socket[0] != '\0')
		return false;
	port_owner_find(
	    &owner, false, v->facts.setup.main_addr.port, v->relay.pid);
	/* who has it can be hidden from us: then it is hopefully the relay */
	return !owner.is_taken || (owner.pid != 0 && owner.pid != v->relay.pid);
}

/* Where the relay listens that was given sockets: not where its flags say. */
static void
take_given_ports(struct visit *v)
{
	const struct doctor_relay *r = &v->relay;
	struct server_setup *s = &v->facts.setup;
	const struct netaddr *first =
	    v->config.use_tls ? &r->given_https : &r->given_http;

	if (first->port != 0)
		s->main_addr = *first;
	if (v->config.use_tls && r->given_http.port != 0)
		s->http_addr = r->given_http;
	if (r->given_stun.port != 0)
		s->stun_addr = r->given_stun;
}

/* What a start would do, and what else is read where the flags say. */
static void
look_at_start(struct visit *v, const struct command_call *call)
{
	check_facts_look(&v->facts, &v->config);
	take_given_ports(v);
	doctor_certificate_pin(&v->facts, v->pin);
	if (is_another(v, call))
		v->relay.pid = 0;
}

/* Keys in variables that are not taken over from the relay, for their names:
 * what is said of those sources is said without the key. */
static void
tell_of_keys_left(struct visit *v)
{
	const struct verify_config *admission = &v->facts.setup.admission;

	for (size_t i = 0; i < admission->source_count; i++) {
		const char *variable = verify_source_option(
		    &admission->sources[i], "key-variable");

		if (variable != NULL && getenv(variable) == NULL &&
		    doctor_relay_left(&v->relay, variable))
			doctor_report_add(&v->report, "sources", DOCTOR_WARNING,
			    "name it so that it ends in _KEY, _TOKEN or "
			    "_SECRET, or have the key in a file",
			    "the relay has the variable %s, which is not "
			    "looked into for its name: whether that key is "
			    "right cannot be told",
			    variable);
	}
}

struct check {
	void (*run)(const struct doctor_subject *d);
	bool is_relays; /* with the relay's rights */
};

/* Each with the rights that it needs. */
static int
look(struct visit *v, struct fail *why)
{
	static const struct check checks[] = {
		{ doctor_start, true },
		{ doctor_certificate, true },
		{ doctor_served, true },
		{ doctor_clock, true },
		{ doctor_ports, false },
		{ doctor_firewall, false },
		{ doctor_names, true },
		{ doctor_stun, true },
		{ doctor_sources, true },
		{ doctor_limits, false },
		{ doctor_map, false },
	};
	const struct doctor_subject subject = {
		.config = &v->config,
		.found = &v->facts,
		.pid = v->relay.pid,
		.map = v->map,
		.pin = v->pin,
		.report = &v->report,
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof checks / sizeof checks[0] && rc == 0;
	     i++) {
		if (checks[i].is_relays)
			rc = doctor_rights_take(&v->rights, why);
		if (rc == 0)
			checks[i].run(&subject);
		if (checks[i].is_relays &&
		    doctor_rights_give_back(&v->rights, why) == -1)
			rc = -1;
	}
	return rc;
}

static int
print(const struct command_call *call, const struct visit *v)
{
	const struct arguments *a = call->values;
	struct fail why = { 0 };
	int status;

	if (doctor_report_print(&v->report, a->json, v->relay.pid, &why) == -1)
		return command_fail(call, "%s", why.text);
	status = command_flush(call);
	if (status != COMMAND_DONE)
		return status;
	return v->report.counts[DOCTOR_ERROR] > 0 ? COMMAND_FINDINGS
						  : COMMAND_DONE;
}

/* The folder may become another one. */
static int
find_map(struct visit *v, const struct arguments *a, struct fail *why)
{
	if (a->map[0] == '\0' || realpath(a->map, v->map) != NULL)
		return 0;
	return fail_errno(why, "%s", a->map);
}

/* Whose words they are decides with what rights is done what they say. */
static int
prepare(struct visit *v, const struct command_call *call, int *count,
    struct fail *why)
{
	if (find_map(v, call->values, why) == -1 ||
	    find_relay(v, call, why) == -1 ||
	    choose_words(v, call, count, why) == -1)
		return -1;
	return doctor_rights_open(&v->rights,
	    call->word_count > 0 ? 0 : v->relay.pid, &v->relay.user, why);
}

/* Reads the flags, and looks at what they say, with the relay's rights. */
static int
parse(struct visit *v, const struct command_call *call, int count,
    enum flags_result *result, struct fail *refusal, struct fail *why)
{
	int rc = doctor_rights_take(&v->rights, why);

	if (rc == 0) {
		*result =
		    flags_parse(&v->config, count, v->words, getenv, refusal);
		if (*result == FLAGS_OK)
			look_at_start(v, call);
	}
	return doctor_rights_give_back(&v->rights, why) == -1 ? -1 : rc;
}

static int
visit(struct visit *v, const struct command_call *call)
{
	enum flags_result result = FLAGS_BAD;
	struct fail why = { 0 }, refusal = { 0 };
	int count = 0, rc = 0;

	if (prepare(v, call, &count, &why) == -1 ||
	    parse(v, call, count, &result, &refusal, &why) == -1)
		return command_fail(call, "%s", why.text);
	switch (result) {
	case FLAGS_HELP:
	case FLAGS_USAGE:
		return command_misuse(call, "%s", refusal.text);
	case FLAGS_BAD:
		doctor_report_add(&v->report, "start", DOCTOR_ERROR, NULL, "%s",
		    refusal.text);
		break;
	case FLAGS_OK:
		tell_of_keys_left(v);
		rc = look(v, &why);
		check_facts_clear(&v->facts);
		break;
	}
	return rc == 0 ? print(call, v) : command_fail(call, "%s", why.text);
}

static int
run(const struct command_call *call)
{
	struct visit *v = calloc(1, sizeof *v);
	int status;

	if (v == NULL)
		return command_fail(call, "not enough memory");
	doctor_report_init(&v->report);
	(void)doctor_rights_open(&v->rights, 0, NULL, NULL);
	status = visit(v, call);
	doctor_rights_close(&v->rights);
	doctor_relay_clear(&v->relay);
	doctor_report_clear(&v->report);
	free(v);
	return status;
}

/* ---- the command */

static const struct opts_row options[] = {
	CONTROL_CLIENT_OPTION,
	{ "json", OPTS_BOOL, offsetof(struct arguments, json), NULL,
	    "print JSON (schemas/doctor.schema.json)" },
	{ "map", OPTS_TEXT, offsetof(struct arguments, map), "file",
	    "compare this map with the relay, and try it, with derpmap" },
};
static const struct arguments defaults = { .control = { .socket = "" },
	.map = "" };

const struct command cmd_doctor = {
	.name = "doctor",
	.summary = "look for what is wrong with a relay and its host",
	.arguments = "[options] [flags of the relay]",
	.text =
	    "Looks at the relay that runs, as it was started, or at one that "
	    "would be\nstarted with the flags given and the variables that "
	    "are set: its start,\ncertificate, clock, ports, firewall rules, "
	    "host name, STUN, sources of\nadmission, limits and, with --map, "
	    "a map. Tells for each what is right,\nwhat is wrong and what to "
	    "do. Run it as root on the relay's host: it changes\nnothing, and "
	    "asks nobody whom the configuration does not name.\n",
	.notes = "Exit status: 0 no error, 1 errors, 2 no relay at "
		 "--control-socket, one in\nanother container, or wrong "
		 "usage.\n",
	.examples =
	    "  derper doctor\n"
	    "  derper doctor --map /etc/headscale/derp.yaml\n"
	    "  derper doctor -hostname derp.example.net -certmode manual \\\n"
	    "      -certdir /etc/derper/certs\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};

/* ---- flags of a relay among its words */

/* Whether the word is the option, alone or with =. */
static bool
is_option(const char *word, const char *name)
{
	const size_t n = strlen(name);

	if (word[0] != '-')
		return false;
	word += word[1] == '-' ? 2 : 1;
	return strncmp(word, name, n) == 0 &&
	    (word[n] == '\0' || word[n] == '=');
}

/* How many words the option takes; 0: it is none of the command's. */
static int
words_of(const char *word)
{
	if (is_option(word, "json") || is_option(word, "h") ||
	    is_option(word, "help"))
		return 1;
	if (is_option(word, "map") || is_option(word, "control-socket"))
		return strchr(word, '=') != NULL ? 1 : 2;
	return 0;
}

int
cmd_doctor_arrange(int argc, char **argv, char **to)
{
	static char end[] = "--";
	int n = 0;

	if (argc + 1 > CMD_DOCTOR_WORDS_MAX)
		return -1;
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < argc; i++) {
			const int own =
			    i < 2 ? 1 : words_of(argv[i]); /* the command */
			const int take = own > 0 ? own : 1;

			for (int k = 0; k < take && i + k < argc; k++)
				if ((own > 0) == (pass == 0) &&
				    strcmp(argv[i + k], end) != 0)
					to[n++] = argv[i + k];
			i += take - 1;
		}
		if (pass == 0)
			to[n++] = end;
	}
	to[n] = NULL;
	return n;
}
