/* map_output: see map_output.h. */
#include "map_output.h"

#include "encode_map.h"
#include "infile.h"
#include "load.h"
#include "outfile.h"
#include "policy_text.h"

#include <string.h>

#define OUTPUT_MAX ((size_t)256 << 20)

const char *
map_output_form_name(size_t n)
{
	static const char *const names[] = {
		[MAP_OUTPUT_HEADSCALE] = "headscale",
		[MAP_OUTPUT_JSON] = "json",
		[MAP_OUTPUT_POLICY] = "policy",
	};

	return n < sizeof names / sizeof names[0] ? names[n] : NULL;
}

bool
map_output_is_valid(const struct map_output *o, struct fail *why)
{
	if (o->into != NULL && o->form != MAP_OUTPUT_POLICY)
		fail_set(why, "--into goes with --to policy");
	return why->text[0] == '\0';
}

static void
report_kept(const struct map_output *o, const struct policy_text_kept *kept)
{
	static const char *const names[] = { "OmitDefaultRegions",
		"HomeParams" };
	const bool is_kept[] = { kept->omit_default_regions,
		kept->home_params };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (is_kept[i])
			fprintf(stderr,
			    "%s: %s stays as it is: the new map does not set "
			    "it\n",
			    infile_name(o->into), names[i]);
}

/* Puts the map into the policy file. */
static int
put_into(struct buf *out, const struct map_output *o, const struct derpmap *m,
    struct fail *why)
{
	struct fail reason = { .text = "" };
	struct policy_text_kept kept;
	struct buf policy;
	int result = infile_read(&policy, o->into, LOAD_TEXT_MAX, why);

	if (result == 0) {
		result =
		    policy_text_put(out, buf_slice(&policy), m, &kept, &reason);
		if (result == 0)
			report_kept(o, &kept);
		else if (reason.line > 0)
			fail_set(why, "%s:%u:%u: %s", infile_name(o->into),
			    reason.line, reason.column, reason.text);
		else
			fail_set(
			    why, "%s: %s", infile_name(o->into), reason.text);
	}
	buf_clear(&policy);
	return result;
}

static int
encode(struct buf *out, const struct map_output *o, const struct derpmap *m,
    struct fail *why)
{
	switch (o->form) {
	case MAP_OUTPUT_HEADSCALE:
		return encode_map_yaml(out, m, why);
	case MAP_OUTPUT_JSON:
		return encode_map_json(out, m, why);
	case MAP_OUTPUT_POLICY:
		return o->into != NULL ? put_into(out, o, m, why)
				       : policy_text_new(out, m, why);
	case MAP_OUTPUT_ANY:
		break;
	}
	return fail_set(why, "no form is given");
}

static int
write_text(const struct command_call *call, const struct map_output *o,
    struct slice text)
{
	struct fail why = { .text = "" };

	if (o->file == NULL || strcmp(o->file, "-") == 0) {
		(void)fwrite(text.p, 1, text.n, stdout);
		return command_flush(call);
	}
	return outfile_write(o->file, text, &why) == 0
	    ? COMMAND_DONE
	    : command_fail(call, "%s", why.text);
}

int
map_output_write(const struct command_call *call, const struct map_output *o,
    const struct derpmap *m)
{
	struct fail why = { .text = "" };
	struct buf text;
	int status = COMMAND_UNUSABLE;

	buf_init(&text, OUTPUT_MAX);
	if (encode(&text, o, m, &why) == 0)
		status = write_text(call, o, buf_slice(&text));
	else if (why.line > 0)
		fprintf(stderr, "%s:%u:%u: %s\n", infile_name(o->source),
		    why.line, why.column, why.text);
	else
		command_fail(call, "%s", why.text);
	buf_clear(&text);
	return status;
}
