/* status_report: see status_report.h. */
#include "status_report.h"

#include "json_member.h"
#include "quote.h"
#include "status_text.h"
#include "width.h"

#include <inttypes.h>
#include <string.h>

#define CELL_MAX 256 /* bytes of a cell */
#define NAME_MAX_SHOWN 63
#define COLUMNS 9

struct report {
	FILE *to;
	bool colour;
};

static const char bold[] = "\033[1m", dim[] = "\033[2m", red[] = "\033[31m",
		  plain[] = "\033[0m";

static const char *
escape(const struct report *r, const char *sequence)
{
	return r->colour ? sequence : "";
}

/* Whatever a number is that was told: 0 where it cannot be a count. */
static uint64_t
count_of(double value)
{
	return value > 0 && value < 0x1p63 ? (uint64_t)value : 0;
}

static uint64_t
number_at(const json_t *object, const char *name)
{
	return count_of(json_number_value(json_object_get(object, name)));
}

/* Foreign text, escaped. */
static const char *
clean(char out[static CELL_MAX], const char *text)
{
	struct writer w = writer_of(out, CELL_MAX - 1);
	const size_t n = strlen(text);

	quote_put(&w, slice_of(text, n < NAME_MAX_SHOWN ? n : NAME_MAX_SHOWN));
	out[w.n] = '\0';
	return out;
}

/* A member, escaped: whoever listens on the socket tells it. */
static const char *
text_at(char out[static CELL_MAX], const json_t *object, const char *name)
{
	return clean(out, json_member_text(object, name));
}

/* ---- the relay */

static void
put_head(const struct report *r, const json_t *status)
{
	char up[STATUS_TEXT], version[CELL_MAX], host[CELL_MAX],
	    started[CELL_MAX];
	const char *name = text_at(host, status, "hostname");

	fprintf(r->to, "%sderper %s%s%s%s, up %s, since %s\n", escape(r, bold),
	    text_at(version, status, "version"), escape(r, plain),
	    name[0] != '\0' ? " on " : "", name,
	    status_text_duration(up, number_at(status, "uptime_s")),
	    text_at(started, status, "started"));
	if (json_is_true(json_object_get(status, "draining")))
		fprintf(r->to,
		    "%sdraining: no new connections; ends when its clients "
		    "have left%s\n",
		    escape(r, red), escape(r, plain));
}

static void
put_listeners(const struct report *r, const json_t *status)
{
	char what[CELL_MAX], address[CELL_MAX];
	const json_t *one;
	size_t i;

	fprintf(r->to, "serves       ");
	json_array_foreach(json_object_get(status, "listeners"), i, one)
	    fprintf(r->to, "%s%s on %s", i > 0 ? ", " : "",
		text_at(what, one, "what"), text_at(address, one, "address"));
	fputc('\n', r->to);
	if (json_is_string(json_object_get(status, "certificate_expires")))
		fprintf(r->to, "certificate  valid until %s\n",
		    text_at(what, status, "certificate_expires"));
}

static void
put_source(const struct report *r, const json_t *source)
{
	const json_t *nodes = json_object_get(source, "nodes");
	char age[STATUS_TEXT], label[CELL_MAX], fault[CELL_MAX];

	fprintf(r->to, "admission    %s", text_at(label, source, "source"));
	if (json_is_integer(nodes))
		fprintf(r->to, ": %" PRIu64 " nodes, as of %s ago",
		    number_at(source, "nodes"),
		    status_text_duration(age, number_at(source, "age_s")));
	else
		fprintf(r->to, ": %" PRIu64 " questions asked",
		    number_at(source, "questions"));
	if (text_at(fault, source, "fault")[0] != '\0')
		fprintf(r->to, " %s(%s)%s", escape(r, red), fault,
		    escape(r, plain));
	fputc('\n', r->to);
}

static void
put_admission(const struct report *r, const json_t *status)
{
	const json_t *admission = json_object_get(status, "admission");
	const json_t *source;
	size_t i;

	if (json_is_true(json_object_get(admission, "admits_everybody")))
		fprintf(r->to, "admission    everybody may use this relay\n");
	json_array_foreach(json_object_get(admission, "sources"), i, source)
	    put_source(r, source);
}

/* ---- traffic */

static void
put_traffic(const struct report *r, const json_t *status)
{
	const json_t *connections = json_object_get(status, "connections");
	const json_t *totals = json_object_get(status, "totals");
	const json_t *slots = json_object_get(status, "history");
	const json_t *last = json_array_size(slots) > 0
	    ? json_array_get(slots, json_array_size(slots) - 1)
	    : NULL;
	const double s = json_number_value(json_object_get(last, "s"));
	char a[STATUS_TEXT], b[STATUS_TEXT];

	fprintf(r->to,
	    "clients      %" PRIu64 ", of them %" PRIu64
	    " at home here; %" PRIu64 " connections at most\n",
	    number_at(connections, "clients"), number_at(connections, "home"),
	    number_at(connections, "max"));
	fprintf(r->to, "relayed      %s packets, %s since the start",
	    status_text_count(a, number_at(totals, "packets_received")),
	    status_text_bytes(b, number_at(totals, "bytes_received")));
	if (s > 0)
		fprintf(r->to, "; %s packets/s, %s/s in the last %.0f s",
		    status_text_count(
			a, count_of((double)number_at(last, "packets") / s)),
		    status_text_bytes(
			b, count_of((double)number_at(last, "bytes") / s)),
		    s);
	fputc('\n', r->to);
}

static void
put_drops(const struct report *r, const json_t *status)
{
	json_t *drops = json_object_get(status, "drops"), *count;
	char shown[CELL_MAX];
	const char *reason;
	bool some = false;

	fprintf(r->to, "dropped      ");
	json_object_foreach(drops, reason, count)
	{
		if (json_integer_value(count) == 0)
			continue;
		fprintf(r->to, "%s%s %" PRIu64, some ? ", " : "",
		    clean(shown, reason), (uint64_t)json_integer_value(count));
		some = true;
	}
	fprintf(r->to, "%s\n", some ? "" : "nothing");
}

/* ---- clients: a table whose columns are as wide as what is in them */

struct row {
	char cells[COLUMNS][CELL_MAX];
};

static const char *const titles[COLUMNS] = { "KEY", "NAME", "ADDRESS", "",
	"FOR", "FROM/s", "TO/s", "QUEUE", "RTT" };
static const bool right[COLUMNS] = { false, false, false, false, true, true,
	true, true, true };

static void
fill_row(struct row *row, const json_t *client)
{
	const json_t *rtt = json_object_get(client, "rtt_ms");
	char text[STATUS_TEXT];

	text_at(row->cells[0], client, "key_short");
	text_at(row->cells[1], client, "name");
	text_at(row->cells[2], client, "address");
	snprintf(row->cells[3], CELL_MAX, "%s%s%s",
	    json_is_true(json_object_get(client, "home")) ? "home" : "",
	    json_is_true(json_object_get(client, "mesh")) ? "mesh" : "",
	    json_is_true(json_object_get(client, "websocket")) ? "+ws" : "");
	snprintf(row->cells[4], CELL_MAX, "%s",
	    status_text_duration(text, number_at(client, "connected_s")));
	snprintf(row->cells[5], CELL_MAX, "%s",
	    status_text_bytes(text, number_at(client, "received_per_s")));
	snprintf(row->cells[6], CELL_MAX, "%s",
	    status_text_bytes(text, number_at(client, "sent_per_s")));
	snprintf(row->cells[7], CELL_MAX, "%s",
	    status_text_bytes(text, number_at(client, "queued_bytes")));
	if (json_is_number(rtt))
		snprintf(
		    row->cells[8], CELL_MAX, "%.1f ms", json_number_value(rtt));
	else
		snprintf(row->cells[8], CELL_MAX, "-");
}

static void
widen(unsigned widths[static COLUMNS], const json_t *clients)
{
	const json_t *client;
	struct row row;
	size_t i;

	for (size_t k = 0; k < COLUMNS; k++)
		widths[k] = (unsigned)strlen(titles[k]);
	json_array_foreach(clients, i, client)
	{
		fill_row(&row, client);
		for (size_t k = 0; k < COLUMNS; k++) {
			const unsigned width =
			    width_of(slice_str(row.cells[k]));

			if (width > widths[k])
				widths[k] = width;
		}
	}
}

static void
put_cell(const struct report *r, size_t column, const char *text,
    const unsigned widths[static COLUMNS])
{
	const unsigned width = width_of(slice_str(text));
	const int pad = (int)(widths[column] - width);
	const bool last = column + 1 == COLUMNS;

	if (right[column])
		fprintf(r->to, "%*s%s%s", pad, "", text, last ? "\n" : "  ");
	else
		fprintf(r->to, "%s%*s%s", text, pad, "", last ? "\n" : "  ");
}

static void
put_clients(const struct report *r, const json_t *status)
{
	const json_t *clients = json_object_get(status, "clients"), *client;
	const json_t *over = json_object_get(status, "rates_over_s");
	const uint64_t total = number_at(status, "clients_total");
	unsigned widths[COLUMNS];
	struct row row;
	size_t i;

	if (json_array_size(clients) == 0)
		return;
	widen(widths, clients);
	fprintf(r->to, "\n%s", escape(r, dim));
	for (size_t k = 0; k < COLUMNS; k++)
		put_cell(r, k, titles[k], widths);
	fprintf(r->to, "%s", escape(r, plain));
	json_array_foreach(clients, i, client)
	{
		fill_row(&row, client);
		for (size_t k = 0; k < COLUMNS; k++)
			put_cell(r, k, row.cells[k], widths);
	}
	fprintf(r->to, "%s%zu of %" PRIu64 " clients", escape(r, dim),
	    json_array_size(clients), total);
	if (json_is_number(over))
		fprintf(r->to, "; rates over %.1f s", json_number_value(over));
	fprintf(r->to, "%s\n", escape(r, plain));
}

void
status_report(FILE *to, const json_t *status, bool colour)
{
	const struct report r = { to, colour };

	put_head(&r, status);
	put_listeners(&r, status);
	put_admission(&r, status);
	put_traffic(&r, status);
	put_drops(&r, status);
	put_clients(&r, status);
}
