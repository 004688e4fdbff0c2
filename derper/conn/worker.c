/* worker: see worker.h. */
#include "worker.h"

#include "client.h"
#include "clock.h"
#include "derp_msg.h"
#include "outq.h"

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
 * high rate those who send much (input.c) are read at least --batch-delay-us
 * apart, and what gathers meanwhile is handled together. Everybody else, logins
 * and STUN too, is served as he comes. A turn that takes longer than that is
 * followed at once by the next one, so capacity is not touched; at low rates
 * there is no delay at all, nor when there was much to read already, as then
 * waiting gathers nothing that is not there. Measured at 50,000 packets/s: a
 * third to a half less CPU.
 */
#define PACE_RATE_PER_S 20000 /* packets per second of this worker */
#define PACE_WINDOW_MS 20     /* over which the rate is taken */
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
worker_turn_alloc(struct worker *worker, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct chunk *chunk = worker->chunks;
	void *p;

	n = (n + align - 1) / align * align;
	assert(n <= CHUNK_BYTES);
	if (n > CHUNK_BYTES - chunk->used) {
		chunk = malloc(sizeof *chunk);
		if (chunk == NULL)
			return NULL;
		chunk->used = 0;
		chunk->next = worker->chunks;
		worker->chunks = chunk;
	}
	p = chunk->bytes + chunk->used;
	chunk->used += n;
	return p;
}

static void
free_turn_memory(struct worker *worker)
{
	struct chunk *chunk;
	struct batch *batch;

	while (worker->chunks->next != NULL) {
		chunk = worker->chunks;
		worker->chunks = chunk->next;
		free(chunk);
	}
	worker->chunks->used = 0;
	worker->arena_used = 0;
	while ((batch = worker->arrived) != NULL) {
		worker->arrived = batch->next;
		crossing_free(batch);
	}
}

int
worker_add_client(
    struct worker *worker, struct client *c, struct conn_addr *addr)
{
	uint32_t i = worker->free_slot;

	if (i == UINT32_MAX) {
		uint32_t cap =
		    worker->slot_cap > 0 ? worker->slot_cap * 2 : FIRST_SLOTS;
		struct slot *slots =
		    realloc(worker->slots, cap * sizeof *slots);

		if (slots == NULL)
			return -1;
		for (i = worker->slot_cap; i < cap; i++)
			slots[i] = (struct slot){ .generation = 1,
				.next_free = i + 1 < cap ? i + 1 : UINT32_MAX };
		worker->slots = slots;
		worker->free_slot = i = worker->slot_cap;
		worker->slot_cap = cap;
	}
	worker->free_slot = worker->slots[i].next_free;
	worker->slots[i].client = c;
	worker->open++;
	*addr = (struct conn_addr){ .worker = (uint16_t)worker->index,
		.slot = i,
		.generation = worker->slots[i].generation };
	return 0;
}

void
worker_end_client(struct worker *worker, struct client *c)
{
	struct slot *slot = &worker->slots[c->addr.slot];

	slot->client = NULL;
	slot->generation++;
	slot->next_free = worker->free_slot;
	worker->free_slot = c->addr.slot;
	worker->open--;
	c->next_ended = worker->ended;
	worker->ended = c;
}

struct client *
worker_client(struct worker *worker, struct conn_addr addr)
{
	if (addr.slot >= worker->slot_cap ||
	    worker->slots[addr.slot].generation != addr.generation)
		return NULL;
	return worker->slots[addr.slot].client;
}

void
worker_queue_login(struct worker *worker, struct client *c)
{
	if (c->in_login_queue)
		return;
	/* nobody waits: no need to queue */
	if (worker->login_first == NULL && worker->logins_left > 0) {
		worker->logins_left--;
		client_take_turn(c);
		return;
	}
	stream_pause(&c->stream, true);
	c->in_login_queue = true;
	c->next_login = NULL;
	c->prev_login = worker->login_last;
	if (worker->login_last == NULL)
		worker->login_first = c;
	else
		worker->login_last->next_login = c;
	worker->login_last = c;
}

void
worker_unqueue_login(struct worker *worker, struct client *c)
{
	if (!c->in_login_queue)
		return;
	c->in_login_queue = false;
	if (c->prev_login == NULL)
		worker->login_first = c->next_login;
	else
		c->prev_login->next_login = c->next_login;
	if (c->next_login == NULL)
		worker->login_last = c->prev_login;
	else
		c->next_login->prev_login = c->prev_login;
}

static void
take_logins(struct worker *worker)
{
	struct client *c;

	while (worker->logins_left > 0 && (c = worker->login_first) != NULL) {
		worker->logins_left--;
		worker_unqueue_login(worker, c);
		stream_pause(&c->stream, false);
		client_take_turn(c);
	}
	worker->logins_left = WORKER_LOGINS_PER_TURN;
	if (worker->login_first != NULL)
		loop_again(worker->loop);
}

/* Sends everything that this turn has for anybody. Ending a client may tell
 * others that it is gone, who then are dirty again. */
static void
flush(struct worker *worker)
{
	struct client *c;

	while ((c = worker->dirty) != NULL) {
		worker->dirty = c->out.next_dirty;
		c->out.dirty = false;
		if (c->state == CLIENT_ENDED)
			continue;
		if (outq_flush(c) == -1)
			client_end(c, "write");
		else
			client_flushed(c);
	}
	crossing_post(worker);
	free_turn_memory(worker);
}

uint8_t *
worker_read_room(struct worker *worker, size_t n)
{
	if (WORKER_ARENA - worker->arena_used < n + STREAM_READ_ROOM)
		flush(worker);
	return worker->arena + worker->arena_used;
}

/* Whether packets pass at a high rate, judged over the last window. */
static void
take_rate(struct worker *worker)
{
	uint64_t now_ms = loop_now_ms(worker->loop);
	uint64_t passed =
	    worker->counters->packets_received + worker->counters->packets_sent;
	uint64_t past_ms = now_ms - worker->rate_since_ms;

	if (past_ms < PACE_WINDOW_MS)
		return;
	/* a packet that stays on this worker has been counted twice */
	worker->rate_high =
	    (passed - worker->rate_passed) / 2 * 1000 / past_ms >
	    PACE_RATE_PER_S;
	worker->rate_since_ms = now_ms;
	worker->rate_passed = passed;
}

/* Whether the clients that were read from in this turn had much to say. */
static bool
read_much(struct worker *worker)
{
	const bool much =
	    worker->turn_bytes > worker->turn_reads * PACE_FULL_READ;

	worker->turn_reads = worker->turn_bytes = 0;
	return much;
}

static void
pace(struct worker *worker)
{
	const bool much = read_much(worker);
	const uint64_t due_us = loop_now_us(worker->loop) +
	    (uint64_t)worker->config->batch_delay_us;

	take_rate(worker);
	if (worker->rate_high && !much && clock_now_us() < due_us &&
	    loop_hold_high_rate(worker->loop, due_us))
		counters_add(&worker->counters->pauses, 1);
}

/* Being out of descriptors is worth a line now and then. */
static void
log_out_of_fds_now(struct worker *worker)
{
	uint64_t out_of_fds =
	    worker->main_listener.out_of_fds + worker->http_listener.out_of_fds;

	if (out_of_fds == worker->out_of_fds_seen)
		return;
	counters_add(&worker->counters->out_of_fds,
	    out_of_fds - worker->out_of_fds_seen);
	worker->out_of_fds_seen = out_of_fds;
	if (log_allowed(&worker->log_out_of_fds, loop_now_ms(worker->loop)))
		log_warn("derper: out of descriptors with %zu connections on "
			 "this loop; new ones wait",
		    worker->open);
}

static size_t
most_held(const struct worker *worker)
{
	size_t most = 0;

	for (uint32_t i = 0; i < worker->slot_cap; i++) {
		const struct client *c = worker->slots[i].client;

		if (c != NULL && client_holds(c) > most)
			most = client_holds(c);
	}
	return most;
}

/* What all clients together leave unread has met its limit, and somebody must
 * go: those for whom most is kept, as long as there is less than an eighth of
 * the limit free. */
static void
shed_load(struct worker *worker)
{
	const size_t spare = outq_all_max(worker) / 8;
	size_t most;

	worker->memory_pressure = false;
	while (outq_all_full(worker, spare) && (most = most_held(worker)) > 0)
		for (uint32_t i = 0; i < worker->slot_cap; i++) {
			struct client *c = worker->slots[i].client;

			if (c == NULL || client_holds(c) <= most / 2)
				continue;
			counters_add(&worker->counters->refused_memory, 1);
			client_fail(c,
			    "too much is queued for all clients, "
			    "and most of it here");
			if (!outq_all_full(worker, spare))
				return;
		}
}

static void
end_turn(void *ctx)
{
	struct worker *worker = ctx;
	struct client *c;

	counters_add(&worker->counters->turns, 1);
	flush(worker);
	take_logins(worker);
	if (worker->memory_pressure)
		shed_load(worker);
	flush(worker);
	while ((c = worker->ended) != NULL) {
		worker->ended = c->next_ended;
		client_free(c);
	}
	log_out_of_fds_now(worker);
	if (worker->draining)
		drained(worker);
	pace(worker);
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
open_listener(struct worker *worker, struct listener *l,
    const struct netaddr *addr, struct fail *why)
{
	int fd = listener_open(addr, LISTENER_TCP, why);

	l->ctx = worker;
	if (fd == -1)
		return -1;
	set_socket_options(fd, worker->config);
	if (listener_start(l, worker->loop, fd) == 0)
		return 0;
	listener_stop(l);
	return fail_errno(why, "cannot watch a listening socket");
}

static int
open_sockets(struct worker *worker, struct fail *why)
{
	const struct netaddr *http = server_http_addr(worker->server);
	const struct netaddr *stun = server_stun_addr(worker->server);
	int fd;

	if (open_listener(worker, &worker->main_listener,
		server_main_addr(worker->server), why) == -1 ||
	    (http != NULL &&
		open_listener(worker, &worker->http_listener, http, why) == -1))
		return -1;
	if (stun == NULL)
		return 0;
	fd = listener_open(stun, LISTENER_UDP, why);
	if (fd == -1)
		return -1;
	worker->stun = stun_server_new(worker->loop, fd, worker->counters);
	return worker->stun != NULL ? 0 : fail_set(why, "out of memory");
}

struct worker *
worker_new(struct server *server, unsigned index, struct fail *why)
{
	struct worker *worker = calloc(1, sizeof *worker);

	if (worker == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	worker->server = server;
	worker->config = server_config(server);
	worker->index = index;
	worker->counters = server_counters(server, index);
	worker->free_slot = UINT32_MAX;
	worker->logins_left = WORKER_LOGINS_PER_TURN;
	worker->main_listener =
	    (struct listener){ .watch.fd = -1, .accepted = accepted_main };
	worker->http_listener =
	    (struct listener){ .watch.fd = -1, .accepted = accepted_http };
	worker->log_login = (struct log_limit){ .burst = 20, .per_s = 5 };
	worker->log_out_of_fds = (struct log_limit){ .burst = 1, .per_s = 1 };
	worker->log_close = (struct log_limit){ .burst = 20, .per_s = 5 };
	worker->drain_timer =
	    (struct loop_timer){ .fire = drained, .ctx = worker };
	worker->scratch = stream_scratch_new();
	worker->arena = malloc(WORKER_ARENA);
	worker->coalesce = malloc(STREAM_CHUNK);
	worker->chunks = calloc(1, sizeof *worker->chunks);
	if (worker->scratch == NULL || worker->arena == NULL ||
	    worker->coalesce == NULL || worker->chunks == NULL) {
		fail_set(why, "out of memory");
		goto free_worker;
	}
	worker->loop = loop_new(why);
	if (worker->loop == NULL)
		goto free_worker;
	worker->mailbox = mailbox_new(worker->loop, worker, why);
	if (worker->mailbox == NULL || open_sockets(worker, why) == -1)
		goto free_worker;
	if (server_tls(server) != NULL)
		worker->tls = tls_context_hold(server_tls(server));
	loop_on_turn(worker->loop, end_turn, worker);
	return worker;

free_worker:
	worker_free(worker);
	return NULL;
}

static void
end_all_clients(struct worker *worker)
{
	struct client *c;

	for (uint32_t i = 0; i < worker->slot_cap; i++)
		if (worker->slots[i].client != NULL)
			client_end(worker->slots[i].client, NULL);
	while ((c = worker->ended) != NULL) {
		worker->ended = c->next_ended;
		client_free(c);
	}
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	end_all_clients(worker);
	listener_stop(&worker->main_listener);
	listener_stop(&worker->http_listener);
	stun_server_free(worker->stun);
	mailbox_free(worker->mailbox);
	for (unsigned i = 0; i < CONFIG_WORKERS_MAX; i++)
		while (worker->crossing.first[i] != NULL) {
			struct batch *b = worker->crossing.first[i];

			worker->crossing.first[i] =
			    (struct batch *)b->message.next;
			crossing_free(b);
		}
	if (worker->chunks != NULL)
		free_turn_memory(worker);
	tls_context_release(worker->tls);
	loop_free(worker->loop);
	stream_scratch_free(worker->scratch);
	free(worker->chunks);
	free(worker->coalesce);
	free(worker->arena);
	free(worker->slots);
	free(worker);
}

void *
worker_run(void *ctx)
{
	struct worker *worker = ctx;

	/* what pace() holds back would wait 50 us more with the default slack
	 */
	(void)prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
	loop_run(worker->loop);
	return NULL;
}

void
worker_use_tls(struct worker *worker, struct tls_context *ctx)
{
	tls_context_release(worker->tls);
	worker->tls = ctx;
}

/* Stops the loop once everybody has got what was sent, or time is up. */
static void
drained(void *ctx)
{
	struct worker *worker = ctx;

	if (loop_now_ms(worker->loop) < worker->drain_timer.due_ms)
		for (uint32_t i = 0; i < worker->slot_cap; i++) {
			struct client *c = worker->slots[i].client;

			if (c != NULL && stream_blocked(&c->stream))
				return;
		}
	loop_stop(worker->loop);
}

void
worker_drain(struct worker *worker)
{
	uint8_t frame[DERP_HEADER + 8];
	struct writer w = writer_of(frame, sizeof frame);
	uint64_t due_ms =
	    loop_now_ms(worker->loop) + worker->config->drain_timeout_ms;

	worker->draining = true;
	listener_stop(&worker->main_listener);
	listener_stop(&worker->http_listener);
	derp_restarting_put(&w, 0, (uint32_t)worker->config->drain_timeout_ms);
	for (uint32_t i = 0; i < worker->slot_cap; i++) {
		struct client *c = worker->slots[i].client;

		if (c != NULL && c->state == CLIENT_RUNNING)
			outq_control(c, writer_slice(&w));
	}
	if (loop_timer_set(worker->loop, &worker->drain_timer, due_ms) == -1)
		loop_stop(worker->loop);
}
