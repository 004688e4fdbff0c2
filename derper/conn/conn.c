/* conn: see conn.h. */
#include "conn.h"

#include "conn_table.h"
#include "ip_limit.h"
#include "log.h"
#include "saved_input.h"
#include "websocket.h"
#include "worker.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void timed_out(void *ctx);
static void write_timed_out(void *ctx);
static void clear_write_timer(struct conn *c);
static int begin_login(struct conn *c);
static void end_login(struct conn *c);

struct conn *
conn_new(struct worker *worker, int fd, struct tls *tls,
    const struct netaddr *remote)
{
	struct conn *c = calloc(1, sizeof *c);

	if (c == NULL) {
		tls_free(tls);
		close(fd);
		return NULL;
	}
	c->worker = worker;
	c->remote = *remote;
	c->since_s = (uint32_t)(loop_now_ms(worker->loop) / 1000);
	c->timer = (struct loop_timer){ .fire = timed_out, .ctx = c };
	/* takes fd and tls, also when it fails */
	if (stream_open(&c->stream, worker->loop, worker->scratch, fd, tls) ==
	    -1)
		goto free_conn;
	if (conn_table_add(worker->conns, c, &c->addr) == -1)
		goto close_stream;
	outq_init(&c->out, &worker->out);
	if (begin_login(c) == 0)
		return c;
	conn_table_remove(worker->conns, c->addr);

close_stream:
	stream_close(&c->stream);
free_conn:
	free(c);
	return NULL;
}

void
conn_be_patient(struct conn *c)
{
	c->patient = true;
	c->out.shared = &c->worker->out_patient;
}

void
conn_be_outgoing(struct conn *c)
{
	c->outgoing = true;
}

const struct netaddr *
conn_trusted_remote(const struct conn *c)
{
	return c->untrusted ? NULL : &c->remote;
}

void
conn_become(struct conn *c, const struct conn_protocol *protocol, void *session)
{
	if (c->session != NULL && c->session != session)
		c->protocol->free_session(c->session);
	if (protocol->logged_in && !conn_logged_in(c)) {
		end_login(c);
		c->pace = (struct pacing_client){ 0 };
	}
	if (protocol->is_bounded)
		clear_write_timer(c);
	c->protocol = protocol;
	c->session = session;
	c->reads = 0;
}

bool
conn_logged_in(const struct conn *c)
{
	return c->protocol != NULL && c->protocol->logged_in;
}

static int
begin_login(struct conn *c)
{
	struct conn_login *login = calloc(1, sizeof *login);

	if (login == NULL)
		return -1;
	login->conn = c;
	c->login = login;
	conn_account(c);
	return 0;
}

void
conn_leave_handshake(struct conn *c)
{
	struct shed_entry *handshake = &c->login->handshake;
	struct counters *counters = c->worker->counters;

	if (handshake->source != NULL && stream_established(&c->stream))
		counters_add(strcmp(tls_version(c->stream.tls), "1.3") == 0
			? &counters->tls13_handshakes
			: &counters->tls12_handshakes,
		    1);
	shed_list_leave(c->worker->handshakes, handshake);
}

/* It is logged in or ends: leaves everything that is for those who are not. */
static void
end_login(struct conn *c)
{
	struct conn_login *login = c->login;
	struct worker *worker = c->worker;

	if (login == NULL)
		return;
	login_queue_remove(login->begins_handshake ? worker->handshakes_to_begin
						   : worker->logins,
	    &login->queue);
	shed_list_leave(worker->slots, &login->slot);
	conn_leave_handshake(c);
	memory_budget_discharge(
	    &worker->budget, &login->share, MEMORY_NO_LOGIN, login->share.held);
	free(login);
	c->login = NULL;
}

void
conn_deadline(struct conn *c, uint64_t after_ms)
{
	struct loop *loop = c->worker->loop;

	if (c->ended)
		return; /* its memory ends with this turn */
	if (loop_timer_set(loop, &c->timer, loop_now_ms(loop) + after_ms) == -1)
		conn_end(c, "out of memory");
}

/* Whether the peer has acknowledged nothing for too many time-outs in a row.
 * It is what counts as progress: a slow one reads all the time, while its
 * socket here has no room for seconds. */
static bool
takes_nothing(struct conn *c)
{
	c->stalled++;
	if (stream_acked_progress(&c->stream))
		c->stalled = 0;
	return c->stalled >= CONN_STALLED_MAX;
}

/* What still waits is the end of an answer: a slow peer is to have it whole. */
static void
closing_timed_out(struct conn *c)
{
	if (!stream_blocked(&c->stream))
		conn_end(c, NULL);
	else if (++c->closing >= CONN_CLOSING_MAX || takes_nothing(c))
		conn_end(c, "it did not take the rest in time");
	else
		conn_deadline(c, CONN_CLOSING_MS);
}

static void
timed_out(void *ctx)
{
	struct conn *c = ctx;

	if (c->half_closed)
		closing_timed_out(c);
	else
		c->protocol->timed_out(c);
}

static uint64_t
write_timeout_ms(const struct conn *c)
{
	const uint64_t ms = c->worker->config->write_timeout_ms;

	return c->patient && ms > 0 && ms < CONN_PATIENT_MS ? CONN_PATIENT_MS
							    : ms;
}

static void
arm_write_timer(struct conn *c)
{
	struct loop *loop = c->worker->loop;
	const uint64_t due_ms = loop_now_ms(loop) + write_timeout_ms(c);

	if (c->write_timer == NULL) {
		c->write_timer = calloc(1, sizeof *c->write_timer);
		if (c->write_timer == NULL)
			goto out_of_memory;
		c->write_timer->fire = write_timed_out;
		c->write_timer->ctx = c;
	}
	if (loop_timer_set(loop, c->write_timer, due_ms) == 0)
		return;
out_of_memory:
	conn_end(c, "out of memory");
}

static void
clear_write_timer(struct conn *c)
{
	if (c->write_timer == NULL)
		return;
	loop_timer_clear(c->worker->loop, c->write_timer);
	free(c->write_timer);
	c->write_timer = NULL;
}

static void
write_timed_out(void *ctx)
{
	struct conn *c = ctx;

	if (!takes_nothing(c)) {
		arm_write_timer(c);
		return;
	}
	counters_add(&c->worker->counters->write_timeouts, 1);
	conn_fail(c, "write timed out");
}

void
conn_pause(struct conn *c, enum conn_pause reason)
{
	if (c->paused == 0)
		stream_pause(&c->stream, true);
	c->paused |= (uint8_t)reason;
}

void
conn_resume(struct conn *c, enum conn_pause reason)
{
	if (c->paused == 0)
		return;
	c->paused &= (uint8_t)~reason;
	if (c->paused == 0)
		stream_pause(&c->stream, false);
}

struct slice
conn_saved(const struct conn *c)
{
	return saved_input_bytes(c->saved);
}

int
conn_save(struct conn *c, struct slice bytes)
{
	return saved_input_keep(&c->saved, c, &c->worker->budget, bytes);
}

/* Charges the input that is not whole yet. */
static void
account_input(struct conn *c)
{
	if (c->saved == NULL && c->stream.rest_len == 0)
		return;
	/* not the TLS objects: they are what a client of TLS 1.2 costs */
	if (saved_input_charge(&c->saved, c, &c->worker->budget,
		conn_saved(c).n + c->stream.rest_len) == -1)
		conn_end(c, "out of memory");
}

/* Charges what waits with the stream to the output of all connections. */
static void
account_output(struct conn *c, size_t now)
{
	if (now == c->unsent)
		return;
	memory_budget_change(&c->worker->budget, &c->out.share,
	    MEMORY_OUTPUT_UNSENT, c->unsent, now);
	c->unsent = (uint32_t)now;
}

void
conn_account(struct conn *c)
{
	const struct stream *stream = &c->stream;
	struct memory_share *share;

	if (c->ended)
		return;
	if (conn_logged_in(c)) {
		if (c->protocol->is_bounded)
			return;
		account_output(c, stream_unsent(stream));
		account_input(c);
		return;
	}
	share = &c->login->share;
	memory_budget_change(&c->worker->budget, share, MEMORY_NO_LOGIN,
	    share->held,
	    (c->websocket != NULL ? CONN_LOGIN_BYTES + WEBSOCKET_BYTES
				  : CONN_LOGIN_BYTES) +
		conn_saved(c).n + stream_held(stream) + stream_unsent(stream));
}

struct conn *
conn_of_share(enum memory_group group, struct memory_share *share)
{
	const char *p = (const char *)share;

	switch (group) {
	case MEMORY_GROUP_OUTPUT:
		return (struct conn *)(p - offsetof(struct conn, out.share));
	case MEMORY_GROUP_INPUT:
		return saved_input_conn(share);
	case MEMORY_GROUP_NO_LOGIN:
	case MEMORY_GROUPS:
		break;
	}
	return (
	    (const struct conn_login *)(p - offsetof(struct conn_login, share)))
	    ->conn;
}

/* Puts it on the list of those to be flushed at the end of the turn. */
static void
mark_dirty(struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = c->worker->dirty;
	c->worker->dirty = c;
}

void
conn_send(struct conn *c, enum outq_class class, uint8_t *frames, size_t len,
    unsigned count)
{
	outq_add(&c->out, class, frames, len, count);
	mark_dirty(c);
}

void
conn_send_control(struct conn *c, struct slice frame, bool mark)
{
	if (outq_control(&c->out, frame, mark) == -1)
		conn_end(c, "out of memory");
	else
		mark_dirty(c);
}

/* Arms the write time-out while the socket is full, and clears it after. One
 * that closes has a deadline of its own. */
static void
watch_progress(struct conn *c)
{
	if (!stream_blocked(&c->stream)) {
		clear_write_timer(c);
		c->stalled = 0;
	} else if (c->worker->config->write_timeout_ms > 0 &&
	    c->write_timer == NULL && !c->half_closed &&
	    !c->protocol->is_bounded) {
		arm_write_timer(c);
	}
}

/* How long what waited in the backlog did so, once it is empty. */
static void
note_wait(struct conn *c)
{
	const uint32_t now_ms = (uint32_t)loop_now_ms(c->worker->loop);
	uint32_t *since_ms = &c->out.waits_since_ms;

	if (c->out.bytes > 0) {
		if (*since_ms == 0)
			*since_ms = now_ms;
		return;
	}
	worker_note_wait(c->worker, (uint64_t)(now_ms - *since_ms) * 1000000);
	*since_ms = 0;
}

void
conn_flush(struct conn *c)
{
	if (c->half_closed) {
		outq_clear(&c->out);
	} else if (outq_flush(&c->out, &c->stream) == -1) {
		conn_end(c, "write");
		return;
	}
	if (c->out.bytes > 0 || c->out.waits_since_ms != 0)
		note_wait(c);
	conn_account(c);
	watch_progress(c);
}

/* Bytes were written. */
static void
wrote(struct conn *c, int result)
{
	if (result == -1) {
		conn_end(c, "write");
		return;
	}
	conn_account(c);
	watch_progress(c);
}

void
conn_write(struct conn *c, struct slice bytes)
{
	wrote(c, outq_write(&c->out, &c->stream, bytes));
}

void
conn_write_raw(struct conn *c, struct slice bytes)
{
	wrote(c, outq_write_raw(&c->out, &c->stream, bytes));
}

/* Ending a connection may tell others, who then are dirty again. */
void
conn_flush_all(struct worker *worker)
{
	const bool any = worker->dirty != NULL;
	struct conn *c;

	while ((c = worker->dirty) != NULL) {
		worker->dirty = c->next_dirty;
		c->dirty = false;
		if (!c->ended)
			conn_flush(c);
	}
	if (any)
		worker_note_turn(worker);
	worker_flushed(worker);
}

void
conn_finish(struct conn *c)
{
	if (c->ended)
		return;
	c->half_closed = true;
	clear_write_timer(c);
	c->stalled = 0;
	conn_deadline(c, CONN_CLOSING_MS);
	stream_shutdown(&c->stream);
}

void
conn_log(struct conn *c, const char *what, const char *why)
{
	char remote[NETADDR_TEXT];

	if (!log_allowed(&c->worker->log_login, loop_now_ms(c->worker->loop)))
		return;
	netaddr_format(&c->remote, remote);
	log_warn("%s %s: %s", what, remote, why);
}

void
conn_fail(struct conn *c, const char *fmt, ...)
{
	char why[FAIL_TEXT_MAX + 64];
	va_list args;

	if (c->ended)
		return;
	va_start(args, fmt);
	vsnprintf(why, sizeof why, fmt, args);
	va_end(args);
	c->protocol->failed(c, why);
	conn_end_unlogged(c, why);
}

static void
log_end(const struct conn *c, const char *reason)
{
	char remote[NETADDR_TEXT];

	netaddr_format(&c->remote, remote);
	log_debug("connection from %s ends: %s", remote, reason);
}

/* Tells a WebSocket client, once everything else is on its way. */
static void
say_end(struct conn *c)
{
	uint8_t frame[WEBSOCKET_FRAME_MAX];
	const struct slice bytes =
	    websocket_end(c->websocket, WS_CLOSE_NORMAL, slice_str(""), frame);

	if (bytes.n > 0 && !stream_blocked(&c->stream))
		(void)outq_write_raw(&c->out, &c->stream, bytes);
}

void
conn_end(struct conn *c, const char *reason)
{
	if (!c->ended && reason != NULL && reason[0] != '\0')
		log_end(c, reason);
	conn_end_unlogged(c, reason);
}

void
conn_end_unlogged(struct conn *c, const char *why)
{
	struct worker *worker = c->worker;

	if (c->ended)
		return;
	c->ended = true;
	if (c->protocol != NULL && c->protocol->ended != NULL)
		c->protocol->ended(c, why);
	loop_timer_clear(worker->loop, &c->timer);
	clear_write_timer(c);
	outq_clear(&c->out);
	if (c->websocket != NULL && !c->broken)
		say_end(c);
	if (conn_logged_in(c))
		account_output(c, 0);
	else
		end_login(c);
	saved_input_drop(&c->saved, &worker->budget);
	if (!c->broken && stream_established(&c->stream))
		stream_shutdown(&c->stream);
	stream_close(&c->stream);
	if (!c->outgoing)
		ip_limit_leave(worker->config->ip_limit, &c->remote);
	conn_table_remove(worker->conns, c->addr);
	c->next_ended = worker->ended;
	worker->ended = c;
}

void
conn_free_ended(struct worker *worker)
{
	struct conn *c;

	while ((c = worker->ended) != NULL) {
		worker->ended = c->next_ended;
		if (c->session != NULL)
			c->protocol->free_session(c->session);
		websocket_free(c->websocket);
		free(c);
	}
}
