/* status: see status.h. */
#include "status.h"

#include "clock.h"
#include "relay.h"
#include "status_collector.h"
#include "status_html.h"
#include "status_json.h"
#include "status_traffic.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct status {
	/* immutable */
	const struct status_relay *relay; /* borrowed */
	struct loop *loop;                /* owned */
	struct mailbox *mailbox;          /* owned */
	pthread_t thread;
	bool started;
	/* loop-owned */
	struct status_ring ring;
	struct loop_timer slot_timer;
	struct status_collector *collector;      /* owned */
	struct control *control;                 /* owned; NULL: no socket */
	struct status_ask *first_ask, *last_ask; /* owned: they wait */
	unsigned waiting;
};

static const char out_of_memory[] = "out of memory\n";

static void handle_ask(void *ctx, struct message *m);

/* ---- answers */

static void
set_text(struct status_ask *ask, unsigned code, const char *type, char *text,
    size_t len)
{
	ask->code = code;
	ask->type = type;
	ask->text = text;
	ask->len = len;
}

static void
refuse(struct status_ask *ask, const char *why)
{
	char *text = strdup(why);

	set_text(ask, 503, "text/plain; charset=utf-8", text,
	    text != NULL ? strlen(text) : 0);
	ask->done(ask);
}

/* NULL, or why there is no page. */
static const char *
put_html(struct status_ask *ask, const struct status_facts *facts)
{
	char *text = malloc(STATUS_HTML_MAX);
	struct writer w = writer_of(text, text != NULL ? STATUS_HTML_MAX : 0);

	if (text == NULL)
		return out_of_memory;
	status_html(&w, facts, &ask->query);
	if (w.failed) {
		free(text);
		return "the page does not fit: limit=10 makes it shorter\n";
	}
	set_text(ask, 200, "text/html; charset=utf-8", text, w.n);
	return NULL;
}

static const char *
put_json(struct status_ask *ask, const struct status_facts *facts)
{
	char *text = status_json(facts, &ask->query);

	if (text == NULL)
		return out_of_memory;
	set_text(
	    ask, 200, "application/json; charset=utf-8", text, strlen(text));
	return NULL;
}

static const char *
put_traffic(struct status_ask *ask, const struct status_snapshot *snapshot)
{
	char *text;
	size_t len;

	if (ask->traffic == NULL)
		ask->traffic = status_traffic_new();
	if (ask->traffic == NULL)
		return "too many watch the traffic\n";
	text = status_traffic_next(ask->traffic, snapshot, &len);
	if (text == NULL)
		return out_of_memory;
	set_text(ask, 200, "text/plain; charset=utf-8", text, len);
	return NULL;
}

static void
answer(struct status *s, struct status_ask *ask,
    const struct status_snapshot *snapshot)
{
	struct status_facts facts;
	const char *why = NULL;

	if (snapshot == NULL) {
		refuse(ask, out_of_memory);
		return;
	}
	status_facts_gather(
	    &facts, s->relay, &s->ring, snapshot, loop_now_ms(s->loop));
	facts.draining = control_is_draining(s->control);
	switch (ask->query.form) {
	case STATUS_QUERY_HTML:
		why = put_html(ask, &facts);
		break;
	case STATUS_QUERY_JSON:
		why = put_json(ask, &facts);
		break;
	case STATUS_QUERY_TRAFFIC:
		why = put_traffic(ask, snapshot);
		break;
	}
	status_facts_clear(&facts);
	if (why != NULL)
		refuse(ask, why);
	else
		ask->done(ask);
}

static struct status_ask *
next_ask(struct status *s)
{
	struct status_ask *ask = s->first_ask;

	if (ask == NULL)
		return NULL;
	s->first_ask = ask->next;
	if (s->first_ask == NULL)
		s->last_ask = NULL;
	s->waiting--;
	return ask;
}

static void
answer_all(void *ctx, const struct status_snapshot *snapshot)
{
	struct status *s = ctx;
	struct status_ask *ask;

	while ((ask = next_ask(s)) != NULL)
		answer(s, ask, snapshot);
}

static void
add_ask(struct status *s, struct status_ask *ask)
{
	ask->next = NULL;
	if (s->last_ask != NULL)
		s->last_ask->next = ask;
	else
		s->first_ask = ask;
	s->last_ask = ask;
	s->waiting++;
}

static void
handle_ask(void *ctx, struct message *m)
{
	struct status *s = ctx;
	struct status_ask *ask = (struct status_ask *)m;
	const struct status_snapshot *snapshot;

	if (s->waiting >= STATUS_WAITING_MAX) {
		refuse(ask, "too many ask for the status\n");
		return;
	}
	/* first, as it may be answered before there is a snapshot */
	add_ask(s, ask);
	snapshot = status_collector_get(s->collector);
	if (snapshot != NULL)
		answer_all(s, snapshot);
}

static void
drop_ask(struct message *m)
{
	status_ask_free((struct status_ask *)m);
}

void
status_post(struct status *s, struct status_ask *ask)
{
	ask->message =
	    (struct message){ .handle = handle_ask, .drop = drop_ask };
	mailbox_post(s->mailbox, &ask->message, &ask->message);
}

static void
ask_from_control(void *ctx, struct status_ask *ask)
{
	status_post(ctx, ask);
}

/* ---- the last hour */

static void
end_slot(void *ctx)
{
	struct status *s = ctx;
	const uint64_t now_ms = loop_now_ms(s->loop);
	const struct counter_values now = counters_sum(s->relay->counters);

	status_ring_add(&s->ring, &now, now_ms);
	(void)loop_timer_set(s->loop, &s->slot_timer,
	    status_ring_next_ms(s->slot_timer.due_ms, now_ms));
}

static int
start_ring(struct status *s)
{
	const struct counter_values now = counters_sum(s->relay->counters);
	const uint64_t now_ms = clock_now_ms();

	status_ring_start(&s->ring, &now, now_ms);
	s->slot_timer = (struct loop_timer){ .fire = end_slot, .ctx = s };
	return loop_timer_set(
	    s->loop, &s->slot_timer, now_ms + STATUS_RING_SLOT_MS);
}

/* ---- life */

static int
open_parts(struct status *s, struct fail *why)
{
	const struct crossing_shared *crossing = s->relay->shared->crossing;

	s->loop = loop_new(why);
	if (s->loop == NULL)
		return -1;
	s->mailbox = mailbox_new(s->loop, s, why);
	if (s->mailbox == NULL)
		return -1;
	s->collector = status_collector_new(
	    &(struct status_collector_config){ .loop = s->loop,
		.mailbox = s->mailbox,
		.workers = crossing->mailboxes,
		.worker_count = crossing->workers,
		.ready = answer_all,
		.ctx = s });
	if (s->collector == NULL || start_ring(s) == -1)
		return fail_set(why, "out of memory");
	return 0;
}

static int
open_control(struct status *s, const struct control_events *events, int fd,
    struct fail *why)
{
	if (fd == -1)
		return 0;
	s->control = control_new(&(struct control_config){ .loop = s->loop,
				     .fd = fd,
				     .relay = s->relay->shared,
				     .events = events,
				     .ask = ask_from_control,
				     .ctx = s },
	    why);
	return s->control != NULL ? 0 : -1;
}

struct status *
status_new(const struct status_relay *relay,
    const struct control_events *events, int control_fd, struct fail *why)
{
	struct status *s = calloc(1, sizeof *s);

	if (s == NULL)
		fail_set(why, "out of memory");
	else
		s->relay = relay;
	if (s == NULL || open_parts(s, why) == -1) {
		if (control_fd != -1)
			close(control_fd);
		status_free(s);
		return NULL;
	}
	if (open_control(s, events, control_fd, why) == -1) {
		status_free(s);
		return NULL;
	}
	return s;
}

void
status_free(struct status *s)
{
	struct status_ask *ask;

	if (s == NULL)
		return;
	/* connections that wait for an answer take that back */
	control_free(s->control);
	while ((ask = next_ask(s)) != NULL)
		status_ask_free(ask);
	mailbox_free(s->mailbox);
	if (s->loop != NULL)
		loop_timer_clear(s->loop, &s->slot_timer);
	status_collector_free(s->collector);
	loop_free(s->loop);
	free(s);
}

static void *
run(void *ctx)
{
	struct status *s = ctx;

	loop_run(s->loop);
	return NULL;
}

int
status_start(struct status *s, struct fail *why)
{
	errno = pthread_create(&s->thread, NULL, run, s);
	if (errno != 0)
		return fail_errno(why, "cannot start a thread");
	s->started = true;
	return 0;
}

void
status_stop(struct status *s)
{
	if (s == NULL || !s->started)
		return;
	loop_stop(s->loop);
	pthread_join(s->thread, NULL);
	s->started = false;
}
