/* serve_question: see serve_question.h. */
#include "serve_question.h"

#include <assert.h>
#include <stdlib.h>

struct question {
	struct message message; /* first member */
	/* immutable */
	struct serve_state *state;
	struct derp_key key;
	struct netaddr client;
	uint64_t due_ms; /* when it is answered at the earliest */
	/* loop-owned */
	struct http_service_conn *conn; /* borrowed; NULL: has ended */
	struct loop_timer timer;        /* until due_ms, with the answer */
	/* the engine's until it sends the message */
	struct verify_answer answer;
};

static const struct netaddr *
client_of(const struct question *q)
{
	return q->client.is_set ? &q->client : NULL;
}

static void
count(struct serve_counters *counters, const struct verify_answer *answer)
{
	switch (answer->verdict) {
	case VERIFY_ALLOW:
		counters->allow++;
		break;
	case VERIFY_DENY:
		counters->deny++;
		break;
	case VERIFY_UNKNOWN:
	case VERIFY_NO_OPINION:
		counters->unknown++;
		break;
	}
	if (answer->fail_open)
		counters->fail_open++;
}

/* Both decisions have as many bytes. An answer that no source gave is not a
 * decision: the status says so, and the body denies for who looks at that. */
static struct http_server_answer
response_to(const struct verify_answer *answer)
{
	static const char allow[] = "{\"Allow\": true}\n";
	static const char deny[] = "{\"Allow\":false}\n";

	static_assert(sizeof allow == sizeof deny, "the length tells nothing");
	return (struct http_server_answer){
		.status = answer->verdict == VERIFY_UNKNOWN ? 503 : 200,
		.type = "application/json",
		.body =
		    slice_str(answer->verdict == VERIFY_ALLOW ? allow : deny),
	};
}

/* Counts and logs the answer; what to send. */
static struct http_server_answer
conclude(const struct question *q)
{
	struct serve_state *state = q->state;
	const struct serve_log_question about = {
		.peer = http_service_peer(q->conn),
		.client = &q->client,
		.key = &q->key,
	};

	count(&state->counters, &q->answer);
	serve_log_answer(
	    &state->log, loop_now_ms(state->loop), &about, &q->answer);
	return response_to(&q->answer);
}

/* Its time has come, and its connection is there. */
static void
answer_now(void *ctx)
{
	struct question *q = ctx;
	struct http_service_conn *conn = q->conn;
	const struct http_server_answer response = conclude(q);

	http_service_answer(conn, &response); /* voids the promise */
	free(q);
}

/* Whether the answer waits for its time. */
static bool
waits(struct question *q)
{
	struct loop *loop = q->state->loop;

	return loop_now_ms(loop) < q->due_ms &&
	    loop_timer_set(loop, &q->timer, q->due_ms) == 0;
}

static void
handle_answer(void *ctx, struct message *m)
{
	struct question *q = (struct question *)m;

	(void)ctx;
	if (q->conn == NULL)
		free(q);
	else if (!waits(q))
		answer_now(q);
}

static void
drop_answer(struct message *m)
{
	free(m);
}

/* On a thread of the engine. */
static void
post_answer(void *ctx, const struct verify_answer *answer)
{
	struct question *q = ctx;

	q->answer = *answer;
	mailbox_post(q->state->mailbox, &q->message, &q->message);
}

static bool
is_same(const void *ctx, const void *arg)
{
	return ctx == arg;
}

/* The connection has ended, or the time for an answer is up. What the engine
 * has not answered is taken back; what it has is on its way to handle_answer,
 * or waits for its timer. */
static void
gone(void *arg)
{
	struct question *q = arg;
	struct serve_state *state = q->state;

	state->counters.gone++;
	q->conn = NULL;
	if (q->timer.place != 0) {
		loop_timer_clear(state->loop, &q->timer);
		free(q);
	} else if (verify_current_cancel(state->verify, &q->key, client_of(q),
		       is_same, q) != NULL) {
		free(q);
	}
}

static struct question *
new_question(struct serve_state *state, struct http_service_conn *conn,
    const struct derp_key *key, const struct netaddr *client)
{
	struct question *q = malloc(sizeof *q);

	if (q == NULL)
		return NULL;
	*q = (struct question){
		.message = { .handle = handle_answer, .drop = drop_answer },
		.state = state,
		.key = *key,
		.client = *client,
		.due_ms = loop_now_ms(state->loop) + state->answer_ms,
		.conn = conn,
		.timer = { .fire = answer_now, .ctx = q },
	};
	return q;
}

void
serve_question_ask(struct serve_state *state, struct http_service_conn *conn,
    const struct derp_key *key, const struct netaddr *client)
{
	struct http_server *s = http_service_server(conn);
	struct question *q = new_question(state, conn, key, client);
	const struct http_server_promise promise = { .gone = gone, .arg = q };
	struct http_server_answer response;

	if (q == NULL) {
		http_server_error(s, 503, "out of memory");
		return;
	}
	if (!verify_current_ask(
		state->verify, key, client_of(q), &q->answer, post_answer, q) ||
	    waits(q)) {
		http_server_later(s, &promise);
		return;
	}
	response = conclude(q);
	free(q);
	http_server_answer(s, &response);
}
