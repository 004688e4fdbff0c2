/* cmd_generate: a map of one region from options. */
#include "commands.h"
#include "encode_map.h"
#include "generate.h"
#include "lint.h"
#include "netaddr.h"
#include "outfile.h"

#include <string.h>

#define OUTPUT_MAX ((size_t)1 << 20)

static const struct command_help help = {
	.usage = "derpmap generate --hostname NAME [options]",
	.text =
	    "Writes a map with one region and one relay, as YAML for\n"
	    "headscale's derp.paths or as JSON. What it writes lints clean;\n"
	    "what could not is refused.\n"
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
};

struct arguments {
	struct generate_config config;
	bool from_derper;
	const char *certdir;
	const char *listen; /* --a */
	const char *format;
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
	if (generate_from_derper(
		a->certdir, a->config.hostname, pin, &pinned, why) == -1)
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

/* Refuses what would not lint clean: the promise is kept by the rules
 * themselves. */
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

static int
run(struct arguments *a)
{
	struct fail why = { .text = "" };
	bool json = strcmp(a->format, "json") == 0;

	if (!json && strcmp(a->format, "headscale") != 0)
		return command_misuse(
		    &help, "--format is headscale or json, not %s", a->format);
	if (generate(a, json, &why) == -1) {
		fprintf(stderr, "derpmap: %s\n", why.text);
		return EXIT_UNUSABLE;
	}
	return EXIT_DONE;
}

int
cmd_generate(int argc, char **argv)
{
	struct arguments a = {
		.config = { .region_id = 900,
		    .region_code = "custom",
		    .region_name = "Custom relay",
		    .derp_port = 443,
		    .stun_port = 3478 },
		.format = "headscale",
	};
	struct generate_config *c = &a.config;
	const struct opts_option table[] = {
		{ "hostname", OPTS_TEXT, &c->hostname, "name",
		    "what clients connect to and verify; a DNS name or an "
		    "address" },
		{ "ipv4", OPTS_TEXT, &c->ipv4, "address",
		    "IPv4 address, or none; without it clients ask DNS" },
		{ "ipv6", OPTS_TEXT, &c->ipv6, "address",
		    "IPv6 address, or none; without it clients ask DNS" },
		{ "derp-port", OPTS_INT, &c->derp_port, "port",
		    "TCP port of the relay" },
		{ "stun-port", OPTS_INT, &c->stun_port, "port",
		    "UDP port of STUN; -1 for none" },
		{ "cert-name", OPTS_TEXT, &c->cert_name, "name",
		    "name to verify instead, or sha256-raw:HEX" },
		{ "can-port80", OPTS_BOOL, &c->can_port80, NULL,
		    "the relay answers /generate_204 on port 80" },
		{ "region-id", OPTS_INT, &c->region_id, "number",
		    "900 to 999" },
		{ "region-code", OPTS_TEXT, &c->region_code, "text",
		    "short name, as tailscale netcheck shows it" },
		{ "region-name", OPTS_TEXT, &c->region_name, "text",
		    "long name" },
		{ "node-name", OPTS_TEXT, &c->node_name, "text",
		    "unique in the map; otherwise the region id and an a" },
		{ "from-derper", OPTS_BOOL, &a.from_derper, NULL,
		    "read the certificate in --certdir" },
		{ "certdir", OPTS_TEXT, &a.certdir, "folder",
		    "derper's --certdir" },
		{ "a", OPTS_TEXT, &a.listen, "address",
		    "derper's -a: its port is used" },
		{ "format", OPTS_TEXT, &a.format, "form", "headscale or json" },
		{ "o", OPTS_TEXT, &a.output, "file",
		    "write there, in one step, instead of standard output" },
	};
	struct opts o = { .table = table,
		.count = sizeof table / sizeof table[0] };
	int status = command_parse(&o, &help, argc, argv);

	if (status != -1)
		return status;
	if (o.word_count != 0)
		return command_misuse(
		    &help, "nothing is read from %s", o.words[0]);
	return run(&a);
}
