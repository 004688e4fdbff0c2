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

int
serve_metrics_put(const struct serve_state *state, struct buf *text)
{
	struct page page = { .text = text };
	struct verify_counters engine;

	verify_get_counters(state->verify, &engine);
	put_program(&page);
	put_answers(&page, &state->counters);
	put_connections(&page, state->http);
	put_engine(&page, &engine);
	return page.failed ? -1 : 0;
}
