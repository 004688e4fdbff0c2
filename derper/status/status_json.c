/* status_json: see status_json.h. */
#include "status_json.h"

#include "quote.h"
#include "relay.h"
#include "status_text.h"

#include <jansson.h>

#define HOSTNAME_MAX 1024

/* Values are owned by whoever they are given to. Without memory for one it is
 * left out of an array, and makes an object that has it fail. */
static json_t *
number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *
time_text(int64_t s)
{
	char text[STATUS_TEXT];

	return s > 0 ? json_string(status_text_time(text, s)) : json_null();
}

static json_t *
listeners_json(const struct status_relay *relay)
{
	json_t *list = json_array();

	for (size_t i = 0; i < relay->listener_count; i++) {
		char text[NETADDR_TEXT];

		netaddr_format(&relay->listeners[i].addr, text);
		json_array_append_new(list,
		    json_pack("{s:s, s:s}", "what", relay->listeners[i].what,
			"address", text));
	}
	return list;
}

static const char *
fault_text(enum verify_fault fault)
{
	switch (fault) {
	case VERIFY_FAULT_NONE:
		return NULL;
	case VERIFY_FAULT_AWAY:
		return "unreachable";
	case VERIFY_FAULT_BAD:
		return "unusable";
	case VERIFY_FAULT_OURS:
		return "shortage";
	}
	return NULL;
}

static json_t *
source_json(const struct status_source *source)
{
	const struct verify_member_stats *s = &source->stats;
	const bool has_set = s->keeps_set && s->feed.has_set;

	return json_pack("{s:s, s:o, s:o, s:s?, s:o, s:o, s:o, s:o}", "source",
	    source->label, "nodes",
	    has_set ? number(s->feed.keys) : json_null(), "age_s",
	    has_set ? json_real((double)s->feed.age_ms / 1000) : json_null(),
	    "fault", s->keeps_set ? fault_text(s->feed.fault) : NULL,
	    "answers_from_memory", number(s->recalled), "questions",
	    number(s->asked), "allowed", number(s->allowed), "denied",
	    number(s->denied));
}

static json_t *
admission_json(const struct status_facts *f)
{
	json_t *sources = json_array();

	for (size_t i = 0; i < f->source_count; i++)
		json_array_append_new(sources, source_json(&f->sources[i]));
	return json_pack("{s:b, s:o}", "admits_everybody", f->admits_all,
	    "sources", sources);
}

static json_t *
connections_json(const struct status_facts *f)
{
	const struct registry_stats *r = &f->registry;

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "clients",
	    number(f->counters.current_connections), "home",
	    number(f->counters.current_home), "keys", number(r->local),
	    "keys_elsewhere", number(r->remote), "duplicates",
	    number(r->duplicate_connections), "max",
	    number(f->relay->connections_max));
}

static json_t *
totals_json(const struct counter_values *v)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "packets_received", number(v->packets_received), "bytes_received",
	    number(v->bytes_received), "packets_sent", number(v->packets_sent),
	    "bytes_sent", number(v->bytes_sent), "connections",
	    number(v->connections), "tls_handshakes",
	    number(status_ring_handshakes(v)), "tls_failed",
	    number(v->tls_failed), "logins", number(v->accepts), "rejected",
	    number(v->rejected), "stun", number(v->stun_success));
}

static void
add_drop(void *ctx, const char *reason, uint64_t count)
{
	json_object_set_new(ctx, reason, number(count));
}

static json_t *
drops_json(const struct counter_values *v)
{
	json_t *drops = json_object();

	status_ring_each_drop(v, add_drop, drops);
	return drops;
}

static json_t *
slot_json(const struct status_slot *slot)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "s",
	    json_real((double)slot->ms / 1000), "packets",
	    number(slot->packets), "bytes", number(slot->bytes), "drops",
	    number(slot->drops), "connections", number(slot->connections),
	    "tls_handshakes", number(slot->handshakes), "logins",
	    number(slot->logins), "clients", number(slot->clients));
}

static json_t *
history_json(const struct status_ring *ring)
{
	json_t *slots = json_array();

	for (size_t i = 0; i < ring->count; i++)
		json_array_append_new(
		    slots, slot_json(status_ring_at(ring, i)));
	return slots;
}

static json_t *
rtt_json(uint32_t rtt_us)
{
	return rtt_us > 0 ? json_real((double)rtt_us / 1000) : json_null();
}

static json_t *
client_json(const struct status_facts *f, const struct status_client *c)
{
	char key[DERP_KEY_TEXT], shown[DERP_KEY_SHORT_TEXT];
	char address[NETADDR_TEXT], since[STATUS_TEXT];
	const char *name = status_facts_name(f, &c->key);

	derp_key_format(&c->key, key);
	derp_key_format_short(&c->key, shown);
	netaddr_format(&c->remote, address);
	status_text_time(since, f->now_s - (int64_t)c->connected_s);
	return json_pack("{s:s, s:s, s:s?, s:s, s:b, s:b, s:b, s:b, s:s, s:o, "
			 "s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "key", key, "key_short", shown, "name",
	    name[0] != '\0' ? name : NULL, "address", address, "home", c->home,
	    "mesh", c->mesh, "websocket", c->websocket, "tls", c->tls, "since",
	    since, "connected_s", number(c->connected_s), "bytes_received",
	    number(c->bytes_received), "bytes_sent", number(c->bytes_sent),
	    "received_per_s", number(c->received_per_s), "sent_per_s",
	    number(c->sent_per_s), "queued_bytes", number(c->queued_bytes),
	    "queued_packets", number(c->queued_packets), "rtt_ms",
	    rtt_json(c->rtt_us));
}

/* Clients `from` and following of an order. */
static json_t *
clients_json(const struct status_facts *f, const uint32_t *order, size_t from,
    size_t limit)
{
	const struct status_snapshot *s = f->snapshot;
	json_t *list = json_array();

	for (size_t i = from; i < s->count && i - from < limit; i++)
		if (json_array_append_new(list,
			client_json(f, status_snapshot_at(s, order, i))) ==
		    -1) {
			json_decref(list);
			return NULL;
		}
	return list;
}

/* Who we are. */
static json_t *
relay_json(const struct status_facts *f)
{
	const struct status_relay *relay = f->relay;
	char key[DERP_KEY_TEXT], now[STATUS_TEXT], name[HOSTNAME_MAX];
	struct writer w = writer_of(name, sizeof name - 1);

	/* JSON is UTF-8, and a flag any bytes */
	quote_put(&w, slice_str(relay->hostname));
	name[w.n] = '\0';
	derp_key_format(relay->shared->public_key, key);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:o}",
	    "version", DERPKIT_VERSION, "hostname", name, "public_key", key,
	    "time", status_text_time(now, f->now_s), "started",
	    time_text(f->started_s), "uptime_s", number(f->uptime_s), "workers",
	    number(relay->workers), "draining", f->draining, "listeners",
	    listeners_json(relay), "certificate_expires",
	    time_text(f->certificate_expires_s));
}

static json_t *
page_json(const struct status_facts *f, const struct status_query *q)
{
	const struct status_snapshot *s = f->snapshot;

	return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o}", "rates_over_s",
	    s->rates_ms > 0 ? json_real((double)s->rates_ms / 1000)
			    : json_null(),
	    "clients_total", number(s->count + s->left_out), "clients_left_out",
	    number(s->left_out), "order", q->by_traffic ? "traffic" : "key",
	    "offset", number(q->offset), "clients",
	    clients_json(f, q->by_traffic ? s->by_traffic : s->by_key,
		q->offset, q->limit),
	    "top_talkers",
	    clients_json(f, s->by_traffic, 0, STATUS_JSON_TALKERS));
}

char *
status_json(const struct status_facts *f, const struct status_query *q)
{
	json_t *all = relay_json(f), *page = page_json(f, q);
	json_t *parts = json_pack("{s:o, s:o, s:o, s:o, s:o}", "admission",
	    admission_json(f), "connections", connections_json(f), "totals",
	    totals_json(&f->counters), "drops", drops_json(&f->counters),
	    "history", history_json(f->ring));
	char *text = NULL;

	if (json_object_update(all, parts) == 0 &&
	    json_object_update(all, page) == 0)
		text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	json_decref(parts);
	json_decref(page);
	return text;
}
