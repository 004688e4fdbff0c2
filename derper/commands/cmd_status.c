/* cmd_status: what a running relay is doing. */
#include "colour.h"
#include "control_client.h"
#include "relay_commands.h"
#include "status_query.h"
#include "status_report.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 20
#define INTERVAL_MS 2000

struct arguments {
	struct control_client_options control; /* first */
	bool json, watch;
	int64_t clients;
	uint64_t interval_ms;
	struct opts_choice order, colour;
};

static const char *
order_name(size_t n)
{
	static const char *const names[] = { "traffic", "key" };

	return n < sizeof names / sizeof names[0] ? names[n] : NULL;
}

static int
print_text(const struct command_call *call, const json_t *status)
{
	const struct arguments *a = call->values;

	if (a->watch && isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	status_report(stdout, status,
	    colour_wanted((enum colour_when)a->colour.n, STDOUT_FILENO));
	return command_flush(call);
}

/* As it came, but for the control characters that JSON lets be in texts: they
 * are escaped there. */
static int
print_json(const struct command_call *call, struct slice body)
{
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] == 0x7f) {
			fputs("\\u007f", stdout);
		} else if (body.p[i] == 0xc2 && i + 1 < body.n &&
		    body.p[i + 1] < 0xa0) {
			i++;
			printf("\\u%04x", body.p[i]); /* U+0080 to U+009F */
		} else {
			putchar(body.p[i]);
		}
	putchar('\n');
	return command_flush(call);
}

/* What is not JSON is not printed as such: a terminal might obey it. */
static int
print(const struct command_call *call, struct slice body)
{
	const struct arguments *a = call->values;
	json_t *status = json_loadb((const char *)body.p, body.n, 0, NULL);
	int rc;

	if (!json_is_object(status))
		rc = command_fail(
		    call, "the answer is not the status of a relay");
	else
		rc =
		    a->json ? print_json(call, body) : print_text(call, status);
	json_decref(status);
	return rc;
}

static int
ask_once(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct control_client_answer answer;
	char path[96];
	int rc;

	snprintf(path, sizeof path, "/status.json?order=%s&limit=%" PRId64,
	    order_name(a->order.n), a->clients);
	if (control_client_ask(call, path, false, &answer) == -1)
		return COMMAND_UNUSABLE;
	if (answer.status != 200)
		rc = control_client_refused(call, &answer);
	else if (answer.body.n == CONTROL_CLIENT_BODY_MAX)
		rc = command_fail(call, "the relay's answer is too long");
	else
		rc = print(call, answer.body);
	control_client_clear(&answer);
	return rc;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	const struct timespec interval = { .tv_sec =
					       (time_t)(a->interval_ms / 1000),
		.tv_nsec = (long)(a->interval_ms % 1000) * 1000000 };
	int rc;

	if (call->word_count > 0)
		return command_misuse(
		    call, "unexpected argument \"%s\"", call->words[0]);
	if (a->clients < 0 || a->clients > STATUS_QUERY_JSON_CLIENTS)
		return command_misuse(call,
		    "--clients %" PRId64 " is not between 0 and %d", a->clients,
		    STATUS_QUERY_JSON_CLIENTS);
	if (a->interval_ms < 100 || a->interval_ms > 86400000)
		return command_misuse(
		    call, "--interval is not between 100ms and 24h");
	for (;;) {
		rc = ask_once(call);
		if (rc != COMMAND_DONE || !a->watch)
			return rc;
		nanosleep(&interval, NULL);
		if (!a->json && !isatty(STDOUT_FILENO))
			putchar('\n');
	}
}

static const struct opts_row options[] = {
	CONTROL_CLIENT_OPTION,
	{ "json", OPTS_BOOL, offsetof(struct arguments, json), NULL,
	    "print JSON (schemas/derper-status.schema.json)" },
	{ "watch", OPTS_BOOL, offsetof(struct arguments, watch), NULL,
	    "print it again and again, until interrupted or the relay is "
	    "gone" },
	{ "interval", OPTS_DURATION, offsetof(struct arguments, interval_ms),
	    "time", "from one to the next, with --watch" },
	{ "clients", OPTS_DECIMAL, offsetof(struct arguments, clients), "n",
	    "clients that are listed at most" },
	{ "order", OPTS_CHOICE, offsetof(struct arguments, order), "which",
	    "which of them: those with most traffic, or the first by key" },
	{ "color", OPTS_CHOICE, offsetof(struct arguments, colour), "when",
	    "whether to colour the text" },
};
static const struct arguments defaults = {
	.control = { .socket = "" },
	.clients = CLIENTS,
	.interval_ms = INTERVAL_MS,
	.order = { .name = order_name },
	.colour = { .name = colour_name },
};

const struct command cmd_status = {
	.name = "status",
	.summary = "tell what a running relay is doing",
	.arguments = "[options]",
	.text = "Who it is, since when, who may use it, how much it relays "
		"and drops, and its\nclients: key, name where admission knows "
		"one, address, how long it has been\nconnected, bytes per "
		"second from and to it, bytes that wait for it, and its\n"
		"round-trip time. Exit status: 0 done, 1 refused, 2 no relay, "
		"or wrong usage.\n",
	.examples = "  derper status --watch\n"
		    "  derper status --json --clients 1000 | jq "
		    "'.clients[].name'\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};
