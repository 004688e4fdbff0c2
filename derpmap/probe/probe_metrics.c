/* probe_metrics: see probe_metrics.h. */
#include "probe_metrics.h"

#include "utf8.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LABELS_MAX 640

/* Where it goes. */
struct metrics {
	struct buf *out;
	bool failed; /* a line was lost */
};

__attribute__((format(printf, 2, 3))) static void
say(struct metrics *m, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line ||
	    buf_append(m->out, line, (size_t)n) == -1)
		m->failed = true;
}

/* A label's value: backslash, quote and line end escaped; what is not UTF-8
 * becomes a question mark, because Prometheus refuses the whole file for it. */
static void
put_value(struct writer *w, const char *text)
{
	struct slice rest = slice_str(text);

	while (rest.n > 0) {
		const size_t step = utf8_next(rest, NULL);

		if (step == 0)
			writer_printf(w, "?");
		else if (rest.p[0] == '\n')
			writer_printf(w, "\\n");
		else if (rest.p[0] == '"' || rest.p[0] == '\\')
			writer_printf(w, "\\%c", rest.p[0]);
		else
			writer_bytes(w, rest.p, step);
		rest = slice_of(rest.p + (step == 0 ? 1 : step),
		    rest.n - (step == 0 ? 1 : step));
	}
}

static void
format_value(char out[static LABELS_MAX], const char *text)
{
	struct writer w = writer_of(out, 256);

	put_value(&w, text);
	out[w.n] = '\0';
}

static void
put_labels(char out[static LABELS_MAX], const struct probe_visit *v)
{
	char name[LABELS_MAX];

	format_value(name, v->node->name);
	snprintf(out, LABELS_MAX,
	    "region=\"%" PRId64 "\",node=\"%.256s\",family=\"%s\"",
	    v->node->region, name, probe_visit_family_name(v->family));
}

static void
head(struct metrics *m, const char *name, const char *help)
{
	say(m, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* Families that the node does not have, or this machine, are left out. */
static bool
is_measured(const struct probe_visit *v)
{
	return v->family == PROBE_PROXY || (v->address.is_set && !v->no_route);
}

static bool
has_error(const struct probe_visit *v)
{
	for (size_t i = 0; i < v->findings.n; i++)
		if (probe_kind_row(v->findings.v[i].kind)->severity ==
		    PROBE_ERROR)
			return true;
	return v->cut_short;
}

/* Calls `put` for each visit that is measured. */
static void
each_visit(struct metrics *m, const struct probe_report *report,
    void (*put)(
	struct metrics *m, const struct probe_visit *v, const char *labels))
{
	char labels[LABELS_MAX];

	for (size_t i = 0; i < report->visit_count; i++) {
		const struct probe_visit *v = &report->visits[i];

		if (!is_measured(v))
			continue;
		put_labels(labels, v);
		put(m, v, labels);
	}
}

static void
put_up(struct metrics *m, const struct probe_visit *v, const char *labels)
{
	say(m, "derpmap_probe_up{%s} %d\n", labels, has_error(v) ? 0 : 1);
}

static void
put_steps(struct metrics *m, const struct probe_visit *v, const char *labels)
{
	for (enum probe_step i = 0; i < PROBE_STEP_COUNT; i++)
		if (v->steps[i].state != PROBE_SKIPPED)
			say(m,
			    "derpmap_probe_step_success{%s,step=\"%s\"} %d\n",
			    labels, probe_visit_step_name(i),
			    v->steps[i].state == PROBE_BAD ? 0 : 1);
}

static void
put_times(struct metrics *m, const struct probe_visit *v, const char *labels)
{
	for (enum probe_step i = 0; i < PROBE_STEP_COUNT; i++)
		if (v->steps[i].time_us > 0)
			say(m,
			    "derpmap_probe_step_seconds{%s,step=\"%s\"} "
			    "%.6f\n",
			    labels, probe_visit_step_name(i),
			    (double)v->steps[i].time_us / 1e6);
}

static void
put_expiry(struct metrics *m, const struct probe_visit *v, const char *labels)
{
	if (v->has_cert)
		say(m,
		    "derpmap_probe_certificate_not_after_seconds{%s} %" PRId64
		    "\n",
		    labels, v->cert.leaf.not_after_s);
}

static void
put_admission(
    struct metrics *m, const struct probe_visit *v, const char *labels)
{
	if (v->admission == PROBE_UNKNOWN)
		return;
	say(m, "derpmap_probe_admitted{%s} %d\n", labels,
	    v->admission == PROBE_OPEN || v->admission == PROBE_ADMITTED);
}

static void
put_totals(struct metrics *m, const struct probe_report *report)
{
	const struct probe_totals totals = probe_report_totals(report);

	head(m, "derpmap_probe_findings", "Findings by severity.");
	for (enum probe_severity s = PROBE_INFO; s <= PROBE_ERROR; s++)
		say(m, "derpmap_probe_findings{severity=\"%s\"} %zu\n",
		    probe_severity_name(s), totals.n[s]);
	head(m, "derpmap_probe_last_run_timestamp_seconds",
	    "When the last probe began.");
	say(m, "derpmap_probe_last_run_timestamp_seconds %" PRId64 "\n",
	    report->started_s);
	head(m, "derpmap_probe_duration_seconds",
	    "How long the last probe took.");
	say(m, "derpmap_probe_duration_seconds %.3f\n",
	    (double)report->took_ms / 1000);
}

static void
put_pairs(struct metrics *m, const struct probe_report *report)
{
	char from[LABELS_MAX], to[LABELS_MAX];

	if (report->pair_count == 0)
		return;
	head(m, "derpmap_probe_pair_success",
	    "Whether a packet got from one node to another.");
	for (size_t i = 0; i < report->pair_count; i++) {
		const struct probe_pair *p = &report->pairs[i];

		format_value(from, p->from->node->name);
		format_value(to, p->to->node->name);
		say(m,
		    "derpmap_probe_pair_success{region=\"%" PRId64
		    "\",from=\"%.256s\",to=\"%.256s\"} %d\n",
		    p->from->node->region, from, to,
		    p->result.state == PROBE_GOOD);
	}
}

int
probe_metrics(struct buf *out, const struct probe_report *report)
{
	struct metrics m = { .out = out };

	head(&m, "derpmap_probe_up",
	    "Whether clients can use the node over this family.");
	each_visit(&m, report, put_up);
	head(&m, "derpmap_probe_step_success",
	    "Whether a step of the probe succeeded.");
	each_visit(&m, report, put_steps);
	head(&m, "derpmap_probe_step_seconds", "How long a step took.");
	each_visit(&m, report, put_times);
	head(&m, "derpmap_probe_certificate_not_after_seconds",
	    "When the certificate ends, in seconds since 1970.");
	each_visit(&m, report, put_expiry);
	head(&m, "derpmap_probe_admitted",
	    "Whether the relay admitted the key of the probe.");
	each_visit(&m, report, put_admission);
	put_pairs(&m, report);
	put_totals(&m, report);
	return m.failed ? -1 : 0;
}
