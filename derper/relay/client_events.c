/* client_events: see client_events.h. */
#include "client_events.h"

#include "client.h"
#include "conn.h"
#include "derp_key.h"
#include "log.h"
#include "relay.h"
#include "tcp_stats.h"
#include "worker.h"

/* Who it is, as texts. */
struct identity {
	char key[DERP_KEY_TEXT];
	char address[NETADDR_TEXT];
};

static struct identity
identity_of(const struct client *c)
{
	struct identity id = { .key = "" };

	derp_key_format(client_key(c), id.key);
	netaddr_format(&c->conn->remote, id.address);
	return id;
}

void
client_events_connected(const struct client *c)
{
	struct identity id;

	if (!c->relay->shared->log_connections)
		return;
	id = identity_of(c);
	log_event(LOG_LEVEL_INFO, "client connected",
	    (const struct log_field[]){
		{ .name = "key", .text = id.key },
		{ .name = "address", .text = id.address },
	    },
	    2);
}

static const char *
reason_of(const struct conn *conn, const char *why)
{
	if (why != NULL && why[0] != '\0')
		return why;
	return conn->worker->draining ? "the relay shuts down"
				      : "closed by the client";
}

void
client_events_disconnected(const struct client *c, const char *why)
{
	const struct conn *conn = c->conn;
	struct tcp_stats stats;
	struct identity id;

	if (!c->relay->shared->log_connections)
		return;
	id = identity_of(c);
	(void)tcp_stats_read(conn->stream.watch.fd, &stats);
	log_event(LOG_LEVEL_INFO, "client disconnected",
	    (const struct log_field[]){
		{ .name = "key", .text = id.key },
		{ .name = "address", .text = id.address },
		{ .name = "reason", .text = reason_of(conn, why) },
		{ .name = "received_bytes", .number = stats.received_bytes },
		{ .name = "sent_bytes", .number = stats.acked_bytes },
		{ .name = "duration_ms",
		    .number = loop_now_ms(conn->worker->loop) - c->joined_ms },
	    },
	    6);
}
