/* conn_input: see conn_input.h. */
#include "conn_input.h"

#include "conn.h"
#include "conn_websocket.h"
#include "shed.h"
#include "worker.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Hands bytes over, phase by phase: the n at p, which lie in the turn's memory.
 * Returns how many were used. *n is fewer afterwards when frames are taken off
 * those from `raw` on, as they are once WebSocket is spoken. */
static size_t
feed(struct conn *c, uint8_t *p, size_t raw, size_t *n)
{
	const struct conn_protocol *phase;
	bool framed = c->websocket != NULL;
	size_t used = 0;

	if (framed && !c->half_closed)
		*n = raw + conn_websocket_input(c, p + raw, *n - raw);
	do {
		phase = c->protocol;
		if (!c->half_closed && !c->ended)
			used += phase->input(c, p + used, *n - used);
		if (c->half_closed)
			used = *n; /* nothing more is wanted */
		if (!framed && c->websocket != NULL && !c->ended) {
			framed = true;
			*n =
			    used + conn_websocket_input(c, p + used, *n - used);
		}
	} while (!c->ended && used < *n && c->protocol != phase);
	/* what came before the end is handled first, however long it waits */
	if (framed && (c->paused == 0 || used == *n))
		conn_websocket_settle(c);
	return used;
}

/* Handles n bytes at p, of which those from `raw` on are as they were received,
 * and keeps what was not used. */
static void
process(struct conn *c, uint8_t *p, size_t raw, size_t n)
{
	const size_t used = feed(c, p, raw, &n);

	/* runs may point at what was used, also when something after it has
	 * ended the connection; the rest can be overwritten */
	turn_memory_use(c->worker->memory, p + used);
	if (c->ended)
		return;
	if (conn_save(c, slice_of(p + used, n - used)) == -1) {
		counters_add(&c->worker->counters->refused_memory, 1);
		conn_fail(c, "no memory for what is not whole yet");
	}
	conn_account(c);
}

/* Reading failed, or the peer has ended its direction. */
static void
read_ended(struct conn *c, enum stream_status status, const char *why)
{
	c->broken = status == STREAM_FAILED;
	if (c->protocol->read_ended != NULL)
		c->protocol->read_ended(c, why);
	conn_end(c, why);
}

/* Whether a message comes in too many pieces. */
static bool
too_many_reads(struct conn *c)
{
	return c->protocol->max_reads > 0 &&
	    ++c->reads > c->protocol->max_reads;
}

/* Where n bytes and what may be read are free in the turn's memory, after what
 * was read so far is flushed if it has to be. */
static uint8_t *
read_room(struct worker *worker, size_t n)
{
	if (!turn_memory_fits(worker->memory, n + STREAM_READ_ROOM))
		conn_flush_all(worker);
	return turn_memory_tail(worker->memory);
}

/* Remembers that the connection is high-rate; false when memory is short. */
static bool
remember_high_rate(struct worker *worker, const struct conn *c)
{
	struct worker_high_rate *list = &worker->high_rate;
	const size_t cap = list->cap > 0 ? list->cap * 2 : 16;
	struct conn_addr *addrs;

	if (list->count == list->cap) {
		addrs = reallocarray(list->addrs, cap, sizeof *addrs);
		if (addrs == NULL)
			return false;
		list->addrs = addrs;
		list->cap = cap;
	}
	list->addrs[list->count++] = c->addr;
	return true;
}

/* Sets apart, while the worker has much to do, who sends much. */
static void
judge_rate(struct conn *c)
{
	struct worker *worker = c->worker;
	struct loop_watch *watch = &c->stream.watch;
	bool high_rate;

	if (!c->protocol->logged_in ||
	    !pacing_judge(&worker->pacing, &c->pace, loop_now_ms(worker->loop),
		&high_rate))
		return;
	if (!high_rate || watch->high_rate || remember_high_rate(worker, c))
		loop_set_high_rate(worker->loop, watch, high_rate);
}

void
conn_input_judge_rates(struct worker *worker)
{
	struct worker_high_rate *list = &worker->high_rate;
	const uint64_t now_ms = loop_now_ms(worker->loop);
	struct conn *c;
	size_t kept = 0;

	if (list->count == 0 ||
	    now_ms - list->judged_ms < PACING_CLIENT_WINDOW_MS)
		return;
	list->judged_ms = now_ms;
	for (size_t i = 0; i < list->count; i++) {
		c = conn_table_get(worker->conns, list->addrs[i]);
		if (c == NULL)
			continue;
		judge_rate(c);
		if (c->stream.watch.high_rate)
			list->addrs[kept++] = list->addrs[i];
	}
	list->count = kept;
}

static size_t
room(struct conn *c)
{
	return c->protocol->room != NULL ? c->protocol->room(c) : STREAM_CHUNK;
}

/* Reads once and handles what is there; ends the connection when nothing more
 * will come. */
static void
read_once(struct conn *c)
{
	struct worker *worker = c->worker;
	struct fail why = { 0 };
	struct slice saved;
	struct writer plain;
	enum stream_status status;
	uint8_t *at;

	at = read_room(worker, conn_saved(c).n);
	if (c->ended)
		return; /* its own output was flushed, and failed */
	saved = conn_saved(c);
	plain = writer_of(at, saved.n + STREAM_READ_ROOM);
	if (saved.n > 0)
		writer_bytes(&plain, saved.p, saved.n);
	status = stream_read(&c->stream, room(c), &plain, &why);
	if (status == STREAM_EMPTY)
		return;
	pacing_read(&worker->pacing, plain.n - saved.n);
	if (too_many_reads(c))
		conn_fail(c, "%s: in too many pieces", c->protocol->awaits);
	else if (plain.n > saved.n)
		process(c, plain.p, saved.n, plain.n);
	else
		conn_account(c);
	shed_note_handshake(c);
	shed_input(worker);
	if (c->ended)
		return;
	if (status == STREAM_FAILED || status == STREAM_EOF)
		read_ended(c, status, why.text);
	else
		judge_rate(c);
}

void
conn_input_saved(struct conn *c)
{
	struct slice saved;
	uint8_t *at;

	if (c->ended || conn_saved(c).n == 0)
		return;
	at = read_room(c->worker, conn_saved(c).n);
	if (c->ended)
		return; /* its own output was flushed, and failed */
	saved = conn_saved(c);
	memcpy(at, saved.p, saved.n);
	process(c, at, saved.n, saved.n);
}

/* Its turn in the login queue has come. */
static void
take_turn(struct conn *c)
{
	conn_resume(c, CONN_PAUSE_LOGIN_QUEUE);
	if (!c->ended)
		read_once(c);
}

/* Its turn to be read from is now; or it waits for it. Those that go on with a
 * handshake do not wait for those that would begin one. */
static bool
enter_login_queue(struct conn *c)
{
	struct worker *worker = c->worker;
	struct login_queue *queue = worker->logins,
			   *other = worker->handshakes_to_begin;
	struct login_entry *entry = &c->login->queue;
	uint64_t wait_ms;

	if (login_queue_waits(entry))
		return false;
	c->login->begins_handshake =
	    !stream_established(&c->stream) && !stream_in_handshake(&c->stream);
	if (c->login->begins_handshake) {
		queue = worker->handshakes_to_begin;
		other = worker->logins;
		if (!shed_may_begin_handshake(worker, &wait_ms)) {
			login_queue_wait(queue, entry, &c->remote);
			return false;
		}
	}
	if (!login_queue_enter(queue, entry, &c->remote))
		return false;
	login_queue_spend(other);
	return true;
}

static void
readable(struct conn *c)
{
	if (c->protocol->logged_in || enter_login_queue(c))
		read_once(c);
	else
		conn_pause(c, CONN_PAUSE_LOGIN_QUEUE);
}

static void
writable(struct conn *c)
{
	if (stream_writable(&c->stream) == -1) {
		conn_end(c, "write");
		return;
	}
	conn_flush(c);
	if (c->ended || stream_blocked(&c->stream))
		return;
	if (c->half_closed)
		conn_finish(c); /* whose time for the peer begins now */
	else if (c->websocket != NULL)
		conn_websocket_writable(c);
	else if (c->protocol->writable != NULL)
		c->protocol->writable(c);
}

static void
ready(void *ctx, unsigned events)
{
	struct conn *c = ctx;

	if ((events & LOOP_WRITE) != 0)
		writable(c);
	if (c->ended || (events & (LOOP_READ | LOOP_HANGUP)) == 0)
		return;
	/* a hang-up is told in every turn until somebody reacts to it */
	if ((events & LOOP_HANGUP) != 0 && c->paused == CONN_PAUSE_LOGIN_QUEUE)
		read_ended(c, STREAM_FAILED, "");
	else if ((c->paused & ~CONN_PAUSE_LOGIN_QUEUE) == 0)
		readable(c);
	else if ((events & LOOP_HANGUP) != 0)
		conn_end(c, "hung up while it was not read from");
}

void
conn_input_start(struct conn *c)
{
	stream_on_ready(&c->stream, ready, c);
}

static struct conn *
conn_of(struct login_entry *entry)
{
	return ((struct conn_login *)((char *)entry -
		    offsetof(struct conn_login, queue)))
	    ->conn;
}

/* Begins handshakes that wait, while the turn and the handshakes in progress
 * have room. Returns for how long those that are left must wait at least, ms.
 */
static uint64_t
begin_handshakes(struct worker *worker)
{
	struct login_entry *entry;
	uint64_t wait_ms;

	while (shed_may_begin_handshake(worker, &wait_ms)) {
		entry = login_queue_take(worker->handshakes_to_begin);
		if (entry == NULL)
			return 0;
		take_turn(conn_of(entry));
	}
	return wait_ms;
}

void
conn_input_take_logins(struct worker *worker)
{
	struct loop *loop = worker->loop;
	struct login_entry *entry;
	uint64_t wait_ms;
	bool again;

	while ((entry = login_queue_take(worker->logins)) != NULL) {
		login_queue_spend(worker->handshakes_to_begin);
		take_turn(conn_of(entry));
	}
	wait_ms = begin_handshakes(worker);
	again = login_queue_new_turn(worker->logins) > 0;
	if (login_queue_new_turn(worker->handshakes_to_begin) > 0 &&
	    (wait_ms == 0 ||
		loop_timer_set(loop, &worker->handshake_timer,
		    loop_now_ms(loop) + wait_ms) == -1))
		again = true;
	if (again)
		loop_again(loop);
}
