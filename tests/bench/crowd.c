/* crowd: see crowd.h. */
#include "crowd.h"

#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 256
#define STALL_NS (30 * 1000000000ULL) /* no login for so long: give up */

struct crowd { /* one thread's */
	struct crowd_worker *worker;
	struct load *load;
	struct peer_reader reader;
	struct wire_scratch *scratch;
	struct peer *peers;
	uint32_t *events; /* per peer: watched for now */
	unsigned count;
	int epoll;
	/* state */
	uint32_t *again; /* storm: closed peers that are to dial again */
	unsigned again_count;
	unsigned next;      /* peer to dial */
	unsigned in_flight; /* dialled, neither up nor failed */
	unsigned finished;  /* up, or failed; hold and login */
	bool storming;
	uint64_t now_ns;
	uint64_t progress_ns; /* when the last login ended */
};

static void open_crowd(struct crowd *c);
static void close_crowd(struct crowd *c);
static void log_all_in(struct crowd *c);
static void hold(struct crowd *c);
static void storm(struct crowd *c);
static void dial(struct crowd *c, unsigned i);
static void dial_again(struct crowd *c);
static void wait_and_handle(struct crowd *c, int timeout_ms);
static void handle(struct crowd *c, unsigned i, uint32_t events);
static void came_up(struct crowd *c, unsigned i);
static void went_down(struct crowd *c, unsigned i, const struct fail *why);
static void watch(struct crowd *c, unsigned i);
static void ignore_frame(
    void *ctx, struct peer *p, const struct derp_frame *frame);

void *
crowd_run(void *ctx)
{
	struct crowd_worker *w = ctx;
	struct crowd c = { .worker = w, .load = w->load };

	open_crowd(&c);
	switch (w->kind) {
	case CROWD_HOLD:
		log_all_in(&c);
		load_run_wait_for_gate(w->load);
		hold(&c);
		break;
	case CROWD_LOGIN:
		load_run_wait_for_gate(w->load);
		log_all_in(&c);
		break;
	case CROWD_STORM:
		log_all_in(&c);
		load_run_wait_for_gate(w->load);
		storm(&c);
		break;
	}
	close_crowd(&c);
	return NULL;
}

static void
open_crowd(struct crowd *c)
{
	struct load *load = c->load;
	unsigned first = c->worker->index;

	c->count = (load->clients + load->threads - 1 - first) / load->threads;
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll == -1)
		load_run_die("epoll: no descriptor");
	c->scratch = wire_scratch_new();
	c->reader = (struct peer_reader){ .relay = &load->relay,
		.plain = xcalloc(1, PEER_PLAIN_CAP),
		.frame = ignore_frame,
		.ctx = c };
	c->peers = xcalloc(c->count + 1, sizeof *c->peers);
	c->events = xcalloc(c->count + 1, sizeof *c->events);
	c->again = xcalloc(c->count + 1, sizeof *c->again);
	/* an address of its own for each, 127.1.0.1 and up */
	for (unsigned i = 0; i < c->count; i++)
		peer_init(&c->peers[i], 1 + first + i * load->threads);
}

static void
close_crowd(struct crowd *c)
{
	for (unsigned i = 0; i < c->count; i++)
		peer_clear(&c->peers[i]);
	free(c->peers);
	free(c->events);
	free(c->again);
	free(c->reader.plain);
	wire_scratch_free(c->scratch);
	close(c->epoll);
}

static void
log_all_in(struct crowd *c)
{
	unsigned limit = c->load->concurrency / c->load->threads + 1;

	c->now_ns = c->progress_ns = load_run_now_ns();
	while (c->finished < c->count) {
		while (c->next < c->count && c->in_flight < limit)
			dial(c, c->next++);
		wait_and_handle(c, 100);
		if (c->now_ns - c->progress_ns > STALL_NS)
			load_run_die("no login for %llu s; %u of %u done",
			    STALL_NS / 1000000000, c->finished, c->count);
	}
}

static void
hold(struct crowd *c)
{
	while (!atomic_load(c->worker->stop))
		wait_and_handle(c, 50);
}

static void
storm(struct crowd *c)
{
	const struct load_gate *gate = &c->load->gate;

	c->storming = true;
	/* the storm is on during the warm-up already */
	for (unsigned i = 0; i < c->count; i++) {
		peer_close(&c->peers[i]);
		c->again[i] = i;
	}
	c->again_count = c->count;
	do {
		dial_again(c);
		wait_and_handle(c, 10);
	} while (c->now_ns < gate->to_ns);
}

static void
dial(struct crowd *c, unsigned i)
{
	struct fail why = { 0 };

	c->events[i] = 0;
	c->in_flight++;
	if (peer_dial(&c->peers[i], &c->load->relay, c->scratch, &why) == -1)
		went_down(c, i, &why);
	else
		watch(c, i);
}

static void
wait_and_handle(struct crowd *c, int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(c->epoll, events, EVENTS, timeout_ms);

	c->now_ns = load_run_now_ns();
	for (int i = 0; i < n; i++)
		handle(c, events[i].data.u32, events[i].events);
}

/* One that fails at once is back on the list, for the next turn. */
static void
dial_again(struct crowd *c)
{
	unsigned n = c->again_count;

	c->again_count = 0;
	for (unsigned i = 0; i < n; i++)
		dial(c, c->again[i]);
}

static void
handle(struct crowd *c, unsigned i, uint32_t events)
{
	struct peer *p = &c->peers[i];
	bool was_up = p->state == PEER_UP;
	struct fail why = { 0 };

	if (p->state == PEER_CLOSED)
		return;
	if (peer_ready(p, events, &c->reader, &why) == -1) {
		if (was_up)
			c->worker->lost++;
		else
			went_down(c, i, &why);
		peer_close(p);
		return;
	}
	if (!was_up && p->state == PEER_UP)
		came_up(c, i);
	else
		watch(c, i);
}

static bool
counts_now(const struct crowd *c)
{
	if (c->worker->kind != CROWD_STORM)
		return true;
	return c->storming && c->now_ns >= c->load->gate.from_ns &&
	    c->now_ns < c->load->gate.to_ns;
}

static void
came_up(struct crowd *c, unsigned i)
{
	struct crowd_worker *w = c->worker;

	c->in_flight--;
	c->finished++;
	c->progress_ns = c->now_ns;
	if (counts_now(c))
		w->logins++;
	if (w->kind == CROWD_LOGIN || c->storming)
		peer_close(&c->peers[i]);
	else
		watch(c, i);
	if (c->storming)
		c->again[c->again_count++] = i;
}

static void
went_down(struct crowd *c, unsigned i, const struct fail *why)
{
	struct crowd_worker *w = c->worker;

	c->in_flight--;
	c->finished++;
	if (c->storming)
		c->again[c->again_count++] = i;
	if (w->kind == CROWD_STORM && !c->storming)
		load_run_die("before the storm: client %u: %s", i, why->text);
	if (!counts_now(c))
		return;
	if (w->failures++ == 0)
		w->why = *why;
}

static void
watch(struct crowd *c, unsigned i)
{
	uint32_t wanted = peer_wants(&c->peers[i]);
	struct epoll_event event = { .events = wanted, .data.u32 = i };
	int op = c->events[i] == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (c->events[i] == wanted)
		return;
	if (epoll_ctl(c->epoll, op, c->peers[i].wire.fd, &event) == -1)
		load_run_die("epoll: cannot watch");
	c->events[i] = wanted;
}

static void
ignore_frame(void *ctx, struct peer *p, const struct derp_frame *frame)
{
	(void)ctx;
	(void)p;
	(void)frame;
}
