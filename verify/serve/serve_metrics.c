/* serve_metrics: see serve_metrics.h. */
#include "serve_metrics.h"

#include <inttypes.h>

enum kind { COUNTER, GAUGE };

/* One metric with its samples; a sample without a label stands alone. */
struct sample {
	const char *label; /* "verdict=\"allow\"", or NULL */
	uint64_t value;
};

struct metric {
	const char *name, *help;
	enum kind kind;
	const struct sample *samples;
	size_t count;
};

#define METRIC(name, kind, samples, help)                           \
	(&(const struct metric){ (name), (help), (kind), (samples), \
	    sizeof(samples) / sizeof(samples)[0] })

/* The text, and whether any of it did not fit. */
struct page {
	struct buf *text;
	bool failed;
};

static void
put(struct page *page, const struct metric *m)
{
	int rc = buf_printf(page->text,
	    "# HELP derpverify_%s %s\n# TYPE derpverify_%s %s\n", m->name,
	    m->help, m->name, m->kind == COUNTER ? "counter" : "gauge");

	for (size_t i = 0; i < m->count && rc == 0; i++) {
		const struct sample *s = &m->samples[i];
		const bool labelled = s->label != NULL;

		rc = buf_printf(page->text, "derpverify_%s%s%s%s %" PRIu64 "\n",
		    m->name, labelled ? "{" : "", labelled ? s->label : "",
		    labelled ? "}" : "", s->value);
	}
	page->failed = page->failed || rc == -1;
}

static void
put_answers(struct page *page, const struct serve_counters *c)
{
	const struct sample decisions[] = {
		{ "verdict=\"allow\"", c->allow },
		{ "verdict=\"deny\"", c->deny },
		{ "verdict=\"unknown\"", c->unknown },
	};
	const struct sample fail_open[] = { { NULL, c->fail_open } };
	const struct sample refused[] = {
		{ "reason=\"bad_request\"", c->bad_request },
		{ "reason=\"unauthorized\"", c->unauthorized },
		{ "reason=\"method\"", c->method },
		{ "reason=\"not_found\"", c->not_found },
	};
	const struct sample gone[] = { { NULL, c->gone } };

	put(page,
	    METRIC("decisions_total", COUNTER, decisions,
		"Questions answered, by verdict."));
	put(page,
	    METRIC("fail_open_total", COUNTER, fail_open,
		"Keys allowed only because a source was "
		"unreachable."));
	put(page,
	    METRIC("requests_refused_total", COUNTER, refused,
		"Requests refused, by reason."));
	put(page,
	    METRIC("questions_gone_total", COUNTER, gone,
		"Questions whose connection ended before the "
		"answer."));
}

#define LOAD(member) atomic_load(&c->member)

static void
put_connections(struct page *page, const struct http_service_counters *c)
{
	const struct sample open[] = { { NULL, LOAD(open) } };
	const struct sample accepted[] = { { NULL, LOAD(accepted) } };
	const struct sample requests[] = { { NULL, LOAD(requests) } };
	const struct sample refused[] = {
		{ "reason=\"total\"", LOAD(refused_total) },
		{ "reason=\"address\"", LOAD(refused_address) },
		{ "reason=\"malformed\"", LOAD(refused_requests) },
		{ "reason=\"input\"", LOAD(refused_input) },
		{ "reason=\"timeout\"", LOAD(timed_out) },
		{ "reason=\"tls\"", LOAD(tls_failed) },
		{ "reason=\"memory\"", LOAD(out_of_memory) },
		{ "reason=\"evicted\"", LOAD(evicted) },
	};
	const struct sample fds[] = { { NULL, LOAD(out_of_fds) } };

	put(page, METRIC("connections", GAUGE, open, "Connections now."));
	put(page,
	    METRIC("connections_total", COUNTER, accepted,
		"Connections accepted."));
	put(page,
	    METRIC("requests_total", COUNTER, requests, "Requests handled."));
	put(page,
	    METRIC("connections_refused_total", COUNTER, refused,
		"Connections refused or closed, by reason."));
	put(page,
	    METRIC("out_of_descriptors_total", COUNTER, fds,
		"Pauses of accepting for want of "
		"descriptors."));
}

static void
put_engine(struct page *page, const struct verify_counters *c)
{
	const struct sample answers[] = {
		{ "verdict=\"allow\"", c->allowed },
		{ "verdict=\"deny\"", c->denied },
		{ "verdict=\"unknown\"", c->unknown },
	};
	const struct sample asked[] = { { NULL, c->asked } };
	const struct sample cached[] = { { NULL, c->from_cache } };
	const struct sample dropped[] = { { NULL, c->dropped } };
	const struct sample keys[] = { { NULL, c->nodes_listed } };

	put(page,
	    METRIC("engine_answers_total", COUNTER, answers,
		"Answers of the engine, by verdict."));
	put(page,
	    METRIC("engine_asked_total", COUNTER, asked,
		"Questions that sources were asked."));
	put(page,
	    METRIC("engine_cached_total", COUNTER, cached,
		"Questions answered from the cache."));
	put(page,
	    METRIC("engine_dropped_total", COUNTER, dropped,
		"Questions that nobody waited for any more."));
	put(page, METRIC("engine_keys", GAUGE, keys, "Keys in memory now."));
}

/* ---- of each source */

/* A label's value: backslash, quote and line feed are escaped. */
static void
put_value(struct page *page, const char *value)
{
	struct reader r = { .rest = slice_str(value) };
	int rc = 0;

	while (r.rest.n > 0 && rc == 0) {
		const uint8_t b = reader_u8(&r);

		if (b == '\n')
			rc = buf_append(page->text, "\\n", 2);
		else if (b == '\\' || b == '"')
			rc = buf_printf(page->text, "\\%c", b);
		else
			rc = buf_append(page->text, &b, 1);
	}
	page->failed = page->failed || rc == -1;
}

static uint64_t
source_keys(const struct verify_member_stats *s)
{
	return s->feed.keys;
}

static uint64_t
source_age_ms(const struct verify_member_stats *s)
{
	return s->feed.age_ms;
}

static uint64_t
source_lists(const struct verify_member_stats *s)
{
	return s->feed.replaced;
}

static uint64_t
source_lost(const struct verify_member_stats *s)
{
	return s->feed.lost;
}

static uint64_t
source_up(const struct verify_member_stats *s)
{
	return s->feed.has_set && s->feed.fault == VERIFY_FAULT_NONE;
}

static uint64_t
source_asked(const struct verify_member_stats *s)
{
	return s->asked;
}

static uint64_t
source_recalled(const struct verify_member_stats *s)
{
	return s->recalled;
}

static uint64_t
source_allowed(const struct verify_member_stats *s)
{
	return s->allowed;
}

static uint64_t
source_denied(const struct verify_member_stats *s)
{
	return s->denied;
}

static uint64_t
source_away(const struct verify_member_stats *s)
{
	return s->away;
}

static uint64_t
source_bad(const struct verify_member_stats *s)
{
	return s->bad;
}

static uint64_t
source_ours(const struct verify_member_stats *s)
{
	return s->ours;
}

static uint64_t
source_failed_open(const struct verify_member_stats *s)
{
	return s->failed_open;
}

static uint64_t
source_took_ms(const struct verify_member_stats *s)
{
	return s->took_ms;
}

static const struct source_metric {
	const char *name, *help;
	enum kind kind;
	bool of_sets; /* only of sources that list or push */
	uint64_t (*value)(const struct verify_member_stats *s);
	bool in_ms; /* and shown in seconds */
} source_metrics[] = {
	{ "source_up", "Whether the source lists or pushes now.", GAUGE, true,
	    source_up, false },
	{ "source_keys", "Keys that the source names.", GAUGE, true,
	    source_keys, false },
	{ "source_age_seconds", "Since the source last said so.", GAUGE, true,
	    source_age_ms, true },
	{ "source_updates_total", "Lists and changes that were taken.", COUNTER,
	    true, source_lists, false },
	{ "source_lost_total", "Times that the source was lost.", COUNTER, true,
	    source_lost, false },
	{ "source_recalled_total", "Answers from what it named.", COUNTER,
	    false, source_recalled, false },
	{ "source_asked_total", "Questions to the source.", COUNTER, false,
	    source_asked, false },
	{ "source_allowed_total", "Keys that it allowed when asked.", COUNTER,
	    false, source_allowed, false },
	{ "source_denied_total", "Keys that it denied when asked.", COUNTER,
	    false, source_denied, false },
	{ "source_away_total", "Questions that did not reach it.", COUNTER,
	    false, source_away, false },
	{ "source_bad_total", "Answers that cannot be used.", COUNTER, false,
	    source_bad, false },
	{ "source_shortage_total", "Questions not asked for want of resources.",
	    COUNTER, false, source_ours, false },
	{ "source_fail_open_total", "Keys allowed for its absence.", COUNTER,
	    false, source_failed_open, false },
	{ "source_seconds_total", "What all questions took.", COUNTER, false,
	    source_took_ms, true },
};

/* The end of a sample. */
static void
put_number(struct page *page, uint64_t value, bool in_ms)
{
	const int rc = in_ms
	    ? buf_printf(page->text, "\"} %" PRIu64 ".%03u\n", value / 1000,
		  (unsigned)(value % 1000))
	    : buf_printf(page->text, "\"} %" PRIu64 "\n", value);

	page->failed = page->failed || rc == -1;
}

static void
put_source_metric(struct page *page, const struct verify_sources *sources,
    const struct source_metric *m)
{
	put(page,
	    &(const struct metric){
		.name = m->name, .help = m->help, .kind = m->kind });
	for (size_t i = 0; i < sources->count; i++) {
		struct verify_member *member = sources->list[i];
		struct verify_member_stats stats;

		verify_member_stats(member, &stats);
		if (m->of_sets && !stats.keeps_set)
			continue;
		if (buf_printf(
			page->text, "derpverify_%s{source=\"", m->name) == -1)
			page->failed = true;
		put_value(page, verify_member_label(member));
		put_number(page, m->value(&stats), m->in_ms);
	}
}

static void
put_sources(struct page *page, const struct verify_sources *sources)
{
	const size_t n = sizeof source_metrics / sizeof source_metrics[0];

	for (size_t i = 0; i < n; i++)
		put_source_metric(page, sources, &source_metrics[i]);
}

/* ---- all */

static void
put_program(struct page *page)
{
	const struct sample build[] = { { "version=\"" DERPKIT_VERSION "\"",
	    1 } };
	const struct sample log[] = { { NULL, log_dropped() } };

	put(page, METRIC("build_info", GAUGE, build, "The version that runs."));
	put(page,
	    METRIC("log_lines_dropped_total", COUNTER, log,
		"Lines that nobody read from standard error in "
		"time."));
}

static void
put_verify(void *ctx, struct verify *v)
{
	struct page *page = ctx;
	struct verify_counters engine;

	verify_get_counters(v, &engine);
	put_engine(page, &engine);
	put_sources(page, verify_get_sources(v));
}

int
serve_metrics_put(const struct serve_state *state, struct buf *text)
{
	struct page page = { .text = text };

	put_program(&page);
	put_answers(&page, &state->counters);
	put_connections(&page, state->http);
	verify_current_use(state->verify, put_verify, &page);
	return page.failed ? -1 : 0;
}
