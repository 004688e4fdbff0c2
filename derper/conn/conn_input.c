/* conn_input: see conn_input.h. */
#include "conn_input.h"

#include "conn.h"
#include "worker.h"

#include <stddef.h>
#include <string.h>

/* Hands over n bytes at p, which lie in the turn's memory, phase by phase, and
 * keeps what was not used. */
static void
process(struct conn *c, uint8_t *p, size_t n)
{
	const struct conn_protocol *phase;
	size_t used = 0;

	do {
		phase = c->protocol;
		if (!c->half_closed)
			used += phase->input(c, p + used, n - used);
		if (c->half_closed)
			used = n; /* nothing more is wanted */
	} while (!c->ended && used < n && c->protocol != phase);
	/* runs may point at what was used, also when something after it has
	 * ended the connection; the rest can be overwritten */
	turn_memory_use(c->worker->memory, p + used);
	if (c->ended)
		return;
	if (conn_save(c, slice_of(p + used, n - used)) == -1) {
		counters_add(&c->worker->counters->refused_memory, 1);
		conn_fail(c, "no memory for what is not whole yet");
	}
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

/* Sets apart, while the worker has much to do, who sends much. */
static void
judge_rate(struct conn *c)
{
	struct loop *loop = c->worker->loop;
	bool high_rate;

	if (c->protocol->logged_in &&
	    pacing_judge(
		&c->worker->pacing, &c->pace, loop_now_ms(loop), &high_rate))
		loop_set_high_rate(loop, &c->stream.watch, high_rate);
}

/* Reads once and handles what is there; ends the connection when nothing more
 * will come. */
static void
read_once(struct conn *c)
{
	struct worker *worker = c->worker;
	const struct slice saved = conn_saved(c);
	struct fail why = { 0 };
	struct writer plain;
	enum stream_status status;

	plain =
	    writer_of(read_room(worker, saved.n), saved.n + STREAM_READ_ROOM);
	if (saved.n > 0)
		writer_bytes(&plain, saved.p, saved.n);
	status = stream_read(&c->stream, &plain, &why);
	if (status == STREAM_EMPTY)
		return;
	pacing_read(&worker->pacing, plain.n - saved.n);
	if (too_many_reads(c))
		conn_fail(c, "%s: in too many pieces", c->protocol->awaits);
	else if (plain.n > saved.n)
		process(c, plain.p, plain.n);
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
	const struct slice saved = conn_saved(c);
	uint8_t *at;

	if (saved.n == 0 || c->ended)
		return;
	at = read_room(c->worker, saved.n);
	memcpy(at, saved.p, saved.n);
	process(c, at, saved.n);
}

/* Its turn in the login queue has come. */
static void
take_turn(struct conn *c)
{
	conn_resume(c, CONN_PAUSE_LOGIN_QUEUE);
	if (!c->ended)
		read_once(c);
}

static void
readable(struct conn *c)
{
	if (c->protocol->logged_in ||
	    login_queue_enter(c->worker->logins, &c->login, &c->remote))
		read_once(c);
	else
		conn_pause(c, CONN_PAUSE_LOGIN_QUEUE);
}

static void
writable(struct conn *c)
{
	conn_flush(c);
	if (c->ended || stream_blocked(&c->stream))
		return;
	if (c->half_closed)
		stream_shutdown(&c->stream);
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
	if ((c->paused & ~CONN_PAUSE_LOGIN_QUEUE) == 0)
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
	return (struct conn *)((char *)entry - offsetof(struct conn, login));
}

void
conn_input_take_logins(struct worker *worker)
{
	struct login_entry *entry;

	while ((entry = login_queue_take(worker->logins)) != NULL)
		take_turn(conn_of(entry));
	if (login_queue_new_turn(worker->logins) > 0)
		loop_again(worker->loop);
}
