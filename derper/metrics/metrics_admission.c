/* metrics_admission: see metrics_admission.h. */
#include "metrics_admission.h"

#include "quote.h"
#include "utf8.h"
#include "verify_current.h"

#include <inttypes.h>
#include <string.h>

#define NAME_SHOWN 120 /* bytes of a source's name */

/* A verdict of a source, or one of its facts. */
struct sample {
	const char *label; /* further ones: "verdict=\"allow\""; NULL: none */
	uint64_t (*read)(const struct verify_member_stats *s);
};

struct metric {
	const char *name, *type, *help;
	bool of_sets; /* of sources that keep their keys in memory */
	const struct sample *samples;
	size_t count;
};

#define READ(name, value)                                                \
	static uint64_t read_##name(const struct verify_member_stats *s) \
	{                                                                \
		return (uint64_t)(value);                                \
	}

READ(allowed, s->allowed)
READ(denied, s->denied)
READ(away, s->away)
READ(bad, s->bad)
READ(ours, s->ours)
READ(failed_open, s->failed_open)
READ(last_good, s->last_good)
READ(recalled, s->recalled)
READ(keys, s->feed.keys)
READ(age, s->feed.age_ms / 1000)
READ(up, s->feed.fault == VERIFY_FAULT_NONE)

static const struct sample answers[] = {
	{ "verdict=\"allow\"", read_allowed },
	{ "verdict=\"deny\"", read_denied },
	{ "verdict=\"unreachable\"", read_away },
	{ "verdict=\"unusable\"", read_bad },
	{ "verdict=\"shortage\"", read_ours },
	{ "verdict=\"fail_open\"", read_failed_open },
	{ "verdict=\"last_good\"", read_last_good },
};
static const struct sample recalled[] = { { NULL, read_recalled } };
static const struct sample keys[] = { { NULL, read_keys } };
static const struct sample age[] = { { NULL, read_age } };
static const struct sample up[] = { { NULL, read_up } };

static const struct metric metrics[] = {
	{ "derpkit_admission_source_answers_total", "counter",
	    "What each source answered when it was asked; fail_open and "
	    "last_good are what the relay made of unreachable.",
	    false, answers, sizeof answers / sizeof answers[0] },
	{ "derpkit_admission_source_recalls_total", "counter",
	    "Answers from the keys that the relay has of it in memory.", false,
	    recalled, 1 },
	{ "derpkit_admission_source_keys", "gauge", "These keys.", true, keys,
	    1 },
	{ "derpkit_admission_source_age_seconds", "gauge",
	    "Time since these were last true.", true, age, 1 },
	{ "derpkit_admission_source_up", "gauge",
	    "Whether the source could be read when it was last tried.", true,
	    up, 1 },
};

/* A label's value, which has to be UTF-8: a name may be any bytes, and one bad
 * value costs the whole scrape. */
static void
put_value(struct writer *w, struct slice text)
{
	uint8_t shown[NAME_SHOWN * QUOTE_PUT_GROWTH];
	struct writer quoted = writer_of(shown, sizeof shown);

	quote_put(&quoted, slice_of(text.p, utf8_cut(text, NAME_SHOWN)));
	for (size_t i = 0; i < quoted.n; i++) {
		if (shown[i] == '"' || shown[i] == '\\')
			writer_u8(w, '\\');
		writer_u8(w, shown[i]);
	}
}

static void
put_samples(struct writer *w, const struct metric *m, size_t place,
    struct verify_member *member)
{
	struct verify_member_stats stats;

	verify_member_stats(member, &stats);
	if (m->of_sets && !stats.keeps_set)
		return;
	for (size_t i = 0; i < m->count; i++) {
		const char *label = m->samples[i].label;

		writer_printf(w, "%s{place=\"%zu\",source=\"", m->name, place);
		put_value(w, slice_str(verify_member_label(member)));
		writer_printf(w, "\"%s%s} %" PRIu64 "\n",
		    label != NULL ? "," : "", label != NULL ? label : "",
		    m->samples[i].read(&stats));
	}
}

static void
put_all(void *ctx, struct verify *v)
{
	const struct verify_sources *sources = verify_get_sources(v);
	struct writer *w = ctx;

	for (size_t m = 0; m < sizeof metrics / sizeof metrics[0]; m++) {
		writer_printf(w, "# HELP %s %s\n# TYPE %s %s\n",
		    metrics[m].name, metrics[m].help, metrics[m].name,
		    metrics[m].type);
		for (size_t i = 0; i < sources->count; i++)
			put_samples(w, &metrics[m], i + 1, sources->list[i]);
	}
}

void
metrics_admission_put(struct writer *w, struct verify_current *verify)
{
	verify_current_use(verify, put_all, w);
}
