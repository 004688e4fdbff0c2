/* cmd_probe: measures live relays as their clients see them. */
#include "colour.h"
#include "commands.h"
#include "infile.h"
#include "load.h"
#include "outfile.h"
#include "port.h"
#include "probe_json.h"
#include "probe_metrics.h"
#include "probe_run.h"
#include "probe_text.h"

#include <sodium.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY_FILE_MAX 65536
#define CONCURRENCY_MAX 256
#define CONNECTS_MAX 100
#define WATCH_MAX_S (7 * 24 * 60 * 60)

enum format { FORMAT_TEXT, FORMAT_JSON };

struct arguments {
	struct opts_list urls, regions, nodes;
	const char *cert_name, *ca_file, *key_file, *proxy, *metrics_file;
	struct opts_choice format, colour;
	bool verbose, only_v4, only_v6, no_progress;
	int64_t concurrency, connects, http_port, stun_port, watch_s;
	uint64_t timeout_ms;
};

static const char *
format_name(size_t n)
{
	static const char *const names[] = {
		[FORMAT_TEXT] = "text",
		[FORMAT_JSON] = "json",
	};

	return n < sizeof names / sizeof names[0] ? names[n] : NULL;
}

/* --- what is probed --- */

static int
add_urls(struct probe_plan *plan, const struct arguments *a, struct fail *why)
{
	for (size_t i = 0; i < a->urls.n; i++) {
		struct probe_node *node;

		if (probe_plan_add_url(plan, a->urls.v[i], &node, why) == -1)
			return -1;
		if (a->cert_name != NULL)
			node->cert_name = a->cert_name;
		node->stun_port = a->stun_port;
	}
	return 0;
}

/* As lint reads it: slips as they were meant, a map in another file found. */
static int
add_file(struct probe_plan *plan, const struct arguments *a, const char *file,
    struct fail *why)
{
	const struct load_how how = { .form = LOAD_DETECT, .as_meant = true };
	const struct probe_choice choice = {
		.regions = a->regions.v,
		.region_count = a->regions.n,
		.nodes = a->nodes.v,
		.node_count = a->nodes.n,
	};
	struct load l;
	int result = -1;

	if (load_open_as(&l, file, &how, why) == -1)
		return -1;
	if (l.doc.error != DOC_OK || l.kind.map == NULL || l.map.is_unclear)
		fail_set(why,
		    "%s: not a map that can be read (derpmap lint tells why)",
		    infile_name(file));
	else
		result = probe_plan_add_map(plan, &l.map, &choice, why);
	load_close(&l);
	return result;
}

static int
make_plan(
    struct probe_plan *plan, const struct command_call *call, struct fail *why)
{
	const struct arguments *a = call->values;

	if (probe_plan_init(plan) == -1)
		return fail_set(why, "not enough memory");
	if (add_urls(plan, a, why) == -1)
		return -1;
	for (int i = 0; i < call->word_count; i++)
		if (add_file(plan, a, call->words[i], why) == -1)
			return -1;
	return plan->n > 0 ? 0 : fail_set(why, "there is no node to probe");
}

/* --- settings --- */

struct settings {
	struct probe_config config;
	struct relay_cert_roots *roots; /* owned */
	struct derp_private_key key;
	struct proxy proxy;
	bool has_progress; /* a progress line is on the terminal */
};

/* The only private key in the file, alone or within JSON; -1: there is none, or
 * there are several, and which one is the node's is not known. */
static int
find_key(struct derp_private_key *key, struct slice text)
{
	const size_t n = DERP_KEY_TEXT - 1;
	struct derp_private_key each;
	size_t found = 0;

	for (size_t i = 0; i + n <= text.n; i++)
		if (derp_private_key_parse(&each, slice_of(text.p + i, n)) ==
		    0) {
			*key = each;
			found++;
		}
	derp_private_key_clear(&each);
	return found == 1 ? 0 : -1;
}

static int
read_key(struct settings *s, const char *file, struct fail *why)
{
	struct buf text;
	int result = infile_read(&text, file, KEY_FILE_MAX, why);

	if (result == 0 && find_key(&s->key, buf_slice(&text)) == -1)
		result = fail_set(why,
		    "%s: not one private key (privkey: and 64 hex digits)",
		    file);
	if (text.p != NULL)
		sodium_memzero(text.p, text.cap);
	buf_clear(&text);
	s->config.key = &s->key;
	return result;
}

/* Options that say of a relay what its map would. */
static int
check_url_options(const struct arguments *a, struct fail *why)
{
	if (!port_is_valid(a->stun_port) && a->stun_port != PORT_STUN_OFF)
		return fail_set(
		    why, "--stun-port is from 1 to %d, or -1", PORT_MAX);
	if (a->urls.n > 0)
		return 0;
	if (a->cert_name != NULL)
		return fail_set(why, "--cert-name goes with --url");
	if (a->stun_port != PORT_STUN)
		return fail_set(why, "--stun-port goes with --url");
	return 0;
}

static int
check_numbers(const struct arguments *a, struct fail *why)
{
	if (a->concurrency < 1 || a->concurrency > CONCURRENCY_MAX)
		return fail_set(
		    why, "--concurrency is from 1 to %d", CONCURRENCY_MAX);
	if (a->connects < 1 || a->connects > CONNECTS_MAX)
		return fail_set(
		    why, "--connects is from 1 to %d", CONNECTS_MAX);
	if (!port_is_valid(a->http_port))
		return fail_set(why, "--http-port is from 1 to %d", PORT_MAX);
	if (a->watch_s < 0 || a->watch_s > WATCH_MAX_S)
		return fail_set(why, "--watch is up to %d", WATCH_MAX_S);
	if (a->timeout_ms == 0)
		return fail_set(why, "--timeout must be more than nothing");
	if (a->only_v4 && a->only_v6)
		return fail_set(why, "-4 and -6 exclude each other");
	if (a->metrics_file != NULL && a->metrics_file[0] == '\0')
		return fail_set(why, "--metrics-file names no file");
	return check_url_options(a, why);
}

static int
open_settings(struct settings *s, const struct arguments *a, struct fail *why)
{
	*s = (struct settings){
		.config = {
			.concurrency = (unsigned)a->concurrency,
			.connects = (unsigned)a->connects,
			.total_ms = a->timeout_ms,
			.portal_port = (uint16_t)a->http_port,
			.ipv4 = !a->only_v6,
			.ipv6 = !a->only_v4,
		},
	};
	if (a->key_file != NULL && read_key(s, a->key_file, why) == -1)
		return -1;
	if (a->proxy != NULL) {
		if (proxy_parse(&s->proxy, a->proxy, why) == -1)
			return -1;
		s->config.proxy = &s->proxy;
	}
	s->roots = relay_cert_roots_load(a->ca_file, why);
	s->config.roots = s->roots;
	return s->roots != NULL ? 0 : -1;
}

static void
close_settings(struct settings *s)
{
	relay_cert_roots_free(s->roots);
	derp_private_key_clear(&s->key);
	sodium_memzero(&s->proxy, sizeof s->proxy);
}

/* --- progress --- */

static void
show_progress(void *ctx, size_t done, size_t total)
{
	struct settings *s = ctx;

	fprintf(stderr, "\rprobing: %zu of %zu", done, total);
	s->has_progress = true;
}

static void
clear_progress(struct settings *s)
{
	if (s->has_progress)
		fputs("\r\033[K", stderr);
	s->has_progress = false;
}

/* --- output --- */

static int
write_metrics(
    const char *file, const struct probe_report *report, struct fail *why)
{
	struct buf text;
	int result;

	buf_init(&text, PROBE_METRICS_MAX);
	result = probe_metrics(&text, report) == 0
	    ? outfile_write(file, buf_slice(&text), why)
	    : fail_set(why, "not enough memory for the metrics");
	buf_clear(&text);
	return result;
}

static int
print(const struct command_call *call, const struct probe_report *report,
    struct fail *why)
{
	const struct arguments *a = call->values;
	const struct probe_text_how how = {
		.colour =
		    colour_wanted((enum colour_when)a->colour.n, STDOUT_FILENO),
		.infos = a->verbose,
	};
	const int result = a->format.n == FORMAT_JSON
	    ? probe_json(stdout, report, a->watch_s > 0)
	    : probe_text(stdout, report, &how);

	if (result == -1 || probe_report_is_short(report))
		return fail_set(why, "not enough memory");
	if (a->metrics_file != NULL &&
	    write_metrics(a->metrics_file, report, why) == -1)
		return -1;
	return 0;
}

static int
finish(const struct command_call *call, const struct probe_report *report)
{
	const struct probe_totals t = probe_report_totals(report);
	struct fail why = { .text = "" };

	if (print(call, report, &why) == -1)
		return command_fail(call, "%s", why.text);
	if (command_flush(call) != COMMAND_DONE)
		return COMMAND_UNUSABLE;
	return t.n[PROBE_ERROR] + t.n[PROBE_WARNING] > 0 ? COMMAND_FINDINGS
							 : COMMAND_DONE;
}

/* --- the command --- */

static int
probe_once(const struct command_call *call, struct settings *s)
{
	struct fail why = { .text = "" };
	struct probe_report report;
	struct probe_plan plan;
	int status;

	if (make_plan(&plan, call, &why) == -1) {
		status = command_fail(call, "%s", why.text);
	} else if (probe_run(&s->config, &plan, &report, &why) == -1) {
		clear_progress(s);
		status = command_fail(call, "%s", why.text);
	} else {
		clear_progress(s);
		status = finish(call, &report);
		probe_report_clear(&report);
	}
	probe_plan_clear(&plan);
	return status;
}

/* Again and again until a signal ends the program, which holds nothing that
 * must be put in order. The map is read each time. A run that could not be done
 * is told and does not end it. */
static int
probe_all(const struct command_call *call, struct settings *s)
{
	const struct arguments *a = call->values;
	const struct timespec pause = { .tv_sec = (time_t)a->watch_s };
	int status = probe_once(call, s);

	while (a->watch_s > 0) {
		nanosleep(&pause, NULL);
		status = probe_once(call, s);
	}
	return status;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct fail why = { .text = "" };
	struct settings s;
	int status;

	if (call->word_count == 0 && a->urls.n == 0)
		return command_misuse(call, "give a map, or --url");
	if (check_numbers(a, &why) == -1)
		return command_misuse(call, "%s", why.text);
	if (sodium_init() == -1)
		return command_fail(call, "cannot start libsodium");
	if (open_settings(&s, a, &why) == -1) {
		status = command_fail(call, "%s", why.text);
	} else {
		if (isatty(STDERR_FILENO) && !a->no_progress) {
			s.config.progress = show_progress;
			s.config.progress_ctx = &s;
		}
		status = probe_all(call, &s);
	}
	close_settings(&s);
	return status;
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "url", OPTS_LIST, AT(urls), "url",
	    "probe https://HOST[:PORT] without a map; may be repeated" },
	{ "cert-name", OPTS_TEXT, AT(cert_name), "text",
	    "certname of the nodes of --url: a name or a pin" },
	{ "stun-port", OPTS_DECIMAL, AT(stun_port), "port",
	    "UDP port of STUN of the nodes of --url; -1 for none" },
	{ "region", OPTS_LIST, AT(regions), "id",
	    "only this region, by id or code; may be repeated" },
	{ "node", OPTS_LIST, AT(nodes), "name",
	    "only this node; may be repeated" },
	{ "4", OPTS_BOOL, AT(only_v4), NULL, "only IPv4" },
	{ "6", OPTS_BOOL, AT(only_v6), NULL, "only IPv6" },
	{ "key-file", OPTS_TEXT, AT(key_file), "file",
	    "log in as the node whose private key is in this file" },
	{ "ca-file", OPTS_TEXT, AT(ca_file), "file",
	    "PEM roots instead of the system's" },
	{ "proxy", OPTS_TEXT, AT(proxy), "url",
	    "through this HTTP proxy, as clients behind it connect" },
	{ "connects", OPTS_DECIMAL, AT(connects), "n",
	    "how often to connect to each node, to compare server keys" },
	{ "http-port", OPTS_DECIMAL, AT(http_port), "port",
	    "port of the captive portal check, where it is mapped" },
	{ "concurrency", OPTS_DECIMAL, AT(concurrency), "n",
	    "how many nodes to probe at a time" },
	{ "timeout", OPTS_DURATION, AT(timeout_ms), "duration",
	    "time limit of a whole probe" },
	{ "format", OPTS_CHOICE, AT(format), "name", "form of the output" },
	{ "v", OPTS_BOOL, AT(verbose), NULL, "show information, too" },
	{ "color", OPTS_CHOICE, AT(colour), "when", "colours in text" },
	{ "watch", OPTS_DECIMAL, AT(watch_s), "seconds",
	    "probe again after that pause, until interrupted" },
	{ "metrics-file", OPTS_TEXT, AT(metrics_file), "file",
	    "write Prometheus metrics there after each probe" },
	{ "no-progress", OPTS_BOOL, AT(no_progress), NULL,
	    "no progress on a terminal" },
};

static const struct arguments defaults = {
	.format = { .name = format_name },
	.colour = { .name = colour_name },
	.concurrency = 32,
	.connects = 5,
	.http_port = PORT_HTTP,
	.stun_port = PORT_STUN,
	.timeout_ms = 60000,
};

const struct command cmd_probe = {
	.name = "probe",
	.summary = "measure live relays as their clients see them",
	.arguments = "[options] FILE... | --url URL",
	.text =
	    "Connects to each node of a map, over IPv4 and IPv6, as clients\n"
	    "do: address, TCP, TLS by the rule of certname, metacert, "
	    "upgrade,\n"
	    "login, fast start, packets between two keys and between the\n"
	    "nodes of a region, STUN and the address that it reports, latency\n"
	    "check, captive portal check, whether the server key is the same\n"
	    "each time. Each finding says what was tried, what came, what it\n"
	    "means for clients and what to do.\n"
	    "A relay that admits known nodes only is alive: its login is\n"
	    "tested by the way in which it refuses a new key, or with\n"
	    "--key-file. A real key must not be in use at the same time: the\n"
	    "relay would send part of that node's packets here. It is not\n"
	    "used where the relay's certificate is not good.\n",
	.notes = "Exit status: 0 everything works, 1 warnings or errors, 2 "
		 "unusable input.\nWith --watch, JSON comes as one line for "
		 "each probe.\n",
	.examples = "  derpmap probe derp.yaml\n"
		    "  derpmap probe --url https://derp.example.org\n"
		    "  derpmap probe --url https://203.0.113.7 \\\n"
		    "      --cert-name sha256-raw:HEX\n"
		    "  derpmap probe --region home -v derp.yaml\n"
		    "  derpmap probe --watch 60 --metrics-file "
		    "/var/lib/node_exporter/derp.prom derp.yaml\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
