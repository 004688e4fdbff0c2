/* doctor_sources: each source of admission is asked as the relay would. */
#include "doctor_checks.h"

#include "verify.h"

#include <inttypes.h>
#include <string.h>

static const char name[] = "sources";

static const char *
outage_words(
    const struct verify_config *config, const struct verify_source *source)
{
	for (size_t i = 0; i < config->source_count; i++) {
		const struct verify_source_config *row = &config->sources[i];
		const enum verify_outage outage =
		    row->outage != VERIFY_OUTAGE_DEFAULT ? row->outage
							 : row->kind->outage;

		if (row->kind != source->kind ||
		    strcmp(row->argument, source->argument) != 0)
			continue;
		if (outage == VERIFY_OUTAGE_OPEN)
			return "EVERYBODY is admitted by it while that lasts";
		if (outage == VERIFY_OUTAGE_LAST_GOOD)
			return "whom it last admitted is still admitted";
		break;
	}
	return "nobody is admitted by it while that lasts";
}

/* What to do about an answer that is none. */
static const char *
advice_of(const struct verify_answer *said)
{
	switch (said->fault) {
	case VERIFY_FAULT_AWAY:
		return "start it, or correct its address; see that this "
		       "machine reaches it";
	case VERIFY_FAULT_BAD:
		return "correct its URL, certificate, credentials or file";
	case VERIFY_FAULT_OURS:
		return "free memory, descriptors or ports here";
	case VERIFY_FAULT_NONE:
		break;
	}
	return NULL;
}

static void
tell(void *ctx, const struct verify_source *source,
    const struct verify_answer *said, uint64_t took_ms)
{
	const struct doctor_subject *d = ctx;
	const struct verify_source_shown shown =
	    verify_source_shown(source->kind, source->argument);

	if (said->fault == VERIFY_FAULT_NONE)
		doctor_report_add(d->report, name, DOCTOR_OK, NULL,
		    "%s %s answers (asked about a new key, %" PRIu64 " ms)",
		    source->kind->name, shown.text, took_ms);
	else if (said->fault == VERIFY_FAULT_AWAY)
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    advice_of(said), "%s %s does not answer: %s; %s",
		    source->kind->name, shown.text, said->reason,
		    outage_words(&d->found->setup.admission, source));
	else
		doctor_report_add(d->report, name, DOCTOR_ERROR,
		    advice_of(said), "%s %s: %s", source->kind->name,
		    shown.text, said->reason);
}

/* About a key that nobody has. */
static void
ask_all(const struct doctor_subject *d, struct verify *v)
{
	struct derp_private_key private_key;
	struct verify_answer answer = { 0 };
	struct derp_key key;

	derp_private_key_generate(&private_key);
	if (derp_private_key_public(&private_key, &key) == 0)
		verify_explain(v, &key, tell, (void *)(uintptr_t)d, &answer);
	derp_private_key_clear(&private_key);
}

void
doctor_sources(const struct doctor_subject *d)
{
	struct verify_config config = d->found->setup.admission;
	struct fail why = { 0 };
	struct verify *v;

	if (check_facts_has_error(d->found, SERVER_SETUP_ADMISSION) ||
	    check_facts_has_error(d->found, CHECK_FACTS_SOURCES))
		return; /* the start has told */
	if (config.source_count == 0) {
		doctor_report_add(d->report, name, DOCTOR_WARNING,
		    "see -verify-nodes, -verify-client-url and "
		    "-verify-clients",
		    "there are none: this is an open relay, for everybody");
		return;
	}
	config.context.notice = NULL;
	config.context.interactive = true;
	v = verify_new(&config, &why);
	if (v == NULL) {
		doctor_report_add(
		    d->report, name, DOCTOR_ERROR, NULL, "%s", why.text);
		return;
	}
	ask_all(d, v);
	verify_free(v);
}
