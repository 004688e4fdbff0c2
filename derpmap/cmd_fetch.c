/* cmd_fetch: keeps a file as good as the maps behind URLs, or as it was. */
#include "commands.h"
#include "encode_map.h"
#include "fetch_config.h"
#include "fetch_maps.h"
#include "infile.h"
#include "lint.h"
#include "outfile.h"
#include "url_text.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#define OUTPUT_MAX ((size_t)256 << 20)
#define DROPPED_TOLD 20 /* null regions that are told one by one */

struct arguments {
	const char *output, *ca_file;
	struct opts_choice to; /* of load_form_name */
	int64_t max_shrink, max_size;
	uint64_t timeout_ms;
	bool always;
};

/* The file as it is. */
struct current {
	bool is_file; /* regular, or not there yet: not a device, say */
	struct buf text;
	struct fetch_maps_size size; /* 0: there is none, or no map */
};

static bool
is_stdout(const struct arguments *a)
{
	return a->output == NULL || strcmp(a->output, "-") == 0;
}

/* Reads it where there is something to read: a FIFO would wait for ever. */
static int
read_text(struct current *c, const struct arguments *a, struct fail *why)
{
	struct stat st;

	buf_init(&c->text, 0);
	if (is_stdout(a))
		return 0;
	if (stat(a->output, &st) == -1) {
		c->is_file = errno == ENOENT;
		return c->is_file ? 0 : fail_errno(why, "%s", a->output);
	}
	c->is_file = S_ISREG(st.st_mode);
	return c->is_file ? infile_read(&c->text, a->output, OUTPUT_MAX, why)
			  : 0;
}

/* What is not a map does not stop anything: it is replaced. */
static int
read_current(struct current *c, const struct arguments *a, struct fail *why)
{
	struct load l;

	*c = (struct current){ .is_file = false };
	if (read_text(c, a, why) == -1)
		return -1;
	if (buf_len(&c->text) == 0)
		return 0;
	if (load_text(&l, a->output, buf_slice(&c->text), LOAD_DETECT, why) ==
	    -1)
		return -1;
	if (l.doc.error == DOC_OK && load_accepted(&l))
		c->size = fetch_maps_size(&l.map);
	load_close(&l);
	return 0;
}

/* Whether `now` is less than the share of `before` that must be left. */
static bool
is_too_small(size_t now, size_t before, int64_t max_shrink)
{
	return (double)now <
	    (double)before * (double)(100 - max_shrink) / 100.0;
}

static int
check_size(const struct arguments *a, const struct current *c,
    const struct derpmap *map, struct fail *why)
{
	const struct fetch_maps_size now = fetch_maps_size(map);

	if (!is_too_small(now.nodes, c->size.nodes, a->max_shrink) &&
	    !is_too_small(now.regions, c->size.regions, a->max_shrink))
		return 0;
	return fail_set(why,
	    "the map has %zu regions with %zu nodes, %s has %zu with %zu: "
	    "more than %lld %% less (--max-shrink 100 to take it)",
	    now.regions, now.nodes, a->output, c->size.regions, c->size.nodes,
	    (long long)a->max_shrink);
}

/* Lints what is about to be written. The errors go to standard error. */
static int
check_clean(const struct arguments *a, struct slice text, struct fail *why)
{
	const char *file = is_stdout(a) ? "-" : a->output;
	struct findings list;
	struct load l;
	size_t errors = 0;

	if (load_text(&l, file, text, (enum load_form)a->to.n, why) == -1)
		return -1;
	findings_init(&list, l.arena);
	lint_run(&l, &list);
	for (const struct finding *f = list.first; f != NULL; f = f->next)
		if (f->severity == SEVERITY_ERROR && errors++ < 20)
			command_note("%s: error: %s [%s]",
			    f->path != NULL ? f->path : "the map", f->message,
			    f->rule);
	if (list.failed)
		fail_set(why, "not enough memory to check the map");
	else if (errors > 0)
		fail_set(why,
		    "the map has %zu error%s, see above, and is not taken",
		    errors, errors == 1 ? "" : "s");
	load_close(&l);
	return why->text[0] == '\0' ? 0 : -1;
}

/* What the next call needs to ask for changes only. The map is in its place:
 * without this it is fetched whole again, so that nothing is lost. */
static void
remember(
    const struct arguments *a, const struct fetch_maps *m, struct slice text)
{
	struct fail why = { .text = "" };

	if (fetch_state_save(&m->state, a->output, text,
		load_form_name(a->to.n), &why) == -1)
		command_note("%s; the next fetch will not ask for changes only",
		    why.text);
}

static int
write_file(const struct arguments *a, const struct current *c,
    const struct fetch_maps *m, struct slice text, struct fail *why)
{
	const bool same = slice_eq(text, buf_slice(&c->text));

	if (is_stdout(a)) {
		(void)fwrite(text.p, 1, text.n, stdout);
		return 0;
	}
	if (!same && outfile_write(a->output, text, why) == -1)
		return -1;
	command_note("%s: %s, %zu region%s", a->output,
	    same ? "unchanged" : "written", m->map.region_count,
	    m->map.region_count == 1 ? "" : "s");
	if (c->is_file)
		remember(a, m, text);
	return 0;
}

static void
report_dropped(const struct fetch_maps *m, const char *const *urls)
{
	for (size_t i = 0; i < m->dropped_count; i++) {
		const struct fetch_maps_dropped *d = &m->dropped[i];

		if (i == DROPPED_TOLD) {
			command_note("%zu more regions are null: left out",
			    m->dropped_count - i);
			return;
		}
		command_note("%s: region %" PRId64 " is null: left out",
		    url_text_of(urls[d->url]).text, d->region);
	}
}

static int
refuse(const struct command_call *call, const struct fail *why)
{
	const struct arguments *a = call->values;

	command_fail(call, "%s%s", why->text,
	    is_stdout(a) ? "" : "; the file is left as it is");
	return COMMAND_FINDINGS;
}

static int
take(const struct command_call *call, const struct current *c,
    const struct fetch_maps *m)
{
	const struct arguments *a = call->values;
	struct fail why = { .text = "" };
	struct buf text;
	int status = COMMAND_DONE;

	report_dropped(m, (const char *const *)call->words);
	buf_init(&text, OUTPUT_MAX);
	if (check_size(a, c, &m->map, &why) == -1)
		status = refuse(call, &why);
	else if ((a->to.n == LOAD_JSON
			 ? encode_map_json(&text, &m->map, &why)
			 : encode_map_yaml(&text, &m->map, &why)) == -1 ||
	    check_clean(a, buf_slice(&text), &why) == -1)
		status = refuse(call, &why);
	else if (write_file(a, c, m, buf_slice(&text), &why) == -1)
		status = command_fail(call, "%s", why.text);
	buf_clear(&text);
	return status == COMMAND_DONE ? command_flush(call) : status;
}

static int
fetch_and_take(const struct command_call *call, const struct current *c)
{
	const struct arguments *a = call->values;
	const char *const *urls = (const char *const *)call->words;
	struct fetch_maps_config config = {
		.urls = urls,
		.count = (size_t)call->word_count,
		.ca_file = a->ca_file,
		.timeout_ms = a->timeout_ms,
		.max = (size_t)a->max_size << 20,
	};
	struct fetch_state known = { 0 };
	struct fail why = { .text = "" };
	struct fetch_maps m;
	int status = COMMAND_DONE;

	if (c->is_file && !a->always)
		fetch_state_load(&known, a->output, buf_slice(&c->text),
		    load_form_name(a->to.n));
	if (fetch_state_is_for(&known, urls, config.count))
		config.known = &known;
	switch (fetch_maps(&m, &config, &why)) {
	case FETCH_MAPS_DONE:
		status = take(call, c, &m);
		break;
	case FETCH_MAPS_UNCHANGED:
		command_note("%s: not modified", a->output);
		break;
	case FETCH_MAPS_REFUSED:
		status = refuse(call, &why);
		break;
	case FETCH_MAPS_FAILED:
		status = command_fail(call, "%s%s", why.text,
		    is_stdout(a) ? "" : "; the file is left as it is");
		break;
	}
	fetch_maps_clear(&m);
	fetch_state_clear(&known);
	return status;
}

static int
check_arguments(const struct command_call *call, struct fail *why)
{
	const struct arguments *a = call->values;
	bool has_path;

	if (call->word_count == 0)
		return fail_set(why, "give a URL");
	for (int i = 0; i < call->word_count; i++)
		if (fetch_config_check_url(call->words[i], &has_path, why) ==
		    -1)
			return -1;
	if (a->output != NULL && a->output[0] == '\0')
		return fail_set(why, "-o names no file");
	if (a->timeout_ms == 0)
		return fail_set(why, "--timeout must be more than nothing");
	if (a->max_shrink < 0 || a->max_shrink > 100)
		return fail_set(why, "--max-shrink is from 0 to 100");
	if (!load_max_is_valid(a->max_size))
		return fail_set(why, "--max-size: not a size that can be read");
	return 0;
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct fail why = { .text = "" };
	struct current c;
	int status;

	if (check_arguments(call, &why) == -1)
		return command_misuse(call, "%s", why.text);
	if (a->ca_file != NULL &&
	    fetch_config_check_roots(a->ca_file, &why) == -1)
		return command_fail(call, "%s", why.text);
	if (sodium_init() == -1)
		return command_fail(call, "cannot start libsodium");
	status = read_current(&c, a, &why) == 0
	    ? fetch_and_take(call, &c)
	    : command_fail(call, "%s", why.text);
	buf_clear(&c.text);
	return status;
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "o", OPTS_TEXT, AT(output), "file",
	    "where to put the map; standard output without" },
	{ "to", OPTS_CHOICE, AT(to), "form", "form of the file" },
	{ "max-shrink", OPTS_DECIMAL, AT(max_shrink), "percent",
	    "refuse a map that has lost more of its nodes or regions" },
	{ "max-size", OPTS_DECIMAL, AT(max_size), "MiB",
	    "refuse an answer that is longer" },
	{ "ca-file", OPTS_TEXT, AT(ca_file), "file",
	    "PEM roots instead of the system's" },
	{ "timeout", OPTS_DURATION, AT(timeout_ms), "duration",
	    "time limit for each URL" },
	{ "always", OPTS_BOOL, AT(always), NULL,
	    "make no conditional requests" },
};

static const struct arguments defaults = {
	.to = { .name = load_form_name, .n = LOAD_HEADSCALE },
	.max_shrink = 50,
	.max_size = (int64_t)(LOAD_TEXT_MAX >> 20),
	.timeout_ms = 30000,
};

const struct command cmd_fetch = {
	.name = "fetch",
	.summary = "keep a file as good as the map behind a URL",
	.arguments = "[options] URL... -o FILE",
	.text =
	    "Fetches maps and writes them as one; a region of a later URL\n"
	    "replaces that of an earlier one, and one that is null there\n"
	    "drops it. The file is replaced in one\n"
	    "step, and only by a good map: an answer that is not 200, not a\n"
	    "map or without a node, a map that has shrunk too much or that\n"
	    "has errors by `derpmap lint` is refused, and the file stays as\n"
	    "it is. (headscale itself takes any answer of derp.urls.) The\n"
	    "next call asks whether the map has changed (ETag,\n"
	    "Last-Modified); what that needs is in FILE.fetched.\n"
	    "Proxies come from the environment: HTTPS_PROXY, NO_PROXY.\n",
	.notes = "Exit status: 0 written or unchanged, 1 refused, 2 no answer "
		 "or no file.\n",
	.examples =
	    "  derpmap fetch "
	    "https://controlplane.tailscale.com/derpmap/default "
	    "\\\n"
	    "      -o /etc/headscale/derp.yaml\n"
	    "  derpmap fetch --to json --max-shrink 20 URL -o map.json\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.words = "",
	.run = run,
};
