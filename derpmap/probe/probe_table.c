/* probe_table: see probe_table.h. */
#include "probe_table.h"

#include "quote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX 72
#define DAY_S (24 * 60 * 60)

enum column {
	COLUMN_REGION,
	COLUMN_NODE,
	COLUMN_FAMILY,
	COLUMN_ADDRESS,
	COLUMN_TCP,
	COLUMN_TLS,
	COLUMN_CERT,
	COLUMN_DERP,
	COLUMN_ADMITS,
	COLUMN_RELAY,
	COLUMN_HTTP,
	COLUMN_STUN,
	COLUMN_PORT80,
	COLUMN_COUNT,
};

static const char *const heads[COLUMN_COUNT] = {
	[COLUMN_REGION] = "REGION",
	[COLUMN_NODE] = "NODE",
	[COLUMN_FAMILY] = "FAMILY",
	[COLUMN_ADDRESS] = "ADDRESS",
	[COLUMN_TCP] = "TCP",
	[COLUMN_TLS] = "TLS",
	[COLUMN_CERT] = "CERT",
	[COLUMN_DERP] = "DERP",
	[COLUMN_ADMITS] = "ADMITS",
	[COLUMN_RELAY] = "RELAY",
	[COLUMN_HTTP] = "HTTP",
	[COLUMN_STUN] = "STUN",
	[COLUMN_PORT80] = "PORT80",
};

struct cell {
	char text[CELL_MAX];
	enum probe_state state;
};

struct row {
	struct cell cells[COLUMN_COUNT];
};

static void
set_foreign(struct cell *c, const char *text)
{
	struct writer w = writer_of(c->text, sizeof c->text - 1);

	quote_put(&w, slice_str(text[0] != '\0' ? text : "-"));
	c->text[w.n] = '\0';
}

/* How long it took, or what became of it. */
static void
set_step(struct cell *c, const struct probe_result *step)
{
	c->state = step->state;
	if (step->state == PROBE_SKIPPED)
		snprintf(c->text, sizeof c->text, "-");
	else if (step->state == PROBE_BAD)
		snprintf(c->text, sizeof c->text, "FAILS");
	else if (step->time_us == 0)
		snprintf(c->text, sizeof c->text,
		    step->state == PROBE_GOOD ? "ok" : "WARNS");
	else
		snprintf(c->text, sizeof c->text, "%.*fms%s",
		    step->time_us < 1000 ? 2 : 1, (double)step->time_us / 1000,
		    step->state == PROBE_ODD ? "!" : "");
}

static void
set_cert(struct cell *c, const struct probe_visit *v, int64_t now_s)
{
	set_step(c, &v->steps[PROBE_STEP_CERT]);
	if (v->has_cert && c->state != PROBE_BAD)
		snprintf(c->text, sizeof c->text, "%" PRId64 "d%s",
		    (v->cert.leaf.not_after_s - now_s) / DAY_S,
		    c->state == PROBE_ODD ? "!" : "");
}

static void
set_admission(struct cell *c, const struct probe_visit *v)
{
	static const char *const words[] = {
		[PROBE_UNKNOWN] = "-",
		[PROBE_OPEN] = "anyone",
		[PROBE_MEMBERS] = "members",
		[PROBE_ADMITTED] = "this node",
		[PROBE_REJECTED] = "NOT THIS NODE",
	};

	set_step(c, &v->steps[PROBE_STEP_LOGIN]);
	if (v->admission != PROBE_UNKNOWN)
		snprintf(c->text, sizeof c->text, "%s", words[v->admission]);
}

/* The worst of the steps that make up DERP, and how long the upgrade took. */
static void
set_derp(struct cell *c, const struct probe_visit *v)
{
	const enum probe_step others[] = { PROBE_STEP_META,
		PROBE_STEP_FAST_START, PROBE_STEP_KEY };
	struct probe_result worst = v->steps[PROBE_STEP_UPGRADE];

	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (worst.state != PROBE_SKIPPED &&
		    v->steps[others[i]].state == PROBE_BAD)
			worst.state = PROBE_BAD;
	set_step(c, &worst);
}

static void
set_address(struct cell *c, const struct probe_visit *v)
{
	struct netaddr a = v->address;

	a.port = (uint16_t)v->node->derp_port;
	if (v->no_route)
		snprintf(c->text, sizeof c->text, "no route from here");
	else if (v->family == PROBE_PROXY)
		set_foreign(c, v->node->host);
	else if (v->address.is_set)
		netaddr_format(&a, c->text);
	else
		snprintf(c->text, sizeof c->text, "-");
	if (!v->address.is_set)
		c->state = v->steps[PROBE_STEP_ADDRESS].state;
}

static void
fill(struct row *r, const struct probe_visit *v, int64_t now_s)
{
	*r = (struct row){ 0 };
	snprintf(r->cells[COLUMN_REGION].text, CELL_MAX, "%" PRId64,
	    v->node->region);
	if (v->node->region == 0)
		snprintf(r->cells[COLUMN_REGION].text, CELL_MAX, "-");
	set_foreign(&r->cells[COLUMN_NODE], v->node->name);
	snprintf(r->cells[COLUMN_FAMILY].text, CELL_MAX, "%s",
	    probe_visit_family_name(v->family));
	set_address(&r->cells[COLUMN_ADDRESS], v);
	set_step(&r->cells[COLUMN_TCP], &v->steps[PROBE_STEP_TCP]);
	set_step(&r->cells[COLUMN_TLS], &v->steps[PROBE_STEP_TLS]);
	set_cert(&r->cells[COLUMN_CERT], v, now_s);
	set_derp(&r->cells[COLUMN_DERP], v);
	set_admission(&r->cells[COLUMN_ADMITS], v);
	set_step(&r->cells[COLUMN_RELAY], &v->steps[PROBE_STEP_RELAY]);
	set_step(&r->cells[COLUMN_HTTP], &v->steps[PROBE_STEP_LATENCY]);
	set_step(&r->cells[COLUMN_STUN], &v->steps[PROBE_STEP_STUN]);
	set_step(&r->cells[COLUMN_PORT80], &v->steps[PROBE_STEP_PORTAL]);
}

/* Nothing to say: the node does not have the family. */
static bool
is_empty(const struct probe_visit *v)
{
	return v->family != PROBE_PROXY && !v->address.is_set &&
	    v->steps[PROBE_STEP_ADDRESS].state != PROBE_BAD && !v->cut_short;
}

static void
widen(size_t widths[COLUMN_COUNT], const struct row *r)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++)
		if (strlen(r->cells[i].text) > widths[i])
			widths[i] = strlen(r->cells[i].text);
}

static const char *
colour_of(enum probe_state state)
{
	switch (state) {
	case PROBE_GOOD:
		return "\033[32m";
	case PROBE_ODD:
		return "\033[33m";
	case PROBE_BAD:
		return "\033[31m";
	case PROBE_SKIPPED:
		break;
	}
	return "";
}

static void
put_row(FILE *to, const struct row *r, const size_t widths[COLUMN_COUNT],
    bool colour)
{
	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		const struct cell *c = &r->cells[i];
		const char *on = colour ? colour_of(c->state) : "";
		const int pad = i + 1 < COLUMN_COUNT
		    ? (int)(widths[i] - strlen(c->text)) + 2
		    : 0;

		fprintf(to, "%s%s%s%*s", on, c->text,
		    on[0] != '\0' ? "\033[0m" : "", pad, "");
	}
	fputc('\n', to);
}

void
probe_table(FILE *to, const struct probe_report *report, bool colour)
{
	size_t widths[COLUMN_COUNT];
	struct row r = { 0 };

	for (size_t i = 0; i < COLUMN_COUNT; i++) {
		widths[i] = strlen(heads[i]);
		snprintf(r.cells[i].text, CELL_MAX, "%s", heads[i]);
	}
	for (size_t i = 0; i < report->visit_count; i++) {
		struct row each;

		if (is_empty(&report->visits[i]))
			continue;
		fill(&each, &report->visits[i], report->started_s);
		widen(widths, &each);
	}
	put_row(to, &r, widths, false);
	for (size_t i = 0; i < report->visit_count; i++) {
		if (is_empty(&report->visits[i]))
			continue;
		fill(&r, &report->visits[i], report->started_s);
		put_row(to, &r, widths, colour);
	}
}
