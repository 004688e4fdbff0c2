/* cmd_merge: several maps to one, as headscale merges its sources. */
#include "commands.h"
#include "effective.h"
#include "id_ranges.h"
#include "infile.h"
#include "map_input.h"
#include "map_output.h"
#include "merge.h"
#include "quote.h"
#include "url_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
	const char *config, *env_file; /* of headscale */
	struct opts_list url_files;
	bool fetch;
	struct opts_choice version; /* none: nulls are rejected */
	struct opts_list drop, only;
	struct opts_choice from, to;
	const char *into, *output;
	int64_t max_size; /* MiB */
	bool quiet;
};

/* What is open during the call. */
struct inputs {
	struct headscale_config config;
	struct effective effective;
	bool has_config, has_effective;
	struct load *files; /* owned */
	size_t file_count;
	struct merge_source *sources; /* owned; borrow from the others */
	size_t source_count;
};

static void
close_inputs(struct inputs *in)
{
	for (size_t i = 0; i < in->file_count; i++)
		load_close(&in->files[i]);
	if (in->has_effective)
		effective_clear(&in->effective);
	if (in->has_config)
		headscale_config_close(&in->config);
	free(in->files);
	free(in->sources);
}

/* Adds what headscale's configuration comes to. A source of it that is not
 * known would be missing in the result without a word. */
static int
add_config(const struct command_call *call, struct inputs *in)
{
	struct effective *e = &in->effective;
	size_t from = 0;

	if (e->start == EFFECTIVE_DIES)
		return command_fail(call,
		    "headscale does not start with %s: %s", e->config->file,
		    e->error.text);
	for (size_t i = 0; i < e->sources.n; i++) {
		const struct headscale_source *s = &e->sources.v[i];
		struct merge_source *source = &in->sources[in->source_count++];

		if (s->status == HEADSCALE_SOURCE_UNKNOWN)
			return command_fail(call,
			    "what %s holds is not known: give --fetch, or "
			    "--url-file with a file for it",
			    s->name);
		*source = (struct merge_source){
			.name = s->name,
			.map = s->has_load ? &s->load.map : NULL,
		};
		source->regions = &e->regions[from];
		while (from < e->region_count && e->regions[from].source == i)
			from++;
		source->count = (size_t)(&e->regions[from] - source->regions);
	}
	return COMMAND_DONE;
}

static int
open_config(const struct command_call *call, struct inputs *in)
{
	const struct arguments *a = call->values;
	const struct headscale_version *version =
	    headscale_version_at(a->version.n);
	struct headscale_source_urls urls;
	struct fail why = { .text = "" };
	struct url_source u;

	if (version == NULL)
		version = headscale_version_at(HEADSCALE_0_29);
	if (headscale_config_open(
		&in->config, a->config, a->env_file, version, &why) == -1)
		return command_fail(call, "%s", why.text);
	in->has_config = true;
	if (url_source_check(&a->url_files, &in->config, &why) == -1)
		return command_misuse(call, "%s", why.text);
	if (url_source_open(&u, &a->url_files, a->fetch, &why) == -1)
		return command_fail(call, "%s", why.text);
	urls = url_source_urls(&u);
	in->has_effective =
	    effective_make(&in->effective, &in->config, &urls, &why) == 0;
	url_source_close(&u);
	return in->has_effective ? COMMAND_DONE
				 : command_fail(call, "%s", why.text);
}

static int
open_files(const struct command_call *call, struct inputs *in)
{
	const struct arguments *a = call->values;
	const struct map_input_how how = {
		.from = (enum load_form)a->from.n,
		.max_mib = a->max_size,
		.brief = true,
		.mend = true,
	};
	int status;

	for (int i = 0; i < call->word_count; i++) {
		struct load *l = &in->files[in->file_count];

		status = map_input_open(l, call, call->words[i], &how);
		if (status != COMMAND_DONE)
			return status;
		in->file_count++;
		in->sources[in->source_count++] = (struct merge_source){
			.name = infile_name(l->file),
			.map = &l->map,
		};
	}
	return COMMAND_DONE;
}

static int
open_inputs(const struct command_call *call, struct inputs *in)
{
	const struct arguments *a = call->values;
	size_t files = (size_t)call->word_count, sources = files;
	int status = COMMAND_DONE;

	*in = (struct inputs){ .file_count = 0 };
	if (a->config != NULL) {
		status = open_config(call, in);
		sources += in->has_effective ? in->effective.sources.n : 0;
	}
	in->files = calloc(files + 1, sizeof *in->files);
	in->sources = calloc(sources + 1, sizeof *in->sources);
	if (in->files == NULL || in->sources == NULL)
		return command_fail(call, "not enough memory");
	if (status == COMMAND_DONE && in->has_effective)
		status = add_config(call, in);
	return status == COMMAND_DONE ? open_files(call, in) : status;
}

/* Names come from configurations: control characters are made visible. */
static void
print_name(const struct inputs *in, size_t source)
{
	char room[1000];
	struct writer w = writer_of(room, sizeof room);

	quote_put(&w, slice_str(in->sources[source].name));
	fprintf(stderr, "%.*s", (int)w.n, room);
}

/* What is said of one region of the result. */
static void
print_winner(const struct inputs *in, const struct merge *m,
    const struct merge_region *r)
{
	const char *before =
	    r->fate == MERGE_KEPT ? " (instead of " : " (it was in ";

	fprintf(stderr, "region %" PRId64 ": ", r->id);
	switch (r->fate) {
	case MERGE_KEPT:
		print_name(in, r->source);
		if (r->null_ignored)
			fputs(", the null after it is ignored", stderr);
		break;
	case MERGE_DROPPED:
		fputs("dropped; it was in ", stderr);
		print_name(in, r->source);
		break;
	case MERGE_REMOVED:
		fputs("removed by the null in ", stderr);
		print_name(in, r->source);
		break;
	case MERGE_NULL_IGNORED:
		fputs("the null in ", stderr);
		print_name(in, r->source);
		fputs(" has no effect", stderr);
		break;
	}
	for (size_t i = 0; i < r->loser_count; i++) {
		fputs(i == 0 ? before : ", ", stderr);
		print_name(in, m->losers[r->first_loser + i]);
	}
	fputs(r->loser_count > 0 ? ")\n" : "\n", stderr);
}

static void
print_report(const struct inputs *in, const struct merge *m)
{
	for (size_t i = 0; i < in->source_count; i++) {
		const struct derpmap *map = in->sources[i].map;

		if (map == NULL ||
		    (map->home_nil && !map->omit_default_regions.v))
			continue;
		print_name(in, i);
		fprintf(stderr, ": %s%s%s dropped, as headscale does\n",
		    map->home_nil ? "" : "homeparams",
		    map->home_nil || !map->omit_default_regions.v ? ""
								  : " and ",
		    map->omit_default_regions.v ? "omitdefaultregions" : "");
	}
	for (size_t i = 0; i < m->region_count; i++)
		print_winner(in, m, &m->regions[i]);
}

static int
write_merged(const struct command_call *call, const struct inputs *in,
    const struct merge *m)
{
	const struct arguments *a = call->values;
	const struct map_output output = {
		.form = (enum map_output_form)a->to.n,
		.into = a->into,
		.file = a->output,
		.source = "merged map",
	};

	if (!a->quiet)
		print_report(in, m);
	if (m->map.region_count == 0)
		return command_fail(call,
		    "no region is left: headscale does not start with an "
		    "empty map");
	return map_output_write(call, &output, &m->map);
}

static int
merge(const struct command_call *call, struct merge_config *config)
{
	struct fail why = { .text = "" };
	struct inputs in;
	struct merge m;
	int status = open_inputs(call, &in);

	if (status == COMMAND_DONE) {
		config->sources = in.sources;
		config->source_count = in.source_count;
		if (merge_make(&m, config, &why) == -1) {
			status = command_fail(call, "%s", why.text);
		} else {
			status = write_merged(call, &in, &m);
			merge_clear(&m);
		}
	}
	close_inputs(&in);
	return status;
}

/* The ids of all uses of an option. */
static int
read_ids(struct id_ranges *ids, const struct opts_list *words, struct fail *why)
{
	for (size_t i = 0; i < words->n; i++)
		if (id_ranges_add(ids, slice_str(words->v[i]), why) == -1)
			return -1;
	return 0;
}

/* Standard input can be read once only. */
static bool
has_stdin_twice(const struct command_call *call)
{
	int count = 0;

	for (int i = 0; i < call->word_count; i++)
		count += strcmp(call->words[i], "-") == 0;
	return count > 1;
}

static int
run_with(const struct command_call *call, struct id_ranges *drop,
    struct id_ranges *only)
{
	const struct arguments *a = call->values;
	struct merge_config config = {
		.version = headscale_version_at(a->version.n),
		.drop = drop,
		.only = only,
	};
	struct fail why = { .text = "" };
	const struct map_output output = {
		.form = (enum map_output_form)a->to.n,
		.into = a->into,
	};

	if (read_ids(drop, &a->drop, &why) == -1 ||
	    read_ids(only, &a->only, &why) == -1 ||
	    !map_output_is_valid(&output, &why))
		return command_misuse(call, "%s", why.text);
	return merge(call, &config);
}

static int
run(const struct command_call *call)
{
	const struct arguments *a = call->values;
	struct id_ranges *ids;
	int status;

	if (call->word_count == 0 && a->config == NULL)
		return command_misuse(call,
		    "give FILEs, or - for standard input, or "
		    "--headscale-config");
	if (a->config == NULL &&
	    (a->env_file != NULL || a->url_files.n > 0 || a->fetch))
		return command_misuse(call,
		    "--env-file, --url-file and --fetch go with "
		    "--headscale-config");
	if (has_stdin_twice(call))
		return command_misuse(
		    call, "standard input (-) is named twice");
	if (!load_max_is_valid(a->max_size))
		return command_misuse(
		    call, "--max-size is 1 to %zu", DOC_TEXT_MAX >> 20);
	ids = calloc(2, sizeof *ids);
	if (ids == NULL)
		return command_fail(call, "not enough memory");
	status = run_with(call, &ids[0], &ids[1]);
	free(ids);
	return status;
}

#define AT(member) offsetof(struct arguments, member)

static const struct opts_row options[] = {
	{ "drop", OPTS_LIST, AT(drop), "ids",
	    "leave these regions out: 900 or 1-28, with commas; may be "
	    "repeated" },
	{ "only", OPTS_LIST, AT(only), "ids", "keep these regions only" },
	{ "headscale-config", OPTS_TEXT, AT(config), "file",
	    "headscale's config.yaml: its sources come before the FILEs" },
	{ "headscale-version", OPTS_CHOICE, AT(version), "version",
	    "obey null regions as this headscale does; without it they are "
	    "rejected" },
	{ "env-file", OPTS_TEXT, AT(env_file), "file",
	    "headscale's environment, instead of the own one" },
	{ "url-file", OPTS_LIST, AT(url_files), "url=file",
	    "what a URL of derp.urls holds; may be repeated" },
	{ "fetch", OPTS_BOOL, AT(fetch), NULL, "fetch the other URLs" },
	{ "from", OPTS_CHOICE, AT(from), "form", "what the FILEs are" },
	{ "to", OPTS_CHOICE, AT(to), "form", "what to write" },
	{ "into", OPTS_TEXT, AT(into), "file",
	    "with --to policy: the policy file to put the map into" },
	{ "o", OPTS_TEXT, AT(output), "file",
	    "where to write, instead of standard output" },
	{ "q", OPTS_BOOL, AT(quiet), NULL,
	    "do not tell where each region comes from" },
	{ "max-size", OPTS_DECIMAL, AT(max_size), "MiB",
	    "reject larger files; at most 128" },
};

static const struct arguments defaults = {
	.version = { .name = headscale_version_name,
	    .find = headscale_version_find,
	    .n = SIZE_MAX },
	.from = { .name = load_form_name, .n = LOAD_DETECT },
	.to = { .name = map_output_form_name, .n = MAP_OUTPUT_HEADSCALE },
	.max_size = LOAD_TEXT_MAX >> 20,
};

const struct command cmd_merge = {
	.name = "merge",
	.summary = "several maps to one, as headscale merges them",
	.arguments = "[options] FILE...",
	.text =
	    "Puts the regions of several maps together as headscale does:\n"
	    "the whole region is the unit, the last FILE that has an id wins,\n"
	    "node lists are never joined; homeparams and omitdefaultregions\n"
	    "are dropped. Where each region comes from is told on standard\n"
	    "error.\n"
	    "What a null region does depends on the version of headscale, so\n"
	    "it is rejected unless --drop names its id, or\n"
	    "--headscale-version says whose rules apply; there is never a\n"
	    "null in the result. The sources of --headscale-config come\n"
	    "first, the embedded region included.\n"
	    "FILEs are read as with derpmap convert.\n",
	.notes = "Exit status: 0 done, 2 a file could not be read, a null "
		 "region, an id\nthat no FILE has, or no region is left.\n",
	.examples =
	    "  derpmap merge default.json derp.yaml > all.yaml\n"
	    "  derpmap merge --drop 1-9,12 default.json derp.yaml -o all.yaml\n"
	    "  derpmap merge --only 900-999 --to json a.yaml b.yaml\n"
	    "  derpmap merge --headscale-config /etc/headscale/config.yaml \\\n"
	    "      --fetch --drop 1 -o /etc/headscale/derp.yaml\n",
	.options = options,
	.option_count = sizeof options / sizeof options[0],
	.defaults = &defaults,
	.values_size = sizeof defaults,
	.run = run,
};
