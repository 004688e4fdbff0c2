/* cmd_serve: answers the questions of relays: the admission protocol. */
#include "num.h"
#include "serve.h"
#include "source_options.h"
#include "verify_commands.h"

#include <stdlib.h>
#include <sys/resource.h>

#define REQUEST_MS 10000
/* Longer than the Go derper keeps an idle connection (90 s), so that it is the
 * one to close it: a question that meets our end of a connection would count as
 * a controller that cannot be reached. */
#define IDLE_MS 120000
/* Less than the 5 s that relays wait, so that they get an answer. */
#define ASK_MS 4000
#define DRAIN_MS 5000

struct arguments {
	struct source_options sources; /* first */
	struct opts_list listen;
	const char *listen_mode;
	const char *cert, *key, *token_file, *last_good;
	bool allow_plain, quiet;
	int64_t connections, per_address;
	uint64_t request_ms, idle_ms, answer_ms;
};

static int
read_mode(const char *text, mode_t *mode)
{
	int64_t value;
	char octal[16];
	struct writer w = writer_of(octal, sizeof octal);

	writer_printf(&w, "0o%s", text);
	if (w.failed || num_parse_int(writer_slice(&w), 0, 0777, &value) == -1)
		return -1;
	*mode = (mode_t)value;
	return 0;
}

static const char *
or_null(const char *text)
{
	return text != NULL && text[0] != '\0' ? text : NULL;
}

/* One descriptor for each connection, and what the sources need. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
check_numbers(const struct command_call *call, const struct arguments *a)
{
	if (a->connections < 1 || a->connections > 1000000 ||
	    a->per_address < 1 || a->per_address > 1000000)
		return command_misuse(
		    call, "the limits of connections must be 1 to 1000000");
	if (a->request_ms < 100 || a->idle_ms < 100)
		return command_misuse(call,
		    "--request-timeout and --idle-timeout must be 100ms "
		    "or more");
	if (a->answer_ms > ASK_MS)
		return command_misuse(call,
		    "--answer-time must be 4s or less: relays wait for 5 s");
	return 0;
}

/* Wrong usage is told before anything is read or opened. */
static int
check_words(const struct command_call *call, const struct sd_listen *given,
    mode_t *mode)
{
	const struct arguments *a = call->values;
	const int misuse = check_numbers(call, a);

	if (misuse != 0)
		return misuse;
	if (call->word_count != 0)
		return command_misuse(
		    call, "\"%s\" is not an option", call->words[0]);
	if (a->listen.n > SERVE_ADDRESSES_MAX ||
	    (a->listen.n == 0 && given->count == 0))
		return command_misuse(call,
		    "name an address to listen on, at most %d: --listen",
		    SERVE_ADDRESSES_MAX);
	if (read_mode(a->listen_mode, mode) == -1)
		return command_misuse(call,
		    "--listen-mode: \"%s\" is not a mode such as 0600",
		    a->listen_mode);
	return 0;
}

static int
serve(const struct command_call *call, const struct verify_config *verify,
    const struct sd_listen *given, mode_t mode)
{
	const struct arguments *a = call->values;
	const struct serve_config config = {
		.addresses = a->listen.v,
		.address_count = a->listen.n,
		.given = given,
		.listen_mode = mode,
		.cert_file = or_null(a->cert),
		.key_file = or_null(a->key),
		.allow_plain = a->allow_plain,
		.token_file = or_null(a->token_file),
		.connections_max = (size_t)a->connections,
		.connections_per_address = (size_t)a->per_address,
		.request_ms = a->request_ms,
		.idle_ms = a->idle_ms,
		.answer_ms = a->answer_ms,
		.drain_ms = DRAIN_MS,
		.quiet = a->quiet,
		.verify = verify,
		.verify_file = or_null(a->sources.config),
		.ask_ms = a->sources.ask_ms,
		.last_good = or_null(a->last_good),
	};
	struct fail why = { 0 };

	if (serve_run(&config, &why) == -1)
		return command_fail(call, "%s", why.text);
	return COMMAND_DONE;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct verify_config verify;
	struct fail why = { 0 };
	struct sd_listen given;
	mode_t mode = 0;
	int status;

	if (sd_listen_take(&given, getenv, &why) == -1)
		return command_fail(call, "%s", why.text);
	status = check_words(call, &given, &mode);
	if (status == 0)
		status = source_options_read(&a->sources, call, &verify);
	if (status != 0)
		return status;
	verify.context.interactive = false;
	if (or_null(a->sources.config) == NULL)
		source_options_follow(&a->sources, &verify);
	raise_descriptors();
	status = serve(call, &verify, &given, mode);
	verify_config_clear(&verify);
	return status;
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	SOURCE_OPTIONS(struct arguments),
	{ "listen", OPTS_LIST, AT(listen), "ADDRESS",
	    "serve on IP:PORT, :PORT or unix:PATH" },
	{ "cert", OPTS_TEXT, AT(cert), "FILE",
	    "PEM certificate and chain: serve TLS on all IP addresses" },
	{ "key", OPTS_TEXT, AT(key), "FILE", "PEM key of the certificate" },
	{ "allow-plain", OPTS_BOOL, AT(allow_plain), NULL,
	    "serve plain HTTP also on addresses that others can reach" },
	{ "listen-mode", OPTS_TEXT, AT(listen_mode), "MODE",
	    "permissions of unix sockets" },
	{ "token-file", OPTS_TEXT, AT(token_file), "FILE",
	    "who asks must name one of the tokens in it, one a line" },
	{ "last-good-folder", OPTS_TEXT, AT(last_good), "FOLDER",
	    "keep the last good set of each source there, so that members are "
	    "known after a restart during an outage; another one than a "
	    "relay's" },
	{ "max-connections", OPTS_DECIMAL, AT(connections), "N",
	    "maximum concurrent connections" },
	{ "max-connections-per-address", OPTS_DECIMAL, AT(per_address), "N",
	    "of them from one IPv4 address or IPv6 /64; more get status 503" },
	{ "request-timeout", OPTS_DURATION, AT(request_ms), "DURATION",
	    "to receive a request, TLS handshake included" },
	{ "idle-timeout", OPTS_DURATION, AT(idle_ms), "DURATION",
	    "between two requests of a connection" },
	{ "answer-time", OPTS_DURATION, AT(answer_ms), "DURATION",
	    "answer that long after the question, or later, so that the time "
	    "tells nothing about the key" },
	{ "quiet", OPTS_BOOL, AT(quiet), NULL,
	    "no log line for each question; refusals and outages are logged" },
};

static const struct arguments defaults = {
	.sources = { .policy = { .name = verify_config_policy_name },
	    .ask_ms = ASK_MS },
	.listen_mode = "0600",
	.connections = 4096,
	.per_address = 1024,
	.request_ms = REQUEST_MS,
	.idle_ms = IDLE_MS,
};

const struct command cmd_serve = {
	.name = "serve",
	.summary = "answer relays that ask whether a node key may use them",
	.arguments = "[options]",
	.text =
	    "Answers the admission protocol on /verify as headscale does, from "
	    "the sources\nthat are named: for stock derpers, and for many "
	    "relays at once. A relay uses it\nwith --verify-client-url "
	    "https://HOST/verify. /metrics (Prometheus) and /healthz\nare "
	    "served, too. Each source may be given several times.\n\n"
	    "Plain HTTP is for loopback addresses and unix sockets. With "
	    "--token-file a relay\nmust name a token. A derper cannot send a "
	    "header, but takes it in its URL:\n\n"
	    "  --verify-client-url https://relay:TOKEN@HOST/verify   (hidden "
	    "in "
	    "its log)\n"
	    "  --verify-client-url https://HOST/verify/TOKEN\n\n"
	    "Others send \"Authorization: Bearer TOKEN\", which /metrics "
	    "wants, "
	    "too. A Go derper\nadmits everybody while it cannot reach this "
	    "server, unless it is started with\n"
	    "--verify-client-url-fail-open=false.\n",
	.notes =
	    "Answers: 200 {\"Allow\": true} or {\"Allow\":false}, of one "
	    "length; 503 when no source\ncould tell, 400, 401, 405, 413 for "
	    "what is not a question. Certificate, tokens, node\nlists and the "
	    "file of --config are read again when they change and on SIGHUP; "
	    "SIGTERM answers what "
	    "was\nasked, and ends. Sockets that systemd gives are served "
	    "instead of --listen; with\nType=notify it is told when the server "
	    "is ready, reloads and stops, and that it\nlives. Exit status: 0 "
	    "ended by a signal, 2 it "
	    "could not start.\n",
	.examples =
	    "  derpverify serve --listen 127.0.0.1:8080 --nodes "
	    "/etc/derper/nodes\n"
	    "  derpverify serve --listen :443 --cert fullchain.pem --key "
	    "privkey.pem \\\n      --token-file /etc/derpverify/tokens "
	    "--socket "
	    "/run/tailscale/tailscaled.sock\n"
	    "  derpverify serve --listen unix:/run/derpverify.sock "
	    "--listen-mode 0660 --nodes nodes\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.more_options = source_options_of_kinds,
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};
