/* load_report: see load_report.h. */
#include "load_report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void put_run(json_t *out, const struct report *r);
static void put_usage(json_t *out, const struct report *r);
static void put_flow(json_t *out, const struct report *r);
static void put_crowd(json_t *out, const struct report *r);
static void put_probe(json_t *out, const struct report *r);

void
report_add_flow(struct report *r, const struct flow_worker *w)
{
	r->flow.sent += w->counts.sent;
	r->flow.lost += w->counts.lost;
	r->flow.unfinished += w->counts.unfinished;
	r->flow.reordered += w->counts.reordered;
	r->flow.corrupt += w->counts.corrupt;
	r->flow.delivered += w->counts.delivered;
	r->flow.held_back += w->counts.held_back;
	r->flow.late += w->counts.late;
	r->flow.broken += w->counts.broken;
	if (w->counts.broken > 0)
		fail_set(&r->why, "%s", w->why.text);
}

void
report_add_crowd(struct report *r, const struct crowd_worker *w)
{
	r->logins += w->logins;
	r->failures += w->failures;
	r->lost_clients += w->lost;
	if (w->failures > 0)
		fail_set(&r->why, "%s", w->why.text);
}

void
report_print(struct report *r)
{
	json_t *out = json_object();

	put_run(out, r);
	put_usage(out, r);
	if (r->has_flow)
		put_flow(out, r);
	if (r->has_crowd)
		put_crowd(out, r);
	if (r->probe != NULL)
		put_probe(out, r);
	if (r->why.text[0] != '\0')
		json_object_set_new(out, "why", json_string(r->why.text));
	if (json_dumpf(out, stdout, JSON_COMPACT) == -1 || printf("\n") < 0 ||
	    fflush(stdout) != 0)
		load_run_die("cannot write the report");
	json_decref(out);
	free(r->probe);
	r->probe = NULL;
}

static void
put_count(json_t *out, const char *name, uint64_t v)
{
	json_object_set_new(out, name, json_integer((json_int_t)v));
}

static void
put_real(json_t *out, const char *name, double v)
{
	json_object_set_new(out, name, json_real(v));
}

static double
per_second(const struct report *r, uint64_t count)
{
	return (double)count * 1e6 / (double)r->usage.at_us;
}

static void
put_run(json_t *out, const struct report *r)
{
	json_object_set_new(out, "mode", json_string(r->mode));
	json_object_set_new(
	    out, "tls", json_boolean(r->load->relay.wire.tls != NULL));
	json_object_set_new(out, "cipher", json_string(r->cipher));
	json_object_set_new(
	    out, "load_own_records", json_boolean(r->own_records));
}

static void
put_usage(json_t *out, const struct report *r)
{
	const struct usage *u = &r->usage;
	double window = (double)u->at_us;
	uint64_t ours = u->relay_us + u->self_us;

	if (u->at_us == 0)
		return;
	put_real(out, "seconds", window / 1e6);
	put_count(out, "load_threads", r->load->threads);
	put_real(out, "load_cpu", (double)u->self_us / window);
	if (!r->relay_watched)
		return;
	put_real(out, "relay_cpu_s", (double)u->relay_us / 1e6);
	put_real(out, "relay_cpu", (double)u->relay_us / window);
	/* tells whether somebody else was at work; ticks may make it < 0 */
	put_real(out, "others_cpu",
	    u->busy_us > ours ? (double)(u->busy_us - ours) / window : 0);
	put_real(out, "steal_cpu", (double)u->steal_us / window);
}

static void
put_flow(json_t *out, const struct report *r)
{
	const struct flow_counts *c = &r->flow;
	uint64_t missing = c->lost + c->unfinished;

	put_count(out, "pairs", r->load->pairs);
	put_count(out, "destinations", r->load->destinations);
	put_count(out, "size", r->load->packet);
	put_count(out, "per_write", r->load->per_write);
	put_count(out, "rate", r->load->rate);
	put_count(out, "sent", c->sent);
	put_count(out, "delivered", c->delivered);
	put_count(out, "lost", c->lost);
	put_count(out, "unfinished", c->unfinished);
	put_count(out, "reordered", c->reordered);
	put_count(out, "corrupt", c->corrupt);
	put_count(out, "held_back", c->held_back);
	put_count(out, "late", c->late);
	put_count(out, "broken", c->broken);
	put_real(
	    out, "loss", c->sent == 0 ? 0 : (double)missing / (double)c->sent);
	put_real(out, "sent_per_s", per_second(r, c->sent));
	put_real(out, "delivered_per_s", per_second(r, c->delivered));
	if (r->relay_watched && c->delivered > 0)
		put_real(out, "relay_us_per_packet",
		    (double)r->usage.relay_us / (double)c->delivered);
}

static void
put_crowd(json_t *out, const struct report *r)
{
	put_count(out, "clients", r->load->clients);
	put_count(out, "concurrency", r->load->concurrency);
	put_count(out, "logins", r->logins);
	put_count(out, "failures", r->failures);
	put_count(out, "lost_clients", r->lost_clients);
	put_real(out, "logins_per_s", per_second(r, r->logins));
	if (r->relay_watched && r->logins > 0)
		put_real(out, "relay_us_per_login",
		    (double)r->usage.relay_us / (double)r->logins);
}

static void
put_probe(json_t *out, const struct report *r)
{
	const struct probe_worker *p = r->probe;
	json_t *latency = json_object();

	put_count(latency, "hz", r->load->probe_hz);
	put_count(latency, "size", r->load->probe_packet);
	json_object_set_new(latency, "realtime", json_boolean(p->realtime));
	put_count(latency, "sent", p->sent);
	put_count(latency, "lost", p->lost);
	put_count(latency, "broken", p->broken);
	put_real(
	    latency, "p50_us", (double)histogram_quantile(&p->rtt, 0.5) / 1e3);
	put_real(
	    latency, "p99_us", (double)histogram_quantile(&p->rtt, 0.99) / 1e3);
	put_real(latency, "p999_us",
	    (double)histogram_quantile(&p->rtt, 0.999) / 1e3);
	put_real(latency, "max_us", (double)p->rtt.max_ns / 1e3);
	json_object_set_new(out, "latency", latency);
	if (p->broken > 0)
		json_object_set_new(out, "probe_why", json_string(p->why.text));
}
