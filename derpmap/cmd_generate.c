/* cmd_generate: a map of one region from options. */
#include "commands.h"
#include "encode_map.h"
#include "generate.h"
#include "lint.h"
#include "netaddr.h"
#include "outfile.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#define OUTPUT_MAX ((size_t)1 << 20)

struct arguments {
	struct generate_config config;
	bool from_derper;
	const char *certdir;
	const char *listen;        /* --a */
	struct opts_choice format; /* of load_form_name */
	const char *output;
};

/* Takes from derper's own settings what the map must say. */
static int
apply_derper(struct arguments *a, char pin[static PIN_TEXT], struct fail *why)
{
	bool pinned;

	if (!a->from_derper)
		return a->certdir == NULL
		    ? 0
		    : fail_set(why, "--certdir goes with --from-derper");
	if (a->certdir == NULL)
		return fail_set(why, "--from-derper needs --certdir");
	if (a->config.hostname == NULL)
		return fail_set(why, "--from-derper needs --hostname");
	if (generate_from_derper(a->certdir, a->config.hostname,
		(int64_t)time(NULL), pin, &pinned, why) == -1)
		return -1;
	if (pinned && a->config.cert_name == NULL)
		a->config.cert_name = pin;
	return 0;
}

/* The port of a listen address like derper's. */
static int
apply_listen(struct arguments *a, struct fail *why)
{
	struct netaddr listen;

	if (a->listen == NULL)
		return 0;
	if (netaddr_parse_listen(&listen, slice_str(a->listen)) == -1)
		return fail_set(why,
		    "--a %s is not a listen address like :443 or "
		    "198.18.0.7:443",
		    a->listen);
	a->config.derp_port = listen.port;
	return 0;
}

/* Rejects what would not lint clean; the lint rules themselves decide. */
static int
check_clean(struct slice text, bool json, struct fail *why)
{
	struct findings list;
	struct load l;

	if (load_text(&l, "generated", text, json ? LOAD_JSON : LOAD_HEADSCALE,
		why) == -1)
		return -1;
	findings_init(&list, l.arena);
	lint_run(&l, &list);
	if (list.failed)
		fail_set(why, "not enough memory to check the map");
	for (struct finding *f = list.first; f != NULL; f = f->next)
		if (f->severity >= SEVERITY_WARNING)
			fail_set(why, "the map would not be good: %s [%s]",
			    f->message, f->rule);
	load_close(&l);
	return why->text[0] == '\0' ? 0 : -1;
}

static int
write_result(const struct arguments *a, struct slice text, struct fail *why)
{
	if (a->output != NULL && strcmp(a->output, "-") != 0)
		return outfile_write(a->output, text, why);
	if (fwrite(text.p, 1, text.n, stdout) != text.n || fflush(stdout) != 0)
		return fail_errno(why, "standard output");
	return 0;
}

static int
generate(struct arguments *a, bool json, struct fail *why)
{
	char pin[PIN_TEXT];
	struct generated g;
	struct buf text;
	int result;

	if (apply_listen(a, why) == -1 || apply_derper(a, pin, why) == -1 ||
	    generate_map(&g, &a->config, why) == -1)
		return -1;
	buf_init(&text, OUTPUT_MAX);
	result = json ? encode_map_json(&text, &g.map, why)
		      : encode_map_yaml(&text, &g.map, why);
	if (result == 0)
		result = check_clean(buf_slice(&text), json, why);
	if (result == 0)
		result = write_result(a, buf_slice(&text), why);
	buf_clear(&text);
	return result;
}

/* The name of the output tells the form where the option does not. */
static bool
is_json(const struct arguments *a)
{
	const char *end = a->output != NULL ? strrchr(a->output, '.') : NULL;

	if (a->format.n == LOAD_DETECT)
		return end != NULL && strcasecmp(end, ".json") == 0;
	return a->format.n == LOAD_JSON;
}

static int
run(const struct command_call *call)
{
	struct arguments *a = call->values;
	struct fail why = { .text = "" };

	if (call->word_count != 0)
		return command_misuse(
		    call, "nothing is read from %s", call->words[0]);
	if (generate(a, is_json(a), &why) == -1)
		return command_fail(call, "%s", why.text);
	return COMMAND_DONE;
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "hostname", OPTS_TEXT, AT(config.hostname), "name",
	    "what clients connect to and verify; a DNS name or an "
	    "address" },
	{ "ipv4", OPTS_TEXT, AT(config.ipv4), "address",
	    "IPv4 address, or none; without it clients ask DNS" },
	{ "ipv6", OPTS_TEXT, AT(config.ipv6), "address",
	    "IPv6 address, or none; without it clients ask DNS" },
	{ "derp-port", OPTS_DECIMAL, AT(config.derp_port), "port",
	    "TCP port of the relay" },
	{ "stun-port", OPTS_DECIMAL, AT(config.stun_port), "port",
	    "UDP port of STUN; -1 for none" },
	{ "cert-name", OPTS_TEXT, AT(config.cert_name), "name",
	    "name to verify instead, or sha256-raw:HEX" },
	{ "can-port80", OPTS_BOOL, AT(config.can_port80), NULL,
	    "the relay answers /generate_204 on port 80" },
	{ "region-id", OPTS_DECIMAL, AT(config.region_id), "number",
	    "900 to 999" },
	{ "region-code", OPTS_TEXT, AT(config.region_code), "text",
	    "short name, as tailscale netcheck shows it" },
	{ "region-name", OPTS_TEXT, AT(config.region_name), "text",
	    "long name" },
	{ "node-name", OPTS_TEXT, AT(config.node_name), "text",
	    "unique in the map; otherwise the region id and an a" },
	{ "from-derper", OPTS_BOOL, AT(from_derper), NULL,
	    "read the certificate in --certdir" },
	{ "certdir", OPTS_TEXT, AT(certdir), "folder", "derper's --certdir" },
	{ "a", OPTS_TEXT, AT(listen), "address",
	    "derper's -a: its port is used" },
	{ "format", OPTS_CHOICE, AT(format), "form",
	    "otherwise json when the output's name ends in .json, and "
	    "headscale's YAML" },
	{ "o", OPTS_TEXT, AT(output), "file",
	    "write there, in one step, instead of standard output" },
};

static const struct arguments defaults = {
	.config = { .region_id = 900,
	    .region_code = "custom",
	    .region_name = "Custom relay",
	    .derp_port = 443,
	    .stun_port = 3478 },
	.format = { .name = load_form_name, .n = LOAD_DETECT },
};

const struct command cmd_generate = {
	.name = "generate",
	.summary = "a map of one region, from options",
	.arguments = "--hostname NAME [options]",
	.text =
	    "Writes a map with one region and one relay, as YAML for\n"
	    "headscale's derp.paths or as JSON. What it writes lints clean;\n"
	    "what could not is rejected.\n"
	    "With --from-derper the certificate of a relay in --certmode\n"
	    "manual is read from --certdir; when it is self-signed, clients\n"
	    "are told to accept exactly that one (certname sha256-raw:...).\n"
	    "Use the same --hostname, --certdir and --a as for derper.\n",
	.examples =
	    "  derpmap generate --hostname derp.example.org > derp.yaml\n"
	    "  derpmap generate --hostname derp.example.org --derp-port 8443 "
	    "\\\n      --ipv4 198.18.0.7 --ipv6 none --region-code home\n"
	    "  derpmap generate --from-derper --hostname 198.18.0.7 \\\n"
	    "      --certdir /var/lib/derper/certs --a :8443 -o derp.yaml\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};
