/* conn_websocket: see conn_websocket.h. */
#include "conn_websocket.h"

#include "conn.h"
#include "websocket.h"
#include "worker.h"

static const struct conn_protocol closing, client_closing;

int
conn_websocket_begin(struct conn *c)
{
	c->websocket = websocket_new(c->worker->counters);
	if (c->websocket == NULL)
		return -1;
	c->out.framing = &websocket_framing;
	conn_account(c);
	return 0;
}

static void
send_late_pong(struct conn *c)
{
	uint8_t frame[WEBSOCKET_FRAME_MAX];
	struct slice pong;

	if (c->ended || stream_blocked(&c->stream))
		return;
	pong = websocket_late_pong(c->websocket, frame);
	if (pong.n > 0)
		conn_write_raw(c, pong);
}

size_t
conn_websocket_input(struct conn *c, uint8_t *p, size_t n)
{
	uint8_t frames[WEBSOCKET_PONGS_MAX];
	struct writer pongs =
	    writer_of(frames, stream_blocked(&c->stream) ? 0 : sizeof frames);
	size_t payload, empty;

	payload = websocket_input(c->websocket, p, n, &pongs, &empty);
	if (pongs.n > 0)
		conn_write_raw(c, writer_slice(&pongs));
	send_late_pong(c);
	if (n > payload && !c->ended && c->protocol->framing != NULL)
		c->protocol->framing(c, n - payload, empty);
	return payload;
}

/* Sends the Close frame, after which nothing is framed, as nothing follows. */
static void
write_close(struct conn *c, unsigned code, const char *reason)
{
	uint8_t frame[WEBSOCKET_FRAME_MAX];
	const struct slice bytes =
	    websocket_end(c->websocket, code, slice_str(reason), frame);

	if (bytes.n > 0)
		conn_write_raw(c, bytes);
}

/* The client says that it has ended, as ending its direction would. */
static void
answer_close(struct conn *c)
{
	conn_flush(c);
	if (!c->ended)
		write_close(c, websocket_code(c->websocket), "");
	if (!c->ended && c->protocol->read_ended != NULL)
		c->protocol->read_ended(c, "");
	conn_end(c, NULL);
}

void
conn_websocket_close(struct conn *c, unsigned code, const char *reason)
{
	if (c->protocol->ended != NULL)
		c->protocol->ended(c, reason);
	if (c->ended)
		return;
	conn_become(c, conn_logged_in(c) ? &client_closing : &closing, NULL);
	write_close(c, code, reason);
	conn_finish(c);
}

void
conn_websocket_settle(struct conn *c)
{
	const char *why = websocket_why(c->websocket);

	if (c->ended || c->half_closed)
		return;
	switch (websocket_state(c->websocket)) {
	case WEBSOCKET_OPEN:
		return;
	case WEBSOCKET_CLOSED:
		answer_close(c);
		return;
	case WEBSOCKET_FAILED:
		conn_log(c, "websocket:", why);
		conn_websocket_close(c, websocket_code(c->websocket), why);
		return;
	}
}

void
conn_websocket_writable(struct conn *c)
{
	send_late_pong(c);
}

/* ---- waiting for the client to close: nothing is read but its end */

static size_t
closing_input(struct conn *c, uint8_t *p, size_t n)
{
	(void)c;
	(void)p;
	return n;
}

static void
closing_timed_out(struct conn *c)
{
	conn_end(c, NULL);
}

static void
closing_failed(struct conn *c, const char *why)
{
	conn_log(c, "websocket:", why);
}

static const struct conn_protocol closing = {
	.input = closing_input,
	.timed_out = closing_timed_out,
	.failed = closing_failed,
};

/* The same for what was logged in, and is accounted for as such. */
static const struct conn_protocol client_closing = {
	.logged_in = true,
	.input = closing_input,
	.timed_out = closing_timed_out,
	.failed = closing_failed,
};
