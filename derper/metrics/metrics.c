/* metrics: see metrics.h. */
#include "metrics.h"

#include "clock.h"
#include "derp_frame.h"
#include "log.h"
#include "metrics_admission.h"
#include "metrics_rows.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

void
metrics_open(struct metrics *m)
{
	process_stats_open(&m->process);
}

void
metrics_close(struct metrics *m)
{
	process_stats_close(&m->process);
}

void
metrics_sample(struct metrics *m, uint64_t now_ms)
{
	if (m->sampled_ms != 0 && now_ms - m->sampled_ms < METRICS_SAMPLE_MS)
		return;
	m->sampled_ms = now_ms;
	atomic_store_explicit(
	    &m->files, process_stats_files(&m->process), memory_order_relaxed);
}

void
metrics_set_certificate(struct metrics *m, int64_t expires_s)
{
	atomic_store_explicit(
	    &m->certificate_expires_s, expires_s, memory_order_relaxed);
}

/* Counters are read one after the other while they grow: a part may be ahead of
 * the whole. */
static uint64_t
minus(uint64_t whole, uint64_t part)
{
	return whole > part ? whole - part : 0;
}

/* The counters of one reason have one shape: packets, of these disco, bytes of
 * frames, of these disco. Upstream counts payloads. */
static void
derive_drops(struct metrics_values *v, size_t i, const uint64_t drops[4])
{
	const uint64_t disco = drops[1], other = minus(drops[0], disco);
	const uint64_t head = DERP_HEADER + DERP_KEY;

	v->dropped_other[i] = other;
	v->dropped_disco_bytes[i] = minus(drops[3], disco * head);
	v->dropped_other_bytes[i] =
	    minus(minus(drops[2], drops[3]), other * head);
}

#define DROPS(c, reason)                                       \
	((const uint64_t[]){ (c)->reason, (c)->reason##_disco, \
	    (c)->reason##_bytes, (c)->reason##_disco_bytes })

static void
derive(struct metrics_values *v)
{
	const struct counter_values *c = &v->counters;

	v->received_other = minus(c->packets_received, c->received_disco);
	v->stun_ipv6 = minus(c->stun_success, c->stun_ipv4);
	derive_drops(v, 0, DROPS(c, dropped_gone_disconnected));
	derive_drops(v, 1, DROPS(c, dropped_queue_head));
	derive_drops(v, 2, DROPS(c, dropped_queue_tail));
	derive_drops(v, 3, DROPS(c, dropped_unknown_dest));
	derive_drops(v, 4, DROPS(c, dropped_unknown_dest_on_fwd));
	v->dropped_destination = c->dropped_unknown_dest +
	    c->dropped_unknown_dest_on_fwd + c->dropped_gone_disconnected;
	v->dropped_memory =
	    minus(c->dropped_queue_tail, c->dropped_at_crossing);
	v->clients_total = v->registry.local + v->registry.remote;
	v->queue_wait_ns = c->queue_wait_ns / v->workers;
}

static void
read_acme(const struct acme_counts *acme, struct metrics_values *v)
{
	int64_t next_s;

	if (acme == NULL)
		return;
	next_s = atomic_load_explicit(&acme->next_s, memory_order_relaxed);
	v->acme_issued =
	    atomic_load_explicit(&acme->issued, memory_order_relaxed);
	v->acme_failed =
	    atomic_load_explicit(&acme->failed, memory_order_relaxed);
	v->acme_next_s = next_s > 0 ? (uint64_t)next_s : 0;
}

static struct metrics_values
read_values(const struct metrics *m)
{
	struct metrics_values v = { .one = 1, .workers = m->workers };
	const int64_t expires_s = atomic_load_explicit(
	    &m->certificate_expires_s, memory_order_relaxed);

	v.counters = counters_sum(m->counters);
	if (m->verify != NULL)
		verify_current_get_counters(m->verify, &v.verify);
	v.registry = registry_stats(m->registry);
	v.budget = m->budget;
	v.log_dropped = log_dropped();
	if (m->rate_limit != NULL)
		v.rate_limit = rate_limit_get(m->rate_limit).scope[RATE_CLIENT];
	process_stats_read(&m->process, &v.process);
	v.max_files = m->process.max_files;
	v.files = atomic_load_explicit(&m->files, memory_order_relaxed);
	v.started_s = (uint64_t)m->process.started_s;
	v.boot_s = (uint64_t)m->process.boot_s;
	v.uptime_s = (clock_now_ms() - m->process.started_ms) / 1000;
	v.certificate_expires_s = expires_s > 0 ? (uint64_t)expires_s : 0;
	read_acme(m->acme, &v);
	derive(&v);
	return v;
}

static uint64_t
value_of(const struct metrics_values *v, const struct metrics_row *row)
{
	uint64_t value;

	memcpy(&value, (const char *)v + row->at, sizeof value);
	return value;
}

static void
put_head(struct writer *w, const struct metrics_row *row)
{
	static const char *const types[] = {
		[METRICS_COUNTER] = "counter",
		[METRICS_GAUGE] = "gauge",
	};

	if (row->help != NULL)
		writer_printf(w, "# HELP %s %s\n", row->name, row->help);
	if (row->type != METRICS_UNTYPED)
		writer_printf(w, "# TYPE %s %s\n", row->name, types[row->type]);
}

static void
put_value(struct writer *w, const struct metrics_row *row, uint64_t value)
{
	writer_printf(w, "%s", row->name);
	if (row->labels != NULL)
		writer_printf(w, "{%s}", row->labels);
	switch (row->unit) {
	case METRICS_WHOLE:
		writer_printf(w, " %" PRIu64 "\n", value);
		break;
	case METRICS_NS:
		writer_printf(w, " %.6f\n", (double)value / 1e9);
		break;
	case METRICS_NS_AS_MS:
		writer_printf(w, " %.6f\n", (double)value / 1e6);
		break;
	}
}

static void
put_histogram(struct writer *w, const struct metrics_values *v,
    const struct metrics_histogram *row)
{
	struct counter_histogram_values h;
	uint64_t count = 0;

	memcpy(&h, (const char *)v + row->at, sizeof h);
	if (row->help != NULL)
		writer_printf(w, "# HELP %s %s\n", row->name, row->help);
	writer_printf(w, "# TYPE %s histogram\n", row->name);
	for (size_t i = 0; i < row->bounds->count; i++) {
		count += h.buckets[i];
		writer_printf(w, "%s_bucket{le=\"%.15g\"} %" PRIu64 "\n",
		    row->name, (double)row->bounds->upper[i] * row->unit,
		    count);
	}
	count += h.buckets[row->bounds->count];
	writer_printf(w,
	    "%s_bucket{le=\"+Inf\"} %" PRIu64
	    "\n%s_sum %.15g\n%s_count %" PRIu64 "\n",
	    row->name, count, row->name, (double)h.sum * row->unit, row->name,
	    count);
}

void
metrics_text(const struct metrics *m, struct writer *w)
{
	const struct metrics_values v = read_values(m);

	for (size_t i = 0; i < metrics_row_count; i++) {
		const struct metrics_row *row = &metrics_rows[i];

		if (i == 0 || strcmp(row->name, row[-1].name) != 0)
			put_head(w, row);
		put_value(w, row, value_of(&v, row));
	}
	for (size_t i = 0; i < metrics_histogram_count; i++)
		put_histogram(w, &v, &metrics_histograms[i]);
	if (m->verify != NULL)
		metrics_admission_put(w, m->verify);
}

/* The object at the path but for its last part, made where it is missing. */
static json_t *
object_at(json_t *top, struct slice path, struct slice *last)
{
	struct slice part;

	while (slice_cut(path, '.', &part, &path)) {
		json_t *next =
		    json_object_getn(top, (const char *)part.p, part.n);

		if (next == NULL) {
			next = json_object();
			json_object_setn_new(
			    top, (const char *)part.p, part.n, next);
		}
		top = next;
	}
	*last = part;
	return top;
}

void
metrics_json(const struct metrics *m, struct writer *w)
{
	const struct metrics_values v = read_values(m);
	json_t *top = json_object();
	char *text;

	for (size_t i = 0; i < metrics_row_count; i++) {
		const struct metrics_row *row = &metrics_rows[i];
		struct slice last;
		json_t *object;

		if (row->json == NULL)
			continue;
		object = object_at(top, slice_str(row->json), &last);
		json_object_setn_new(object, (const char *)last.p, last.n,
		    json_integer((json_int_t)value_of(&v, row)));
	}
	json_object_set_new(top, "version", json_string(DERPKIT_VERSION));
	text = json_dumps(top, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (text != NULL)
		writer_bytes(w, text, strlen(text));
	else
		w->failed = true;
	free(text);
	json_decref(top);
}
