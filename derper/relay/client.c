/* client: see client.h. */
#include "client.h"

#include "conn.h"
#include "conn_table.h"
#include "registry.h"
#include "relay.h"
#include "worker.h"

#include <assert.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>

/* As upstream: every 60 to 65 seconds. */
#define KEEP_ALIVE_MS 60000
#define KEEP_ALIVE_JITTER_MS 5000

/* A connection of another worker that is to be ended. */
struct eviction {
	struct message message; /* first member */
	struct conn_addr addr;
};

static void
end_evicted(struct worker *worker, struct conn_addr addr)
{
	struct conn *conn = conn_table_get(worker->conns, addr);

	if (conn == NULL)
		return;
	counters_add(&worker->counters->evicted_duplicates, 1);
	conn_fail(conn,
	    "too many connections of one key, and this one was "
	    "heard from least recently");
}

static void
handle_eviction(void *ctx, struct message *m)
{
	end_evicted(ctx, ((struct eviction *)m)->addr);
	free(m);
}

static void
drop_eviction(struct message *m)
{
	free(m);
}

/* Ends a connection, here or on another worker. */
static void
evict(struct relay *relay, struct conn_addr addr)
{
	struct eviction *eviction;

	if (addr.worker == relay->worker->index) {
		end_evicted(relay->worker, addr);
		return;
	}
	/* without memory it stays until it ends by itself; the registry has a
	 * limit for those, too */
	eviction = malloc(sizeof *eviction);
	if (eviction == NULL)
		return;
	*eviction = (struct eviction){ .message = { .handle = handle_eviction,
					   .drop = drop_eviction },
		.addr = addr };
	mailbox_post(relay->shared->crossing->mailboxes[addr.worker],
	    &eviction->message, &eviction->message);
}

static_assert(offsetof(struct client, departure) == 0,
    "the departure begins the memory that is freed with it");

struct client *
client_join(struct conn *conn, struct relay *relay, const struct derp_key *key)
{
	struct counters *counters = conn->worker->counters;
	struct client *c = malloc(sizeof *c);
	struct registry_member member;
	struct conn_addr evicted;

	if (c == NULL ||
	    registry_join(relay->shared->registry, key, conn->addr, &member,
		&evicted) == -1) {
		free(c);
		counters_add(&counters->refused_limit, 1);
		return NULL;
	}
	*c = (struct client){ .conn = conn,
		.relay = relay,
		.member = member,
		.not_here_left = CLIENT_NOT_HERE_BURST,
		.not_here_ms = loop_now_ms(conn->worker->loop),
		.keep_alive_jitter_ms =
		    (uint16_t)randombytes_uniform(KEEP_ALIVE_JITTER_MS) };
	counters_add(&counters->accepts, 1);
	counters_add(&counters->current_connections, 1);
	if (evicted.generation != 0)
		evict(relay, evicted);
	return c;
}

const struct derp_key *
client_key(const struct client *c)
{
	return registry_key(&c->member);
}

uint64_t
client_keep_alive_ms(const struct client *c)
{
	return KEEP_ALIVE_MS + (uint64_t)c->keep_alive_jitter_ms;
}

void
client_leave(struct client *c)
{
	struct counters *counters = c->conn->worker->counters;
	struct relay *relay = c->relay;
	const struct derp_key key = *client_key(c);
	struct notify_departure left;

	counters_subtract(&counters->current_connections, 1);
	if (c->home)
		counters_subtract(&counters->current_home, 1);
	route_cache_clear(&c->routes);
	if (!registry_leave(relay->shared->registry, &c->member, &left))
		return;
	c->conn->session = NULL;
	c->departed_key = key;
	c->departure =
	    (struct departure){ .key = &c->departed_key, .left = left };
	departures_add(&relay->departures, &c->departure);
}

void
client_free(struct client *c)
{
	free(c);
}

void
client_log(struct relay *relay, struct conn *conn, const struct derp_key *key,
    const char *why)
{
	char remote[NETADDR_TEXT], text[DERP_KEY_SHORT_TEXT];

	if (!log_allowed(&relay->log_client, loop_now_ms(conn->worker->loop)))
		return;
	netaddr_format(&conn->remote, remote);
	derp_key_format_short(key, text);
	log_warn("derp client %s%s: %s", remote, text, why);
}
