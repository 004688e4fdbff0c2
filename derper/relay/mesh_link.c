/* mesh_link: see mesh_link.h. */
#include "mesh_link.h"

#include "conn.h"
#include "conn_input.h"
#include "departures.h"
#include "derp_msg.h"
#include "keytable.h"
#include "registry.h"
#include "relay.h"
#include "worker.h"

#include <assert.h>
#include <sodium.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The number of keys is logged when none came for so long, or after so long,
 * and then now and then. */
#define QUIET_MS 200
#define FLOOD_MS 2000
#define TELL_MS 10000
/* A timer that is to fire at some other time. */
#define NOT_YET_MS 3600000

/* A key that the other relay has. When it has left and others are told, it is
 * that departure. */
struct link_key {
	struct departure departure; /* first member */
	struct derp_key key;
};

static_assert(DERP_KEY == KEYTABLE_KEY, "a key is a key");
static_assert(MESH_LINK_PER_TURN >= FORWARDERS_LINKS_MAX,
    "each link of a worker may withdraw one at least");

static void fire(void *ctx);
static const struct conn_protocol link_phase;

static struct loop *
loop_of(const struct mesh_link *link)
{
	return link->relay->worker->loop;
}

static struct counters *
counters_of(const struct mesh_link *link)
{
	return link->relay->worker->counters;
}

/* The timer is set from mesh_link_open on, and set again before anything else
 * when it fires: this moves it, which needs no memory (loop.h). */
static void
set_timer(struct mesh_link *link, uint64_t after_ms)
{
	struct loop *loop = loop_of(link);

	(void)loop_timer_set(loop, &link->timer, loop_now_ms(loop) + after_ms);
}

int
mesh_link_open(struct mesh_link *link, const struct mesh_target *target,
    struct relay *relay, uint8_t number)
{
	struct loop *loop = relay->worker->loop;

	*link = (struct mesh_link){ .target = target,
		.relay = relay,
		.number = number,
		.log_failure = { .burst = 10, .per_s = 1 },
		.timer = { .fire = fire, .ctx = link } };
	link->keys =
	    keytable_new(MESH_LINK_KEYS_MAX, offsetof(struct link_key, key));
	if (link->keys == NULL)
		return -1;
	return loop_timer_set(
	    loop, &link->timer, loop_now_ms(loop) + NOT_YET_MS);
}

void
mesh_link_start(struct mesh_link *link)
{
	set_timer(link, 0);
}

void
mesh_link_abandon(struct mesh_link *link)
{
	if (link->connecting != NULL)
		link->connecting = mesh_connect_abandon(link->connecting);
}

void
mesh_link_close(struct mesh_link *link)
{
	struct link_key *key;
	size_t at = 0;

	mesh_link_abandon(link);
	if (link->connecting != NULL)
		mesh_connect_join(link->connecting);
	loop_timer_clear(loop_of(link), &link->timer);
	while (link->keys != NULL &&
	    (key = keytable_next(link->keys, &at)) != NULL)
		free(key);
	keytable_free(link->keys);
}

/* Lines repeat as long as the other relay is away. */
static void
log_failure(struct mesh_link *link, const char *what, const char *why)
{
	counters_add(&counters_of(link)->mesh_failed, 1);
	if (log_allowed(&link->log_failure, loop_now_ms(loop_of(link))))
		log_warn("mesh(\"%s\"): %s: %s", link->target->host, what, why);
}

/* Connects again in a while, of which half is random, so that the nodes of a
 * mesh do not do so in step. */
static void
wait_to_connect(struct mesh_link *link)
{
	uint32_t ms = MESH_LINK_RETRY_MAX_MS;

	if (link->failures < 4)
		ms = (uint32_t)MESH_LINK_RETRY_MS << link->failures;
	if (ms > MESH_LINK_RETRY_MAX_MS)
		ms = MESH_LINK_RETRY_MAX_MS;
	link->failures++;
	link->state = MESH_LINK_WAITING;
	set_timer(link, ms / 2 + randombytes_uniform(ms / 2));
}

/* Without memory the link ends and is connected again: the other relay tells of
 * a key once only. */
static void
add_key(struct mesh_link *link, const struct derp_key *key)
{
	struct counters *counters = counters_of(link);
	struct link_key *new;

	if (keytable_get(link->keys, key->b) != NULL)
		return;
	if (keytable_count(link->keys) == MESH_LINK_KEYS_MAX) {
		counters_add(&counters->mesh_keys_refused, 1);
		return;
	}
	new = calloc(1, sizeof *new);
	if (new == NULL)
		goto no_memory;
	new->key = *key;
	if (keytable_put(link->keys, new) == -1)
		goto free_key;
	switch (registry_add_link(
	    link->relay->shared->registry, key, link->number)) {
	case FORWARDERS_NO_MEMORY:
		keytable_remove(link->keys, key->b);
		goto free_key;
	case FORWARDERS_SECOND:
		counters_add(&counters->multiforwarder_created, 1);
		break;
	case FORWARDERS_KNOWN:
	case FORWARDERS_FIRST:
	case FORWARDERS_FURTHER:
		break;
	}
	counters_add(&counters->mesh_keys, 1);
	link->changed = true;
	return;

free_key:
	free(new);
no_memory:
	conn_fail(link->conn, "out of memory");
}

static void
count_removed(struct mesh_link *link, enum forwarders_removed removed)
{
	switch (removed) {
	case FORWARDERS_COLLAPSED:
		counters_add(&counters_of(link)->multiforwarder_deleted, 1);
		return;
	case FORWARDERS_OTHER:
		counters_add(&counters_of(link)->forwarder_deleted_other, 1);
		return;
	case FORWARDERS_LAST:
	case FORWARDERS_FEWER:
	case FORWARDERS_UNKNOWN:
		return;
	}
}

/* Takes the key out of the registry, and tells those that got packets from it
 * when it has left the region. */
static void
withdraw(struct mesh_link *link, struct link_key *key)
{
	struct notify_departure left;

	keytable_remove(link->keys, key->key.b);
	counters_subtract(&counters_of(link)->mesh_keys, 1);
	link->changed = true;
	count_removed(link,
	    registry_remove_link(
		link->relay->shared->registry, &key->key, link->number, &left));
	if (left.key == 0) {
		free(key);
		return;
	}
	key->departure = (struct departure){ .key = &key->key, .left = left };
	departures_add(&link->relay->departures, &key->departure);
}

static void
remove_key(struct mesh_link *link, const struct derp_key *key)
{
	struct link_key *known = keytable_get(link->keys, key->b);
	struct notify_departure none;

	if (known != NULL)
		withdraw(link, known);
	else
		/* it may be a key that another link has */
		count_removed(link,
		    registry_remove_link(link->relay->shared->registry, key,
			link->number, &none));
}

static void
handle_frame(struct mesh_link *link, const struct derp_frame *f)
{
	struct netaddr addr;
	struct derp_key key;
	uint8_t byte;

	if (f->type == DERP_PEER_PRESENT &&
	    derp_peer_present_parse(f->body, &key, &addr, &byte) == 0)
		add_key(link, &key);
	else if (f->type == DERP_PEER_GONE &&
	    derp_peer_gone_parse(f->body, &key, &byte) == 0)
		remove_key(link, &key);
}

/* Handles what is whole at the front; how many bytes that is, 0: none. */
static size_t
next_frame(struct mesh_link *link, uint8_t *p, size_t n)
{
	struct derp_frame f;
	size_t used;

	if (link->skip > 0) {
		used = n < link->skip ? n : link->skip;
		link->skip -= (uint32_t)used;
		return used;
	}
	switch (derp_frame_cut_mesh(p, n, &f, &used)) {
	case DERP_CUT_FRAME:
		handle_frame(link, &f);
		return used;
	case DERP_CUT_SKIP:
		link->skip = f.skip;
		return used;
	case DERP_CUT_MORE:
		return 0;
	case DERP_CUT_BAD:
		conn_fail(link->conn, "%s frame of %u bytes",
		    derp_frame_name(f.type), f.len);
		return 0;
	}
	return 0;
}

/* Departures that may still be added in this turn. */
static size_t
departures_room(const struct mesh_link *link)
{
	const size_t waiting = link->relay->departures.count;

	return waiting < DEPARTURES_MAX ? DEPARTURES_MAX - waiting : 0;
}

/* Each frame may be a departure. While too many of these wait to be told, no
 * more is read: the other relay keeps what it has to say. */
static bool
must_wait(struct mesh_link *link)
{
	if (departures_room(link) > 0)
		return false;
	conn_pause(link->conn, CONN_PAUSE_RATE);
	link->waits = true;
	set_timer(link, 0);
	return true;
}

static void
go_on_reading(struct mesh_link *link)
{
	struct conn *conn = link->conn;

	link->waits = false;
	set_timer(link, QUIET_MS);
	conn_resume(conn, CONN_PAUSE_RATE);
	conn_input_saved(conn); /* may end it, or wait again */
}

static size_t
link_input(struct conn *conn, uint8_t *p, size_t n)
{
	struct mesh_link *link = conn->session;
	size_t used = 0, step = 1;

	link->heard_ms = loop_now_ms(loop_of(link));
	while (step > 0 && used < n && !conn->ended && !must_wait(link)) {
		step = next_frame(link, p + used, n - used);
		used += step;
	}
	return used;
}

static void
link_failed(struct conn *conn, const char *why)
{
	struct mesh_link *link = conn->session;

	log_failure(link, "Recv", why);
	link->end_told = true;
}

static void
link_read_ended(struct conn *conn, const char *why)
{
	conn_fail(conn, "%s", why[0] != '\0' ? why : "EOF");
}

/* The connection's own deadline is not used. */
static void
link_timed_out(struct conn *conn)
{
	conn_fail(conn, "timed out");
}

/* Its keys are withdrawn turn by turn. */
static void
link_ended(struct conn *conn, const char *why)
{
	struct mesh_link *link = conn->session;

	(void)why;
	if (!link->end_told && !link->relay->worker->draining)
		log_failure(link, "Recv", "write failed, or memory is short");
	if (loop_now_ms(loop_of(link)) - link->since_ms >= MESH_LINK_STABLE_MS)
		link->failures = 0;
	counters_subtract(&counters_of(link)->mesh_links, 1);
	conn->session = NULL;
	link->conn = NULL;
	link->state = MESH_LINK_WITHDRAWING;
	link->withdraw_at = 0;
	link->relay->links_withdrawing++;
	set_timer(link, 0);
}

static const struct conn_protocol link_phase = {
	.logged_in = true,
	.input = link_input,
	.timed_out = link_timed_out,
	.read_ended = link_read_ended,
	.failed = link_failed,
	.ended = link_ended,
};

/* Its connection lives on this worker from here on. */
static void
go_up(struct mesh_link *link, struct mesh_connected *result)
{
	struct worker *worker = link->relay->worker;
	const uint64_t now_ms = loop_now_ms(worker->loop);
	struct conn *conn;

	conn = conn_new(worker, result->fd, result->tls, &result->remote);
	if (conn == NULL) {
		log_failure(link, "mesh connect", "out of memory");
		wait_to_connect(link);
		return;
	}
	conn_be_outgoing(conn);
	conn_be_patient(conn);
	link->conn = conn;
	link->state = MESH_LINK_UP;
	link->skip = result->skip;
	link->since_ms = link->heard_ms = now_ms;
	link->told_ms = 0;
	link->changed = link->end_told = link->waits = false;
	counters_add(&counters_of(link)->mesh_connects, 1);
	counters_add(&counters_of(link)->mesh_links, 1);
	registry_open_link(
	    link->relay->shared->registry, link->number, conn->addr);
	conn_become(conn, &link_phase, link);
	set_timer(link, QUIET_MS);
	if (conn_save(conn, result->rest) == -1) {
		conn_fail(conn, "out of memory");
		return;
	}
	conn_input_start(conn);
	conn_input_saved(conn);
}

static void
connected(void *ctx, struct mesh_connected *result)
{
	struct mesh_link *link = ctx;

	if (result->failed) {
		log_failure(link, "mesh connect", result->why.text);
		wait_to_connect(link);
	} else if (derp_key_eq(
		       &result->server, link->relay->shared->public_key)) {
		tls_free(result->tls);
		close(result->fd);
		link->state = MESH_LINK_STOPPED;
		loop_timer_clear(loop_of(link), &link->timer);
		log_info("mesh(\"%s\"): detected self-connect; ignoring host",
		    link->target->host);
	} else {
		go_up(link, result);
	}
}

static void
start_connecting(struct mesh_link *link)
{
	const struct relay_shared *shared = link->relay->shared;
	const struct mesh_connect_config config = {
		.target = link->target,
		.key = shared->private_key,
		.mesh_key = shared->mesh_key.b,
		.mailbox = link->relay->worker->mailbox,
		.connected = connected,
		.ctx = link,
	};
	struct fail why = { 0 };

	link->connecting = mesh_connect_start(&config, &why);
	if (link->connecting == NULL) {
		log_failure(link, "mesh connect", why.text);
		wait_to_connect(link);
		return;
	}
	link->state = MESH_LINK_CONNECTING;
	set_timer(link, 2 * MESH_CONNECT_MS);
}

static void
log_keys(struct mesh_link *link, uint64_t now_ms)
{
	log_info("mesh(\"%s\"): %s%zu peers", link->target->host,
	    link->told_ms == 0 ? "connected; " : "",
	    keytable_count(link->keys));
	link->told_ms = now_ms;
	link->changed = false;
}

/* Says how many keys there are once these have come, and notices silence. */
static void
look_at(struct mesh_link *link)
{
	const uint64_t now_ms = loop_now_ms(loop_of(link));

	if (now_ms - link->heard_ms >= MESH_LINK_SILENT_MS) {
		conn_fail(link->conn, "i/o timeout");
		return;
	}
	if (link->told_ms == 0 && link->changed &&
	    now_ms - link->since_ms < FLOOD_MS) {
		link->changed = false;
		set_timer(link, QUIET_MS);
		return;
	}
	if (link->told_ms == 0 || link->changed)
		log_keys(link, now_ms);
	set_timer(link, TELL_MS);
}

/* How many keys may be withdrawn now: a part of what the links of the worker
 * may together, and none while too many departures wait to be told. */
static size_t
may_withdraw(const struct mesh_link *link)
{
	const size_t part = MESH_LINK_PER_TURN / link->relay->links_withdrawing;
	const size_t room = departures_room(link);

	return part < room ? part : room;
}

/* Goes on where it was in the last turn. What a removal has moved from after
 * that place to before it is found when the walk begins again. */
static void
withdraw_some(struct mesh_link *link)
{
	struct link_key *keys[MESH_LINK_PER_TURN];
	const size_t max = may_withdraw(link);
	size_t count = 0;

	while (count < max &&
	    (keys[count] = keytable_next(link->keys, &link->withdraw_at)) !=
		NULL)
		count++;
	if (count < max)
		link->withdraw_at = 0;
	for (size_t i = 0; i < count; i++)
		withdraw(link, keys[i]);
	if (keytable_count(link->keys) > 0) {
		set_timer(link, 0);
		return;
	}
	link->relay->links_withdrawing--;
	wait_to_connect(link);
}

static void
fire(void *ctx)
{
	struct mesh_link *link = ctx;

	set_timer(link, NOT_YET_MS); /* keeps its place */
	if (link->state != MESH_LINK_CONNECTING && link->connecting != NULL &&
	    mesh_connect_reap(link->connecting))
		link->connecting = NULL;
	switch (link->state) {
	case MESH_LINK_WAITING:
		if (link->connecting == NULL)
			start_connecting(link);
		else
			set_timer(link, QUIET_MS);
		return;
	case MESH_LINK_CONNECTING: /* the thread ends by itself */
		set_timer(link, 2 * MESH_CONNECT_MS);
		return;
	case MESH_LINK_UP:
		if (link->waits)
			go_on_reading(link);
		else
			look_at(link);
		return;
	case MESH_LINK_WITHDRAWING:
		withdraw_some(link);
		return;
	case MESH_LINK_STOPPED:
		return;
	}
}
