/* traffic_page: see traffic_page.h. */
#include "traffic_page.h"

#include "status.h"
#include "worker.h"

#include <stdlib.h>

#define PIECE 16384 /* bytes of a round that are handed on at once */

struct watch {
	/* first member; the status's while `asked`; with a round that is being
	 * sent otherwise */
	struct status_ask ask;
	struct status *status;       /* borrowed */
	const struct worker *worker; /* borrowed: where it lives */
	const char *headers;         /* of the answer; a constant */
	/* loop-owned by the worker */
	struct http_server *server; /* NULL: the connection has ended */
	struct loop_timer timer;    /* until the next round */
	bool asked;
	bool head_only; /* of the answer: the request was HEAD */
	bool begun;     /* the head was sent */
	size_t sent;
};

static void
stream_free(struct watch *t)
{
	loop_timer_clear(t->worker->loop, &t->timer);
	status_ask_free(&t->ask);
}

static void
conn_gone(void *arg)
{
	struct watch *t = arg;

	t->server = NULL;
	if (!t->asked)
		stream_free(t);
}

/* Whether the connection can take more; otherwise it may be freed. */
static bool
has_room(struct watch *t, enum http_server_room room)
{
	if (room == HTTP_SERVER_GONE)
		stream_free(t);
	return room == HTTP_SERVER_ROOM;
}

/* Sends what is left of the round, as much as there is room for; the next one
 * comes when all is sent. */
static void
send_round(struct watch *t)
{
	struct status_ask *ask = &t->ask;
	struct loop *loop = t->worker->loop;
	bool room = true;

	if (t->head_only) {
		http_server_stream_end(t->server);
		stream_free(t);
		return;
	}
	while (room && t->sent < ask->len) {
		const size_t left = ask->len - t->sent;
		const struct slice piece =
		    slice_of(ask->text + t->sent, left < PIECE ? left : PIECE);

		t->sent += piece.n;
		room = has_room(t, http_server_chunk(t->server, piece));
	}
	if (!room)
		return;
	free(ask->text);
	ask->text = NULL;
	ask->len = 0;
	if (loop_timer_set(loop, &t->timer,
		loop_now_ms(loop) + TRAFFIC_PAGE_ROUND_MS) == 0)
		return;
	http_server_stream_end(t->server);
	stream_free(t);
}

static void
room_again(void *arg)
{
	struct watch *t = arg;

	if (!t->asked && t->ask.text != NULL)
		send_round(t);
}

static void
begin(struct watch *t)
{
	const struct http_server_answer head = {
		.status = 200, .type = t->ask.type, .headers = t->headers
	};
	const struct http_server_promise promise = {
		.room = room_again, .gone = conn_gone, .arg = t
	};

	t->begun = true;
	if (has_room(t, http_server_stream(t->server, &head, &promise)))
		send_round(t);
}

/* There is no round, and will be none. */
static void
fail(struct watch *t)
{
	const struct slice why = status_ask_body(&t->ask);

	if (!t->begun)
		http_server_answer(t->server,
		    &(struct http_server_answer){ .status = t->ask.code,
			.type = t->ask.type,
			.headers = t->headers,
			.body = why });
	else if (http_server_chunk(t->server, why) != HTTP_SERVER_GONE)
		http_server_stream_end(t->server);
	stream_free(t);
}

/* On the worker again. */
static void
deliver(void *ctx, struct message *m)
{
	struct watch *t = (struct watch *)m;

	(void)ctx;
	t->asked = false;
	t->sent = 0;
	if (t->server == NULL)
		stream_free(t);
	else if (t->ask.code != 200)
		fail(t);
	else if (t->begun)
		send_round(t);
	else
		begin(t);
}

static void
drop(struct message *m)
{
	status_ask_free((struct status_ask *)m);
}

static void
round_made(struct status_ask *ask)
{
	const struct watch *t = (const struct watch *)ask;

	ask->message = (struct message){ .handle = deliver, .drop = drop };
	mailbox_post(t->worker->mailbox, &ask->message, &ask->message);
}

static void
ask_for_round(void *ctx)
{
	struct watch *t = ctx;

	t->asked = true;
	status_post(t->status, &t->ask);
}

void
traffic_page(void *ctx, const struct worker *worker, struct http_server *s,
    const struct http1_request *req, const char *headers)
{
	struct watch *t = calloc(1, sizeof *t);

	if (t == NULL) {
		http_server_error(s, 503, "out of memory");
		return;
	}
	t->ask.query.form = STATUS_QUERY_TRAFFIC;
	t->ask.done = round_made;
	t->status = ctx;
	t->worker = worker;
	t->headers = headers;
	t->server = s;
	t->head_only = slice_is(req->method, "HEAD");
	t->timer = (struct loop_timer){ .fire = ask_for_round, .ctx = t };
	http_server_later(
	    s, &(struct http_server_promise){ .gone = conn_gone, .arg = t });
	ask_for_round(t);
}
