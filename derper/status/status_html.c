/* status_html: see status_html.h. */
#include "status_html.h"

#include "html.h"
#include "quote.h"
#include "relay.h"
#include "status_chart.h"
#include "status_text.h"

#include <inttypes.h>

#define TEXT_MAX 1024 /* bytes of a name, as it is shown */

static const char style[] =
    ":root{color-scheme:light dark;--line:#d0d7de;--dim:#59636e;--ink:#1f2328;"
    "--bg:#fff;--card:#f6f8fa;--bar:#2f6fdb;--bad:#b42318}"
    "@media(prefers-color-scheme:dark){:root{--line:#3d444d;--dim:#9198a1;"
    "--ink:#e6edf3;--bg:#0d1117;--card:#151b23;--bar:#58a6ff;--bad:#ff7b72}}"
    "body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:76rem;"
    "padding:1rem;color:var(--ink);background:var(--bg)}"
    "h1{font-size:1.35rem;margin:.2rem 0;overflow-wrap:anywhere}"
    "h2{font-size:1.05rem;margin:1.6rem 0 .5rem}"
    "p,dl{margin:.3rem 0}small,.dim{color:var(--dim)}.bad{color:var(--bad)}"
    ".cards{display:grid;gap:.6rem;"
    "grid-template-columns:repeat(auto-fill,minmax(9rem,1fr))}"
    ".cards div,figure{background:var(--card);border:1px solid var(--line);"
    "border-radius:.5rem;padding:.5rem .7rem;margin:0}"
    ".cards b{display:block;font-size:1.25rem}"
    ".charts{display:grid;gap:.6rem;"
    "grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}"
    "figcaption{display:flex;gap:.5rem;align-items:baseline}"
    "figcaption small{margin-left:auto}"
    "svg{display:block;width:100%;height:4rem;fill:var(--bar);"
    "border-bottom:1px solid var(--line)}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem}"
    "dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}"
    ".table{overflow-x:auto}table{border-collapse:collapse;width:100%;"
    "font-variant-numeric:tabular-nums}"
    "th,td{text-align:left;padding:.2rem .7rem .2rem 0;white-space:nowrap;"
    "border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:500}"
    ".n{text-align:right}code{font:.9em ui-monospace,monospace}"
    "@media(max-width:40rem){.wide{display:none}}";

/* What others have named: nothing that is hidden, or turns the text around. */
static void
put_text(struct writer *w, const char *text)
{
	uint8_t shown[TEXT_MAX];
	struct writer quoted = writer_of(shown, sizeof shown);

	quote_put(&quoted, slice_str(text));
	html_escape(w, writer_slice(&quoted));
}

static void
put_head(struct writer *w, const struct status_facts *f,
    const struct status_query *q)
{
	const char *name =
	    f->relay->hostname[0] != '\0' ? f->relay->hostname : "DERP relay";

	writer_printf(w,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<meta name=\"viewport\" "
	    "content=\"width=device-width,initial-scale=1\">");
	if (q->refresh_s > 0)
		writer_printf(w, "<meta http-equiv=\"refresh\" content=\"%u\">",
		    q->refresh_s);
	writer_printf(w, "<title>");
	put_text(w, name);
	writer_printf(w, "</title><style>");
	writer_bytes(w, style, sizeof style - 1);
	writer_printf(w, "</style></head><body>\n<h1>");
	put_text(w, name);
	writer_printf(w, "</h1>\n");
}

static void
put_about(struct writer *w, const struct status_facts *f)
{
	char up[STATUS_TEXT], since[STATUS_TEXT], now[STATUS_TEXT];

	status_text_duration(up, f->uptime_s);
	status_text_time(since, f->started_s);
	status_text_time(now, f->now_s);
	writer_printf(w,
	    "<p class=\"dim\">derper " DERPKIT_VERSION
	    ", up %s, since %s; as of %s</p>\n",
	    up, since, now);
	if (f->draining)
		writer_printf(w,
		    "<p class=\"bad\"><b>Draining:</b> it takes no new "
		    "connections, and ends when its clients have left.</p>\n");
}

/* One big figure. */
static void
put_card(struct writer *w, const char *value, const char *what)
{
	writer_printf(w, "<div><b>%s</b>%s</div>", value, what);
}

static uint64_t
slot_per_s(const struct status_slot *slot, uint64_t value)
{
	return slot->ms > 0 ? value * 1000 / slot->ms : 0;
}

static void
put_cards(struct writer *w, const struct status_facts *f)
{
	const struct status_slot *recent = &f->recent;
	char text[STATUS_TEXT], rate[STATUS_TEXT + 8];
	struct writer r = writer_of(rate, sizeof rate - 1);

	writer_printf(w, "<div class=\"cards\">");
	put_card(w, status_text_count(text, f->counters.current_connections),
	    "clients");
	put_card(w, status_text_count(text, f->counters.current_home),
	    "of them at home here");
	put_card(w,
	    status_text_count(text, slot_per_s(recent, recent->packets)),
	    "packets/s");
	status_text_bytes(text, slot_per_s(recent, recent->bytes));
	writer_printf(&r, "%s/s", text);
	rate[r.n] = '\0';
	put_card(w, rate, "payload");
	put_card(w, status_text_count(text, recent->drops),
	    "packets dropped of late");
	put_card(w, status_text_count(text, status_ring_drops(&f->counters)),
	    "dropped since the start");
	writer_printf(w, "</div>\n");
}

#define SERIES(name)                                                \
	static uint64_t slot_##name(const struct status_slot *slot) \
	{                                                           \
		return slot->name;                                  \
	}
SERIES(packets)
SERIES(bytes)
SERIES(clients)
SERIES(connections)
SERIES(handshakes)
SERIES(drops)

static const struct status_chart charts[] = {
	{ "Packets", slot_packets, status_text_count, "/s", true },
	{ "Payload", slot_bytes, status_text_bytes, "/s", true },
	{ "Clients", slot_clients, status_text_count, "", false },
	{ "New connections", slot_connections, status_text_count, " in 30 s",
	    false },
	{ "TLS handshakes", slot_handshakes, status_text_count, " in 30 s",
	    false },
	{ "Packets dropped", slot_drops, status_text_count, " in 30 s", false },
};

static void
put_charts(struct writer *w, const struct status_facts *f)
{
	writer_printf(w, "<h2>Last hour</h2>\n<div class=\"charts\">\n");
	for (size_t i = 0; i < sizeof charts / sizeof charts[0]; i++)
		status_chart_put(w, &charts[i], f->ring);
	writer_printf(w, "</div>\n");
}

static void
put_listeners(struct writer *w, const struct status_relay *relay)
{
	for (size_t i = 0; i < relay->listener_count; i++) {
		char text[NETADDR_TEXT];

		netaddr_format(&relay->listeners[i].addr, text);
		writer_printf(w, "<dt>%s</dt><dd>%s</dd>",
		    relay->listeners[i].what, text);
	}
}

static void
put_certificate(struct writer *w, const struct status_facts *f)
{
	const int64_t left_s = f->certificate_expires_s - f->now_s;
	char when[STATUS_TEXT], left[STATUS_TEXT];

	if (f->certificate_expires_s == 0)
		return;
	status_text_time(when, f->certificate_expires_s);
	status_text_duration(left, (uint64_t)(left_s > 0 ? left_s : 0));
	if (left_s > 0)
		writer_printf(w,
		    "<dt>certificate</dt><dd>valid until %s (%s)</dd>", when,
		    left);
	else
		writer_printf(w,
		    "<dt>certificate</dt><dd class=\"bad\">expired on "
		    "%s</dd>",
		    when);
}

static void
put_relay(struct writer *w, const struct status_facts *f)
{
	char key[DERP_KEY_TEXT];

	derp_key_format(f->relay->shared->public_key, key);
	writer_printf(w,
	    "<h2>Relay</h2>\n<dl><dt>public key</dt><dd><code>%s</code></dd>",
	    key);
	put_listeners(w, f->relay);
	put_certificate(w, f);
	writer_printf(w,
	    "<dt>workers</dt><dd>%u</dd>"
	    "<dt>connections</dt><dd>at most %" PRIu64 "</dd></dl>\n",
	    f->relay->workers, f->relay->connections_max);
}

static const char *
fault_text(enum verify_fault fault)
{
	switch (fault) {
	case VERIFY_FAULT_NONE:
		break;
	case VERIFY_FAULT_AWAY:
		return "cannot be reached";
	case VERIFY_FAULT_BAD:
		return "what it says cannot be used";
	case VERIFY_FAULT_OURS:
		return "a shortage here";
	}
	return "";
}

static void
put_source(struct writer *w, const struct status_source *source)
{
	const struct verify_member_stats *s = &source->stats;
	char age[STATUS_TEXT];

	writer_printf(w, "<tr><td>");
	put_text(w, source->label);
	if (!s->keeps_set)
		writer_printf(w,
		    "</td><td class=\"n\">-</td><td>is asked "
		    "about each key");
	else if (!s->feed.has_set)
		writer_printf(w,
		    "</td><td class=\"n\">-</td><td class=\"bad\">"
		    "has not told its nodes yet");
	else
		writer_printf(w,
		    "</td><td class=\"n\">%zu</td><td>as of %s ago",
		    s->feed.keys,
		    status_text_duration(age, s->feed.age_ms / 1000));
	if (s->keeps_set && s->feed.fault != VERIFY_FAULT_NONE)
		writer_printf(w, " <span class=\"bad\">(%s)</span>",
		    fault_text(s->feed.fault));
	writer_printf(w,
	    "</td><td class=\"n\">%" PRIu64 "</td><td class=\"n\">%" PRIu64
	    "</td></tr>\n",
	    s->recalled, s->asked);
}

static void
put_admission(struct writer *w, const struct status_facts *f)
{
	writer_printf(w, "<h2>Admission</h2>\n");
	if (f->admits_all) {
		writer_printf(w, "<p>Everybody may use this relay.</p>\n");
		return;
	}
	writer_printf(w,
	    "<div class=\"table\"><table><tr><th>source</th>"
	    "<th class=\"n\">nodes</th><th>state</th>"
	    "<th class=\"n\">answers from memory</th>"
	    "<th class=\"n\">questions</th></tr>\n");
	for (size_t i = 0; i < f->source_count; i++)
		put_source(w, &f->sources[i]);
	writer_printf(w,
	    "</table></div>\n<p class=\"dim\">%" PRIu64 " logins, %" PRIu64
	    " rejected, %" PRIu64 " admitted while a source was away, %" PRIu64
	    " closed later for having lost the right</p>\n",
	    f->counters.accepts, f->counters.rejected,
	    f->counters.admitted_fail_open, f->counters.revoked);
}

static void
put_drop(void *ctx, const char *reason, uint64_t count)
{
	writer_printf(ctx, "<dt>%s</dt><dd>%" PRIu64 "</dd>", reason, count);
}

static void
put_drops(struct writer *w, const struct status_facts *f)
{
	writer_printf(w, "<h2>Packets dropped, by reason</h2>\n<dl>");
	status_ring_each_drop(&f->counters, put_drop, w);
	writer_printf(w, "</dl>\n");
}

/* What is special about it. */
static void
put_marks(struct writer *w, const struct status_client *c)
{
	writer_printf(w, "%s%s%s", c->home ? "home " : "",
	    c->mesh ? "mesh " : "", c->websocket ? "WebSocket" : "");
}

static void
put_client(struct writer *w, const struct status_facts *f,
    const struct status_client *c)
{
	char key[DERP_KEY_SHORT_TEXT], address[NETADDR_TEXT];
	char since[STATUS_TEXT], in[STATUS_TEXT], out[STATUS_TEXT];
	char queued[STATUS_TEXT];

	derp_key_format_short(&c->key, key);
	netaddr_format(&c->remote, address);
	writer_printf(w, "<tr><td><code>%s</code></td><td>", key);
	put_text(w, status_facts_name(f, &c->key));
	writer_printf(
	    w, "</td><td class=\"wide\">%s</td><td class=\"wide\">", address);
	put_marks(w, c);
	writer_printf(w,
	    "</td><td class=\"n wide\">%s</td><td class=\"n\">%s/s</td>"
	    "<td class=\"n\">%s/s</td><td class=\"n wide\">%s</td>",
	    status_text_duration(since, c->connected_s),
	    status_text_bytes(in, c->received_per_s),
	    status_text_bytes(out, c->sent_per_s),
	    status_text_bytes(queued, c->queued_bytes));
	if (c->rtt_us > 0)
		writer_printf(w, "<td class=\"n\">%.1f ms</td></tr>\n",
		    (double)c->rtt_us / 1000);
	else
		writer_printf(w, "<td class=\"n\">-</td></tr>\n");
}

/* A link to the clients from `offset` on, shown as these are. */
static void
put_link(struct writer *w, const struct status_query *q, size_t offset,
    const char *what)
{
	writer_printf(w,
	    "<a href=\"?order=%s&amp;offset=%zu&amp;limit=%zu&amp;refresh=%u",
	    q->by_traffic ? "traffic" : "key", offset, q->limit, q->refresh_s);
	if (q->key_pair[0] != '\0')
		writer_printf(w, "&amp;");
	html_escape(w, slice_str(q->key_pair));
	writer_printf(w, "\">%s</a> ", what);
}

/* Links to the clients before and after these. */
static void
put_links(struct writer *w, const struct status_facts *f,
    const struct status_query *q)
{
	const size_t count = f->snapshot->count;
	const size_t at = q->offset < count ? q->offset : count;

	writer_printf(w, "<p>");
	if (at > 0)
		put_link(
		    w, q, at < q->limit ? 0 : at - q->limit, "&larr; previous");
	if (q->limit > 0 && count - at > q->limit)
		put_link(w, q, at + q->limit, "next &rarr;");
	writer_printf(w, "<a href=\"/debug/status.json%s",
	    q->key_pair[0] != '\0' ? "?" : "");
	html_escape(w, slice_str(q->key_pair));
	writer_printf(w, "\">JSON</a></p>\n");
}

static void
put_clients(struct writer *w, const struct status_facts *f,
    const struct status_query *q)
{
	const struct status_snapshot *s = f->snapshot;
	const uint32_t *order = q->by_traffic ? s->by_traffic : s->by_key;
	const size_t first = q->offset < s->count ? q->offset : s->count;
	const size_t left = s->count - first;
	const size_t shown = left < q->limit ? left : q->limit;

	writer_printf(w,
	    "<h2>Clients</h2>\n<p class=\"dim\">%zu of %" PRIu64
	    ", from number %zu on, %s. Rates are of the TCP connections, ",
	    shown, (uint64_t)s->count + s->left_out, first + 1,
	    q->by_traffic ? "those with most traffic first" : "by key");
	if (s->rates_ms > 0)
		writer_printf(w, "over the last %.1f s.</p>\n",
		    (double)s->rates_ms / 1000);
	else
		writer_printf(w, "over their whole time.</p>\n");
	writer_printf(w,
	    "<div class=\"table\"><table><tr><th>key</th><th>name</th>"
	    "<th class=\"wide\">address</th><th class=\"wide\"></th>"
	    "<th class=\"n wide\">connected</th><th class=\"n\">from "
	    "client</th>"
	    "<th class=\"n\">to client</th><th class=\"n wide\">queue</th>"
	    "<th class=\"n\">RTT</th></tr>\n");
	for (size_t i = first; i < first + shown; i++)
		put_client(w, f, status_snapshot_at(s, order, i));
	writer_printf(w, "</table></div>\n");
	put_links(w, f, q);
}

void
status_html(struct writer *w, const struct status_facts *f,
    const struct status_query *q)
{
	put_head(w, f, q);
	put_about(w, f);
	put_cards(w, f);
	put_charts(w, f);
	put_clients(w, f, q);
	put_admission(w, f);
	put_drops(w, f);
	put_relay(w, f);
	writer_printf(w, "</body></html>\n");
}
