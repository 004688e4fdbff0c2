/* client: see client.h. */
#include "client.h"

#include "conn.h"
#include "conn_table.h"
#include "derp_msg.h"
#include "forward_cache.h"
#include "rate_gate.h"
#include "registry.h"
#include "relay.h"
#include "watchers.h"
#include "worker.h"

#include <assert.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* As upstream: every 60 to 65 seconds. */
#define KEEP_ALIVE_MS 60000
#define KEEP_ALIVE_JITTER_MS 5000

enum eviction_cause {
	EVICTION_DUPLICATE,
	EVICTION_CLOSE_PEER,
	EVICTION_OPERATOR,
};

/* A connection of another worker that is to be ended. */
struct eviction {
	struct message message; /* first member */
	struct conn_addr addr;
	enum eviction_cause cause;
};

struct client *
client_at(struct worker *worker, struct conn_addr addr)
{
	struct conn *conn = conn_table_get(worker->conns, addr);

	/* what was registered has no session but a client from then on */
	return conn != NULL && !conn->ended ? conn->session : NULL;
}

static void
end_evicted(
    struct worker *worker, struct conn_addr addr, enum eviction_cause cause)
{
	struct client *client = client_at(worker, addr);
	struct conn *conn;

	if (client == NULL)
		return;
	conn = client->conn;
	switch (cause) {
	case EVICTION_DUPLICATE:
		counters_add(&worker->counters->evicted_duplicates, 1);
		conn_fail(conn,
		    "too many connections of one key, and this one was "
		    "heard from least recently");
		return;
	case EVICTION_CLOSE_PEER:
		counters_add(&worker->counters->closed_by_mesh, 1);
		conn_fail(conn, "closed by a mesh peer");
		return;
	case EVICTION_OPERATOR:
		conn_fail(conn, "closed by the operator");
		return;
	}
}

static void
handle_eviction(void *ctx, struct message *m)
{
	const struct eviction *eviction = (struct eviction *)m;

	end_evicted(ctx, eviction->addr, eviction->cause);
	free(m);
}

static void
drop_eviction(struct message *m)
{
	free(m);
}

/* Ends a connection, here or on another worker. */
static void
evict(struct relay *relay, struct conn_addr addr, enum eviction_cause cause)
{
	struct eviction *eviction;

	if (addr.worker == relay->worker->index) {
		end_evicted(relay->worker, addr, cause);
		return;
	}
	/* without memory it stays until it ends by itself; the registry has a
	 * limit for those, too */
	eviction = malloc(sizeof *eviction);
	if (eviction == NULL)
		return;
	*eviction = (struct eviction){ .message = { .handle = handle_eviction,
					   .drop = drop_eviction },
		.addr = addr,
		.cause = cause };
	mailbox_post(relay->shared->crossing->mailboxes[addr.worker],
	    &eviction->message, &eviction->message);
}

static_assert(offsetof(struct client, departure) == 0,
    "the departure begins the memory that is freed with it");

/* Watchers are told, here and on other workers. */
static void
wake_watchers(const struct relay_shared *shared)
{
	for (unsigned i = 0; i < shared->crossing->workers; i++)
		if (shared->relays[i] != NULL)
			watchers_wake(&shared->relays[i]->watchers);
}

/* Without memory the client stays, and watchers do not know of it: others can
 * reach it through this relay only. */
static bool
join_presence(const struct relay_shared *shared, const struct derp_key *key,
    const struct netaddr *remote, uint8_t flags)
{
	if (shared->presence == NULL ||
	    presence_join(shared->presence, key, remote, flags) == -1)
		return false;
	wake_watchers(shared);
	return true;
}

/* Adds to the gauge of clients with its version of TLS. */
static void
count_tls(const struct conn *conn, uint64_t n)
{
	struct counters *counters = conn->worker->counters;

	if (conn->stream.tls == NULL)
		return;
	counters_add(strcmp(tls_version(conn->stream.tls), "1.3") == 0
		? &counters->tls13_clients
		: &counters->tls12_clients,
	    n);
}

/* Counts and tells why a connection could not be registered. */
static void
refuse(struct conn *conn, struct registry *registry, const struct derp_key *key)
{
	struct counters *counters = conn->worker->counters;

	if (registry_count(registry, key) >= REGISTRY_MEMBERS_MAX) {
		counters_add(&counters->refused_limit, 1);
		conn_fail(conn, "too many connections of one key");
	} else {
		counters_add(&counters->refused_memory, 1);
		conn_fail(conn, "out of memory");
	}
}

struct client *
client_join(struct conn *conn, struct relay *relay, const struct derp_key *key,
    uint8_t flags)
{
	const bool is_mesh = (flags & DERP_PRESENT_MESH) != 0;
	struct rate_limit *limit = is_mesh ? NULL : relay->shared->rate_limit;
	struct counters *counters = conn->worker->counters;
	struct client *c =
	    calloc(1, is_mesh ? sizeof(struct client_mesh) : sizeof *c);
	struct rate_gate *gate =
	    limit != NULL ? rate_gate_new(limit, conn, key) : NULL;
	const struct registry_origin origin = { conn->addr, conn->remote,
		is_mesh };
	struct registry_member member;
	struct conn_addr evicted;
	bool present;

	if (c == NULL || (limit != NULL && gate == NULL) ||
	    registry_join(relay->shared->registry, key, &origin, &member,
		&evicted) == -1) {
		rate_gate_free(gate);
		free(c);
		refuse(conn, relay->shared->registry, key);
		return NULL;
	}
	present = join_presence(relay->shared, key, &conn->remote, flags);
	*c = (struct client){ .conn = conn,
		.is_mesh = is_mesh,
		.not_ideal = (flags & DERP_PRESENT_NOT_IDEAL) != 0,
		.present = present,
		.relay = relay,
		.member = member,
		.gate = gate,
		.joined_ms = loop_now_ms(conn->worker->loop),
		.not_here_left = CLIENT_NOT_HERE_BURST,
		.not_here_ms = loop_now_ms(conn->worker->loop),
		.keep_alive_jitter_ms =
		    (uint16_t)randombytes_uniform(KEEP_ALIVE_JITTER_MS) };
	counters_add(&counters->accepts, 1);
	counters_add(&counters->current_connections, 1);
	counters_add(&counters->current_not_ideal, c->not_ideal);
	count_tls(conn, 1);
	if (evicted.generation != 0)
		evict(relay, evicted, EVICTION_DUPLICATE);
	return c;
}

struct client_mesh *
client_mesh(struct client *c)
{
	return c->is_mesh ? (struct client_mesh *)c : NULL;
}

void
client_close_key(
    struct relay *relay, const struct derp_key *key, enum client_closer closer)
{
	static const enum eviction_cause causes[] = {
		[CLIENT_CLOSER_MESH_PEER] = EVICTION_CLOSE_PEER,
		[CLIENT_CLOSER_OPERATOR] = EVICTION_OPERATOR,
	};
	struct conn_addr addrs[REGISTRY_MEMBERS_MAX];
	const size_t count =
	    registry_addresses(relay->shared->registry, key, addrs);

	for (size_t i = 0; i < count; i++)
		evict(relay, addrs[i], causes[closer]);
}

/* A token of the NotHere limit: 3 at once, one more a second. */
static bool
may_say_not_here(struct client *c)
{
	uint64_t now_ms = loop_now_ms(c->relay->worker->loop);
	uint64_t earned = (now_ms - c->not_here_ms) / 1000;

	if (c->not_here_left + earned >= CLIENT_NOT_HERE_BURST) {
		/* a full bucket does not begin to earn the next one */
		c->not_here_left = CLIENT_NOT_HERE_BURST;
		c->not_here_ms = now_ms;
	} else {
		c->not_here_left = (uint8_t)(c->not_here_left + earned);
		c->not_here_ms += earned * 1000;
	}
	if (c->not_here_left == 0)
		return false;
	c->not_here_left--;
	return true;
}

void
client_say_not_here(struct client *c, const struct derp_key *dst)
{
	uint8_t frame[DERP_HEADER + DERP_KEY + 1];
	struct writer w = writer_of(frame, sizeof frame);
	struct counters *counters = c->relay->worker->counters;

	if (!may_say_not_here(c))
		return;
	derp_peer_gone_put(&w, dst, DERP_GONE_NOT_HERE);
	/* without memory that ends it, and *c may be a departure then */
	conn_send_control(c->conn, writer_slice(&w), false);
	counters_add(&counters->peer_gone_not_here_frames, 1);
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

static void
leave_mesh(struct client_mesh *mesh)
{
	watchers_remove(&mesh->client.relay->watchers, mesh->watcher);
	forward_cache_free(mesh->forward);
	mesh->watcher = NULL;
	mesh->forward = NULL;
}

/* Others are told that the key has left: the client is that departure from here
 * on, and the connection's session no more. */
static void
depart(
    struct client *c, const struct derp_key *key, struct notify_departure left)
{
	struct relay *relay = c->relay;

	c->conn->session = NULL;
	c->departed_key = *key;
	c->departure =
	    (struct departure){ .key = &c->departed_key, .left = left };
	departures_add(&relay->departures, &c->departure);
}

void
client_leave(struct client *c)
{
	struct counters *counters = c->conn->worker->counters;
	struct relay *relay = c->relay;
	const struct derp_key key = *client_key(c);
	const bool present = c->present;
	struct notify_departure left;

	counters_subtract(&counters->current_connections, 1);
	if (c->home)
		counters_subtract(&counters->current_home, 1);
	counters_subtract(&counters->current_not_ideal, c->not_ideal);
	count_tls(c->conn, (uint64_t)-1);
	route_cache_clear(&c->routes);
	rate_gate_free(c->gate);
	c->gate = NULL;
	if (c->is_mesh)
		leave_mesh(client_mesh(c));
	if (registry_leave(relay->shared->registry, &c->member, &left))
		depart(c, &key, left);
	/* whoever is told by this relay that it is not here is also told when
	 * it is back: the registry first, presence afterwards, both ways */
	if (present) {
		presence_leave(relay->shared->presence, &key);
		wake_watchers(relay->shared);
	}
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
