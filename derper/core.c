/* core: see core.h. */
#include "core.h"

#include "client.h"
#include "clock.h"
#include "derp_msg.h"
#include "sendq.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* Unsent bytes in the kernel beyond which our queue is the better place: there
 * old packets can be dropped. One chunk keeps the socket busy. */
#define NOT_SENT_LOW_WATER 131072

#define CHUNK_BYTES 65536 /* of one piece of turn memory */
#define FIRST_SLOTS 64

/*
 * Pacing. When packets trickle in at a high rate, an efficient relay handles
 * each as it lands and nothing is ever batched: the wake-ups and system calls
 * of the sender, of the relay and of the receiver are paid per packet. So at a
 * high rate those who send much (intake.c) are read at least --batch-delay-us
 * apart, and what gathers meanwhile is handled together. Everybody else, logins
 * and STUN too, is served as he comes. A turn that takes longer than that is
 * followed at once by the next one, so capacity is not touched; at low rates
 * there is no delay at all, nor when there was much to read already, as then
 * waiting gathers nothing that is not there. Measured at 50,000 packets/s: a
 * third to a half less CPU.
 */
#define PACE_RATE_PER_S 20000             /* packets per second of this core */
#define PACE_WINDOW_MS 20                 /* over which the rate is taken */
#define PACE_FULL_READ (STREAM_CHUNK / 2) /* bytes per read: much */

static void end_turn(void *ctx);
static void drained(void *ctx);

/* Turn memory: one piece stays, more are taken when it does not do. */
struct chunk {
	struct chunk *next;
	size_t used;
	alignas(max_align_t) uint8_t bytes[CHUNK_BYTES];
};

void *
core_turn_alloc(struct core *core, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct chunk *chunk = core->chunks;
	void *p;

	n = (n + align - 1) / align * align;
	assert(n <= CHUNK_BYTES);
	if (n > CHUNK_BYTES - chunk->used) {
		chunk = malloc(sizeof *chunk);
		if (chunk == NULL)
			return NULL;
		chunk->used = 0;
		chunk->next = core->chunks;
		core->chunks = chunk;
	}
	p = chunk->bytes + chunk->used;
	chunk->used += n;
	return p;
}

static void
free_turn_memory(struct core *core)
{
	struct chunk *chunk;
	struct batch *batch;

	while (core->chunks->next != NULL) {
		chunk = core->chunks;
		core->chunks = chunk->next;
		free(chunk);
	}
	core->chunks->used = 0;
	core->arena_used = 0;
	while ((batch = core->arrived) != NULL) {
		core->arrived = batch->next;
		handover_free(batch);
	}
}

int
core_add_client(struct core *core, struct client *c, struct peer_addr *addr)
{
	uint32_t i = core->free_slot;

	if (i == UINT32_MAX) {
		uint32_t cap =
		    core->slot_cap > 0 ? core->slot_cap * 2 : FIRST_SLOTS;
		struct slot *slots = realloc(core->slots, cap * sizeof *slots);

		if (slots == NULL)
			return -1;
		for (i = core->slot_cap; i < cap; i++)
			slots[i] = (struct slot){ .generation = 1,
				.next_free = i + 1 < cap ? i + 1 : UINT32_MAX };
		core->slots = slots;
		core->free_slot = i = core->slot_cap;
		core->slot_cap = cap;
	}
	core->free_slot = core->slots[i].next_free;
	core->slots[i].client = c;
	core->open++;
	*addr = (struct peer_addr){ .core = (uint16_t)core->index,
		.slot = i,
		.generation = core->slots[i].generation };
	return 0;
}

void
core_end_client(struct core *core, struct client *c)
{
	struct slot *slot = &core->slots[c->addr.slot];

	slot->client = NULL;
	slot->generation++;
	slot->next_free = core->free_slot;
	core->free_slot = c->addr.slot;
	core->open--;
	c->next_ended = core->ended;
	core->ended = c;
}

struct client *
core_client(struct core *core, struct peer_addr addr)
{
	if (addr.slot >= core->slot_cap ||
	    core->slots[addr.slot].generation != addr.generation)
		return NULL;
	return core->slots[addr.slot].client;
}

void
core_queue_login(struct core *core, struct client *c)
{
	if (c->in_login_line)
		return;
	/* nobody waits: no need to queue */
	if (core->login_first == NULL && core->logins_left > 0) {
		core->logins_left--;
		client_take_turn(c);
		return;
	}
	stream_pause(&c->stream, true);
	c->in_login_line = true;
	c->next_login = NULL;
	c->prev_login = core->login_last;
	if (core->login_last == NULL)
		core->login_first = c;
	else
		core->login_last->next_login = c;
	core->login_last = c;
}

void
core_unqueue_login(struct core *core, struct client *c)
{
	if (!c->in_login_line)
		return;
	c->in_login_line = false;
	if (c->prev_login == NULL)
		core->login_first = c->next_login;
	else
		c->prev_login->next_login = c->next_login;
	if (c->next_login == NULL)
		core->login_last = c->prev_login;
	else
		c->next_login->prev_login = c->prev_login;
}

static void
take_logins(struct core *core)
{
	struct client *c;

	while (core->logins_left > 0 && (c = core->login_first) != NULL) {
		core->logins_left--;
		core_unqueue_login(core, c);
		stream_pause(&c->stream, false);
		client_take_turn(c);
	}
	core->logins_left = CORE_LOGINS_PER_TURN;
	if (core->login_first != NULL)
		loop_again(core->loop);
}

/* Sends everything that this turn has for anybody. Ending a client may tell
 * others that it is gone, who then are dirty again. */
static void
flush(struct core *core)
{
	struct client *c;

	while ((c = core->dirty) != NULL) {
		core->dirty = c->out.next_dirty;
		c->out.dirty = false;
		if (c->state == CLIENT_ENDED)
			continue;
		if (sendq_flush(c) == -1)
			client_end(c, "write");
		else
			client_flushed(c);
	}
	handover_post(core);
	free_turn_memory(core);
}

uint8_t *
core_read_room(struct core *core, size_t n)
{
	if (CORE_ARENA - core->arena_used < n + STREAM_READ_ROOM)
		flush(core);
	return core->arena + core->arena_used;
}

/* Whether packets pass at a high rate, judged over the last window. */
static void
take_rate(struct core *core)
{
	uint64_t now_ms = loop_now_ms(core->loop);
	uint64_t passed =
	    core->counters.packets_received + core->counters.packets_sent;
	uint64_t past_ms = now_ms - core->rate_since_ms;

	if (past_ms < PACE_WINDOW_MS)
		return;
	/* a packet that stays on this core has been counted twice */
	core->rate_high =
	    (passed - core->rate_passed) / 2 * 1000 / past_ms > PACE_RATE_PER_S;
	core->rate_since_ms = now_ms;
	core->rate_passed = passed;
}

/* Whether the clients that were read from in this turn had much to say. */
static bool
read_much(struct core *core)
{
	const bool much = core->turn_bytes > core->turn_reads * PACE_FULL_READ;

	core->turn_reads = core->turn_bytes = 0;
	return much;
}

static void
pace(struct core *core)
{
	const bool much = read_much(core);
	const uint64_t due_us =
	    loop_now_us(core->loop) + (uint64_t)core->config->batch_delay_us;

	take_rate(core);
	if (core->rate_high && !much && clock_now_us() < due_us &&
	    loop_hold_bulk(core->loop, due_us))
		core->counters.pauses++;
}

/* Being out of descriptors is worth a line now and then. */
static void
log_starving(struct core *core)
{
	uint64_t starved =
	    core->main_listener.starved + core->http_listener.starved;

	if (starved == core->starved_seen)
		return;
	core->starved_seen = starved;
	if (log_allowed(&core->log_starved, loop_now_ms(core->loop)))
		log_warn("derper: out of descriptors with %zu connections on "
			 "this loop; new ones wait",
		    core->open);
}

static size_t
most_held(const struct core *core)
{
	size_t most = 0;

	for (uint32_t i = 0; i < core->slot_cap; i++) {
		const struct client *c = core->slots[i].client;

		if (c != NULL && client_holds(c) > most)
			most = client_holds(c);
	}
	return most;
}

/* What all clients together leave unread has met its limit, and somebody must
 * go: those for whom most is kept, as long as there is less than an eighth of
 * the limit free. */
static void
relieve(struct core *core)
{
	const size_t spare = sendq_all_max(core) / 8;
	size_t most;

	core->pressed = false;
	while (sendq_all_full(core, spare) && (most = most_held(core)) > 0)
		for (uint32_t i = 0; i < core->slot_cap; i++) {
			struct client *c = core->slots[i].client;

			if (c == NULL || client_holds(c) <= most / 2)
				continue;
			core->counters.refused_memory++;
			client_fail(c,
			    "too much is queued for all clients, "
			    "and most of it here");
			if (!sendq_all_full(core, spare))
				return;
		}
}

static void
end_turn(void *ctx)
{
	struct core *core = ctx;
	struct client *c;

	core->counters.turns++;
	flush(core);
	take_logins(core);
	if (core->pressed)
		relieve(core);
	flush(core);
	while ((c = core->ended) != NULL) {
		core->ended = c->next_ended;
		client_free(c);
	}
	log_starving(core);
	if (core->draining)
		drained(core);
	pace(core);
}

static void
accepted_main(void *ctx, int fd, const struct netaddr *peer)
{
	client_accept(ctx, fd, peer, false);
}

static void
accepted_http(void *ctx, int fd, const struct netaddr *peer)
{
	client_accept(ctx, fd, peer, true);
}

/* What connections inherit from their listening socket, so that accepting one
 * costs no system call for it. Each is an improvement that a connection can
 * live without. */
static void
set_socket_options(int fd, const struct config *config)
{
	const int on = 1, low_water = NOT_SENT_LOW_WATER;
	const int idle_s = (int)(config->keepalive_ms / 1000);
	const unsigned user_ms = (unsigned)config->user_timeout_ms;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &low_water, sizeof low_water);
	if (user_ms > 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms,
		    sizeof user_ms);
	if (idle_s > 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
		(void)setsockopt(
		    fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
	}
}

static int
open_listener(struct core *core, struct listener *l, const struct netaddr *addr,
    struct fail *why)
{
	int fd = listener_open(addr, LISTENER_TCP, why);

	l->ctx = core;
	if (fd == -1)
		return -1;
	set_socket_options(fd, core->config);
	if (listener_start(l, core->loop, fd) == 0)
		return 0;
	listener_stop(l);
	return fail_errno(why, "cannot watch a listening socket");
}

static int
open_sockets(struct core *core, struct fail *why)
{
	const struct netaddr *http = server_http_addr(core->server);
	const struct netaddr *stun = server_stun_addr(core->server);
	int fd;

	if (open_listener(core, &core->main_listener,
		server_main_addr(core->server), why) == -1 ||
	    (http != NULL &&
		open_listener(core, &core->http_listener, http, why) == -1))
		return -1;
	if (stun == NULL)
		return 0;
	fd = listener_open(stun, LISTENER_UDP, why);
	if (fd == -1)
		return -1;
	core->stun = stun_server_new(core->loop, fd, &core->counters);
	return core->stun != NULL ? 0 : fail_set(why, "out of memory");
}

struct core *
core_new(struct server *server, unsigned index, struct fail *why)
{
	struct core *core = calloc(1, sizeof *core);

	if (core == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	core->server = server;
	core->config = server_config(server);
	core->index = index;
	core->free_slot = UINT32_MAX;
	core->logins_left = CORE_LOGINS_PER_TURN;
	core->main_listener =
	    (struct listener){ .watch.fd = -1, .accepted = accepted_main };
	core->http_listener =
	    (struct listener){ .watch.fd = -1, .accepted = accepted_http };
	core->log_login = (struct log_limit){ .burst = 20, .per_s = 5 };
	core->log_starved = (struct log_limit){ .burst = 1, .per_s = 1 };
	core->log_close = (struct log_limit){ .burst = 20, .per_s = 5 };
	core->drain_timer = (struct loop_timer){ .fire = drained, .ctx = core };
	core->scratch = stream_scratch_new();
	core->arena = malloc(CORE_ARENA);
	core->gather = malloc(STREAM_CHUNK);
	core->chunks = calloc(1, sizeof *core->chunks);
	if (core->scratch == NULL || core->arena == NULL ||
	    core->gather == NULL || core->chunks == NULL) {
		fail_set(why, "out of memory");
		goto free_core;
	}
	core->loop = loop_new(why);
	if (core->loop == NULL)
		goto free_core;
	core->mailbox = mailbox_new(core->loop, core, why);
	if (core->mailbox == NULL || open_sockets(core, why) == -1)
		goto free_core;
	if (server_tls(server) != NULL)
		core->tls = tls_context_hold(server_tls(server));
	loop_on_turn(core->loop, end_turn, core);
	return core;

free_core:
	core_free(core);
	return NULL;
}

static void
end_all_clients(struct core *core)
{
	struct client *c;

	for (uint32_t i = 0; i < core->slot_cap; i++)
		if (core->slots[i].client != NULL)
			client_end(core->slots[i].client, NULL);
	while ((c = core->ended) != NULL) {
		core->ended = c->next_ended;
		client_free(c);
	}
}

void
core_free(struct core *core)
{
	if (core == NULL)
		return;
	end_all_clients(core);
	listener_stop(&core->main_listener);
	listener_stop(&core->http_listener);
	stun_server_free(core->stun);
	mailbox_free(core->mailbox);
	for (unsigned i = 0; i < CONFIG_CORES_MAX; i++)
		while (core->handover.first[i] != NULL) {
			struct batch *b = core->handover.first[i];

			core->handover.first[i] = (struct batch *)b->mail.next;
			handover_free(b);
		}
	if (core->chunks != NULL)
		free_turn_memory(core);
	tls_context_release(core->tls);
	loop_free(core->loop);
	stream_scratch_free(core->scratch);
	free(core->chunks);
	free(core->gather);
	free(core->arena);
	free(core->slots);
	free(core);
}

void *
core_run(void *ctx)
{
	struct core *core = ctx;

	/* what pace() holds back would wait 50 us more with the default slack
	 */
	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	loop_run(core->loop);
	server_report(core->server, core);
	return NULL;
}

void
core_use_tls(struct core *core, struct tls_context *ctx)
{
	tls_context_release(core->tls);
	core->tls = ctx;
}

/* Stops the loop once everybody has got what was sent, or time is up. */
static void
drained(void *ctx)
{
	struct core *core = ctx;

	if (loop_now_ms(core->loop) < core->drain_timer.due_ms)
		for (uint32_t i = 0; i < core->slot_cap; i++) {
			struct client *c = core->slots[i].client;

			if (c != NULL && stream_blocked(&c->stream))
				return;
		}
	loop_stop(core->loop);
}

void
core_drain(struct core *core)
{
	uint8_t frame[DERP_HEADER + 8];
	struct writer w = writer_of(frame, sizeof frame);
	uint64_t due_ms =
	    loop_now_ms(core->loop) + core->config->drain_timeout_ms;

	core->draining = true;
	listener_stop(&core->main_listener);
	listener_stop(&core->http_listener);
	derp_restarting_put(&w, 0, (uint32_t)core->config->drain_timeout_ms);
	for (uint32_t i = 0; i < core->slot_cap; i++) {
		struct client *c = core->slots[i].client;

		if (c != NULL && c->state == CLIENT_RUNNING)
			sendq_control(c, writer_slice(&w));
	}
	if (loop_timer_set(core->loop, &core->drain_timer, due_ms) == -1)
		loop_stop(core->loop);
}
