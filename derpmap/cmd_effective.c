/* cmd_effective: the map that headscale hands out with a configuration. */
#include "commands.h"
#include "effective_json.h"
#include "effective_text.h"
#include "url_source.h"

enum format { FORMAT_TEXT, FORMAT_JSON };

struct arguments {
	const char *config, *env_file;
	struct opts_choice version, format;
	struct opts_list url_files;
	bool fetch;
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

static int
print(const struct command_call *call, const struct effective *e)
{
	const struct arguments *a = call->values;

	if (a->format.n == FORMAT_TEXT)
		effective_text(stdout, e);
	else if (effective_json(stdout, e) == -1)
		return command_fail(call, "not enough memory");
	if (command_flush(call) != COMMAND_DONE)
		return COMMAND_UNUSABLE;
	return e->start == EFFECTIVE_DIES || e->unsendable != NULL
	    ? COMMAND_FINDINGS
	    : COMMAND_DONE;
}

static int
show(const struct command_call *call, const struct headscale_config *config)
{
	const struct arguments *a = call->values;
	struct headscale_source_urls urls;
	struct fail why = { .text = "" };
	struct url_source source;
	struct effective e;
	int status;

	if (url_source_check(&a->url_files, config, &why) == -1)
		return command_misuse(call, "%s", why.text);
	if (url_source_open(&source, &a->url_files, a->fetch, &why) == -1)
		return command_fail(call, "%s", why.text);
	urls = url_source_urls(&source);
	if (effective_make(&e, config, &urls, &why) == -1) {
		status = command_fail(call, "%s", why.text);
	} else {
		status = print(call, &e);
		effective_clear(&e);
	}
	url_source_close(&source);
	return status;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct headscale_config config;
	struct fail why = { .text = "" };
	int status;

	if (a->config == NULL || call->word_count > 0)
		return command_misuse(
		    call, "give --headscale-config FILE and nothing else");
	if (headscale_config_open(&config, a->config, a->env_file,
		headscale_version_at(a->version.n), &why) == -1)
		return command_fail(call, "%s", why.text);
	status = show(call, &config);
	headscale_config_close(&config);
	return status;
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "headscale-config", OPTS_TEXT, AT(config), "file",
	    "headscale's config.yaml" },
	{ "headscale-version", OPTS_CHOICE, AT(version), "version",
	    "whose rules apply" },
	{ "env-file", OPTS_TEXT, AT(env_file), "file",
	    "headscale's environment, instead of the own one" },
	{ "url-file", OPTS_LIST, AT(url_files), "url=file",
	    "what a URL of derp.urls holds; may be repeated" },
	{ "fetch", OPTS_BOOL, AT(fetch), NULL, "fetch the other URLs" },
	{ "format", OPTS_CHOICE, AT(format), "name", "form of the output" },
};

static const struct arguments defaults = {
	.version = { .name = headscale_version_name,
	    .find = headscale_version_find,
	    .n = HEADSCALE_0_29 },
	.format = { .name = format_name },
};

const struct command cmd_effective = {
	.name = "effective",
	.summary = "the map that headscale hands out, and where it comes from",
	.arguments = "--headscale-config FILE [options]",
	.text =
	    "Reads headscale's config.yaml as headscale does, environment\n"
	    "included, loads the files of derp.paths and tells which regions\n"
	    "clients get, from which source each one comes, what is dropped,\n"
	    "or why headscale does not start. URLs are not fetched unless\n"
	    "--fetch is given: what they hold is unknown then, unless a\n"
	    "--url-file says it.\n"
	    "Only what the map depends on is judged: the derp section and\n"
	    "server_url. The environment is the variables HEADSCALE_* of this\n"
	    "process, or those of --env-file (NAME=VALUE lines).\n"
	    "Versions differ: 0.26 reads paths before URLs, goes on after\n"
	    "errors and sends null regions to clients; 0.27 to 0.29 let a\n"
	    "null region remove an earlier one; head ignores it.\n",
	.notes = "Exit status: 0 headscale starts, as far as is known, 1 it "
		 "does not, or\ncannot send the map, 2 a file could not be "
		 "read.\n",
	.examples =
	    "  derpmap effective --headscale-config "
	    "/etc/headscale/config.yaml\n"
	    "  derpmap effective --headscale-config config.yaml "
	    "--headscale-version head\n"
	    "  derpmap effective --headscale-config config.yaml --env-file "
	    "headscale.env\n"
	    "  derpmap effective --headscale-config config.yaml --format json "
	    "\\\n"
	    "      --url-file "
	    "https://controlplane.tailscale.com/derpmap/default=map.json\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
