/* verify_describe: see verify_describe.h. */
#include "verify_describe.h"

#include <inttypes.h>
#include <string.h>

static const char *
outage_words(enum verify_outage outage)
{
	switch (outage) {
	case VERIFY_OUTAGE_DEFAULT:
	case VERIFY_OUTAGE_CLOSED:
		return "nobody is admitted by it";
	case VERIFY_OUTAGE_OPEN:
		return "EVERYBODY is admitted by it";
	case VERIFY_OUTAGE_LAST_GOOD:
		return "whom it last admitted is still admitted";
	}
	return "";
}

/* "24h", "5m", "30s", "500ms". */
static int
put_time(struct buf *out, uint64_t ms)
{
	if (ms % 3600000 == 0)
		return buf_printf(out, "%" PRIu64 "h", ms / 3600000);
	if (ms % 60000 == 0)
		return buf_printf(out, "%" PRIu64 "m", ms / 60000);
	if (ms % 1000 == 0)
		return buf_printf(out, "%" PRIu64 "s", ms / 1000);
	return buf_printf(out, "%" PRIu64 "ms", ms);
}

static int
put_outage(struct buf *out, const struct verify_source_config *row)
{
	const enum verify_outage outage = row->outage != VERIFY_OUTAGE_DEFAULT
	    ? row->outage
	    : row->kind->outage;
	int rc;

	rc = buf_printf(out, "  while it is away: %s", outage_words(outage));
	if (rc == 0 && row->outage_ms != 0) {
		rc = buf_printf(out, ", for ");
		if (rc == 0)
			rc = put_time(out, row->outage_ms);
	}
	return rc == 0 ? buf_printf(out, "\n") : -1;
}

static int
put_source(struct buf *out, const struct verify_source_config *row)
{
	const char *word =
	    row->kind->label != NULL ? row->kind->label : row->kind->name;
	const bool denies = row->role == VERIFY_ROLE_DENY;
	int rc = buf_printf(out, "- %s%s%s%s\n", word,
	    row->argument[0] != '\0' ? " " : "",
	    verify_source_shown(row->kind, row->argument).text,
	    denies ? ": its keys are denied, whatever other sources say" : "");

	if (rc == 0 && !denies)
		rc = put_outage(out, row);
	if (rc == 0 && row->kind->runs_programs)
		rc = buf_printf(out,
		    "  derper does not take this source: its system call "
		    "filter forbids it to run programs; it can ask derpverify "
		    "serve (url:), or read a file that a timer writes "
		    "(nodes:)\n");
	if (rc == 0 && row->allow_expired)
		rc = buf_printf(
		    out, "  keys that have expired are admitted, too\n");
	return rc;
}

static size_t
count_allowing(const struct verify_config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->source_count; i++)
		count += config->sources[i].role == VERIFY_ROLE_ALLOW;
	return count;
}

static int
put_policy(struct buf *out, const struct verify_config *config)
{
	const size_t allowing = count_allowing(config);

	if (allowing == 0)
		return buf_printf(out,
		    "EVERYBODY is admitted who is not denied: there are only "
		    "deny lists\n");
	if (allowing == 1)
		return buf_printf(
		    out, "admitted is whom this source allows:\n");
	switch (config->policy) {
	case VERIFY_POLICY_ALL:
		return buf_printf(
		    out, "admitted is whom all of these sources allow:\n");
	case VERIFY_POLICY_ANY:
		return buf_printf(
		    out, "admitted is whom any of these sources allows:\n");
	}
	return 0;
}

int
verify_describe(const struct verify_config *config, struct buf *out)
{
	const char *folder = config->context.last_good;
	int rc = put_policy(out, config);

	for (size_t i = 0; i < config->source_count && rc == 0; i++)
		rc = put_source(out, &config->sources[i]);
	if (rc == 0 && folder != NULL && folder[0] != '\0')
		rc = buf_printf(out,
		    "last good sets are kept in %s, for the next start\n",
		    folder);
	if (rc == 0 && config->context.allow_empty)
		rc = buf_printf(
		    out, "a list that becomes empty is believed at once\n");
	return rc;
}
