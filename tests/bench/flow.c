/* flow: see flow.h. */
#include "flow.h"

#include "xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EVENTS 64
#define LOGIN_MS 20000
#define PATTERN 4096 /* bytes; different places to start at */
#define TURN_BYTES                                                         \
	16384         /* written per sender and turn: reading must keep up \
		       */
#define TURN_SLOTS 64 /* paced writes per turn */
#define LATE_NS (100 * 1000000ULL) /* what is later than that is given up */
#define DEBT_S 0.05                /* a paced sender owes at most that much */
#define DEBT_MIN 4                 /* writes, however slow the sender */
#define IDLE_NS (10 * 1000000ULL)
#define FRAME_HEAD (DERP_HEADER + DERP_KEY)

enum phase {
	WARMING,
	MEASURING,
	DRAINING,
};

/* A receiver, and what it gets. Those of one sender follow each other; the
 * first has the sender as well. */
struct pair {
	struct peer tx, rx;
	uint32_t tx_events, rx_events; /* watched for now */
	uint32_t number;
	bool broken;
	unsigned debt; /* writes owed, by a sender */
	unsigned turn; /* whom of its receivers a sender writes to next */
	/* packet numbers */
	uint64_t next;                   /* to be sent */
	uint64_t expected;               /* one above the last received */
	uint64_t window_from, window_to; /* UINT64_MAX: not there yet */
};

struct flow { /* one thread's */
	struct load *load;
	struct flow_worker *worker;
	struct peer_reader reader;
	struct wire_scratch *scratch;
	uint8_t *burst;   /* one write */
	uint8_t *pattern; /* PATTERN + packet bytes */
	struct pair *pairs;
	unsigned count;       /* of receivers */
	unsigned senders;     /* each with load->destinations receivers */
	struct pair *reading; /* whose frames take_frame gets */
	int epoll;
	/* pacing */
	double step_ns; /* between two writes of this thread */
	uint64_t slot;  /* next write, counted from begin */
	unsigned debt_max;
	/* time */
	uint64_t now_ns;
	enum phase phase;
};

static void open_pairs(struct flow *f);
static void make_pattern(struct flow *f);
static void close_pairs(struct flow *f);
static void run(struct flow *f);
static bool turn_phase(struct flow *f);
static void wait_and_handle(struct flow *f);
static void handle(struct flow *f, struct epoll_event *event);
static void take_frame(
    void *ctx, struct peer *p, const struct derp_frame *frame);
static void offer_paced(struct flow *f);
static void write_burst(struct flow *f, struct pair *pair);
static void watch(struct flow *f, struct pair *pair);
static void break_pair(struct flow *f, struct pair *pair, struct fail *why);

void *
flow_run(void *ctx)
{
	struct flow_worker *w = ctx;
	struct load *load = w->load;
	const unsigned senders = load->pairs / load->destinations;
	struct flow f = {
		.load = load,
		.worker = w,
		.senders =
		    (senders + load->threads - 1 - w->index) / load->threads,
	};

	f.count = f.senders * load->destinations;
	prctl(PR_SET_TIMERSLACK, 1UL);
	open_pairs(&f);
	make_pattern(&f);
	if (load->rate > 0) {
		double share = (double)load->rate * f.count / load->pairs;

		f.step_ns = 1e9 * load->per_write / share;
		f.debt_max = (unsigned)(DEBT_S * (double)load->rate / senders /
		    load->per_write);
		if (f.debt_max < DEBT_MIN)
			f.debt_max = DEBT_MIN;
	}
	load_run_wait_for_gate(load);
	if (f.count > 0)
		run(&f);
	close_pairs(&f);
	return NULL;
}

/* The pair that has the sender. */
static struct pair *
sender_of(const struct flow *f, const struct pair *pair)
{
	const size_t i = (size_t)(pair - f->pairs);

	return &f->pairs[i - i % f->load->destinations];
}

static void
login(struct flow *f, const struct pair *pair, struct peer *peer,
    const struct relay *relay)
{
	struct fail why = { 0 };

	if (peer_login_now(peer, relay, f->scratch, LOGIN_MS, &why) == -1)
		load_run_die("pair %u: %s", pair->number, why.text);
}

/* One after the other: this is not what is measured. */
static void
open_pairs(struct flow *f)
{
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (f->epoll == -1)
		load_run_die("epoll: no descriptor");
	f->scratch = wire_scratch_new();
	f->reader = (struct peer_reader){ .relay = &f->load->relay,
		.plain = xcalloc(1, PEER_PLAIN_CAP),
		.frame = take_frame,
		.ctx = f };
	f->burst = xcalloc(f->load->per_write, FRAME_HEAD + f->load->packet);
	f->pairs = xcalloc(f->count + 1, sizeof *f->pairs);
	for (unsigned i = 0; i < f->count; i++) {
		struct pair *pair = &f->pairs[i];

		pair->number = f->worker->index + i * f->load->threads;
		pair->window_from = pair->window_to = UINT64_MAX;
		peer_init(&pair->tx, 0);
		peer_init(&pair->rx, 0);
		login(f, pair, &pair->rx, &f->load->far);
		if (sender_of(f, pair) == pair)
			login(f, pair, &pair->tx, &f->load->relay);
		watch(f, pair);
	}
}

/* Any bytes will do, as long as no two places look alike: splitmix64. */
static void
make_pattern(struct flow *f)
{
	size_t n = PATTERN + f->load->packet;
	uint64_t state = 1;

	f->pattern = xcalloc(1, n);
	for (size_t i = 0; i < n; i++) {
		uint64_t z = state += 0x9e3779b97f4a7c15;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
		f->pattern[i] = (uint8_t)(z >> 56);
	}
}

static const uint8_t *
pattern_of(const struct flow *f, const struct pair *pair, uint64_t number)
{
	return f->pattern + (number * 31 + pair->number * 7) % PATTERN;
}

static void
close_pairs(struct flow *f)
{
	for (unsigned i = 0; i < f->count; i++) {
		const struct pair *pair = &f->pairs[i];
		uint64_t from = pair->expected > pair->window_from
		    ? pair->expected
		    : pair->window_from;

		if (pair->window_to != UINT64_MAX && from < pair->window_to)
			f->worker->counts.unfinished += pair->window_to - from;
		peer_clear(&f->pairs[i].tx);
		peer_clear(&f->pairs[i].rx);
	}
	free(f->pairs);
	free(f->pattern);
	free(f->burst);
	free(f->reader.plain);
	wire_scratch_free(f->scratch);
	close(f->epoll);
}

static void
run(struct flow *f)
{
	f->now_ns = load_run_now_ns();
	while (turn_phase(f)) {
		if (f->phase != DRAINING && f->load->rate > 0)
			offer_paced(f);
		wait_and_handle(f);
	}
}

static bool
all_arrived(const struct flow *f)
{
	for (unsigned i = 0; i < f->count; i++)
		if (!f->pairs[i].broken &&
		    f->pairs[i].expected < f->pairs[i].window_to)
			return false;
	return true;
}

/* Whether the run goes on. */
static bool
turn_phase(struct flow *f)
{
	const struct load_gate *gate = &f->load->gate;

	if (f->phase == WARMING && f->now_ns >= gate->from_ns) {
		f->phase = MEASURING;
		for (unsigned i = 0; i < f->count; i++)
			f->pairs[i].window_from = f->pairs[i].next;
	}
	if (f->phase == MEASURING && f->now_ns >= gate->to_ns) {
		f->phase = DRAINING;
		for (unsigned i = 0; i < f->count; i++) {
			struct pair *pair = &f->pairs[i];

			pair->window_to = pair->next;
			f->worker->counts.sent +=
			    pair->window_to - pair->window_from;
			pair->debt = 0;
			watch(f, pair);
		}
	}
	return f->phase != DRAINING ||
	    (f->now_ns < gate->end_ns && !all_arrived(f));
}

static uint64_t
due_ns(const struct flow *f, uint64_t slot)
{
	/* threads start apart, so that they do not write in step */
	double offset = f->step_ns * f->worker->index / f->load->threads;

	return f->load->gate.begin_ns +
	    (uint64_t)((double)slot * f->step_ns + offset);
}

static void
wait_and_handle(struct flow *f)
{
	struct epoll_event events[EVENTS];
	struct timespec timeout = { .tv_nsec = (long)IDLE_NS };
	int n;

	if (f->load->rate > 0 && f->phase != DRAINING) {
		uint64_t due = due_ns(f, f->slot);
		uint64_t now = load_run_now_ns();

		if (due <= now)
			timeout.tv_nsec = 0;
		else if (due - now < IDLE_NS)
			timeout.tv_nsec = (long)(due - now);
	}
	n = epoll_pwait2(f->epoll, events, EVENTS, &timeout, NULL);
	f->now_ns = load_run_now_ns();
	for (int i = 0; i < n; i++)
		handle(f, &events[i]);
}

static void
handle(struct flow *f, struct epoll_event *event)
{
	struct pair *pair = &f->pairs[event->data.u64 >> 1];
	bool is_tx = (event->data.u64 & 1) != 0;
	struct peer *peer = is_tx ? &pair->tx : &pair->rx;
	size_t write_len =
	    (size_t)f->load->per_write * (FRAME_HEAD + f->load->packet);
	size_t written = 0;
	struct fail why = { 0 };

	if (pair->broken)
		return;
	f->reading = pair;
	if (peer_ready(peer, event->events, &f->reader, &why) == -1) {
		break_pair(f, pair, &why);
		return;
	}
	while (is_tx && pair->debt > 0 && !pair->broken &&
	    !wire_blocked(&pair->tx.wire)) {
		pair->debt--;
		write_burst(f, pair);
	}
	if (is_tx && f->load->rate == 0 && f->phase != DRAINING)
		for (; written == 0 || written + write_len <= TURN_BYTES;
		     written += write_len) {
			if (pair->broken || wire_blocked(&pair->tx.wire))
				break;
			write_burst(f, pair);
		}
	watch(f, pair);
}

static bool
is_intact(const struct flow *f, const struct pair *pair,
    const struct derp_frame *frame, uint64_t *number)
{
	struct derp_key from;
	struct slice packet;
	struct reader r;
	uint32_t pair_number;

	if (derp_recv_packet_parse(frame->body, &from, &packet) == -1 ||
	    packet.n != f->load->packet ||
	    !derp_key_eq(&from, &sender_of(f, pair)->tx.key))
		return false;
	r = (struct reader){ .rest = packet };
	*number = (uint64_t)reader_u32(&r) << 32;
	*number |= reader_u32(&r);
	pair_number = reader_u32(&r);
	return !r.failed && pair_number == pair->number &&
	    memcmp(r.rest.p, pattern_of(f, pair, *number), r.rest.n) == 0;
}

static void
take_frame(void *ctx, struct peer *p, const struct derp_frame *frame)
{
	struct flow *f = ctx;
	struct flow_counts *counts = &f->worker->counts;
	struct pair *pair = f->reading;
	uint64_t number = 0, from, to;

	if (frame->type != DERP_RECV_PACKET || p != &pair->rx)
		return;
	if (!is_intact(f, pair, frame, &number)) {
		counts->corrupt++;
		return;
	}
	if (f->phase == MEASURING)
		counts->delivered++;
	if (number < pair->expected) {
		counts->reordered++;
		return;
	}
	/* what was skipped, as far as it was sent within the window */
	from = pair->expected > pair->window_from ? pair->expected
						  : pair->window_from;
	to = number < pair->window_to ? number : pair->window_to;
	if (from < to)
		counts->lost += to - from;
	pair->expected = number + 1;
}

static void
offer_paced(struct flow *f)
{
	struct flow_counts *counts = &f->worker->counts;
	uint64_t *given_up;
	uint64_t due = due_ns(f, f->slot);

	for (unsigned n = 0; n < TURN_SLOTS && due <= f->now_ns; n++) {
		struct pair *pair =
		    &f->pairs[f->slot % f->senders * f->load->destinations];

		given_up = NULL;
		if (f->now_ns - due > LATE_NS) {
			given_up = &counts->late;
			n--; /* catch up with the clock first */
		} else if (!pair->broken && wire_blocked(&pair->tx.wire)) {
			if (pair->debt < f->debt_max)
				pair->debt++;
			else
				given_up = &counts->held_back;
		} else if (!pair->broken) {
			write_burst(f, pair);
			watch(f, pair);
		}
		if (given_up != NULL && f->phase == MEASURING)
			*given_up += f->load->per_write;
		due = due_ns(f, ++f->slot);
	}
}

/* From a sender to the one of its receivers whose turn it is. */
static void
write_burst(struct flow *f, struct pair *sender)
{
	struct pair *pair = sender + sender->turn;
	struct writer w = writer_of(f->burst,
	    (size_t)f->load->per_write * (FRAME_HEAD + f->load->packet));
	struct fail why = { 0 };

	for (unsigned i = 0; i < f->load->per_write; i++) {
		uint8_t head[FRAME_HEAD];
		uint64_t number = pair->next++;

		derp_header_put(head,
		    (struct derp_header){
			DERP_SEND_PACKET, DERP_KEY + f->load->packet });
		memcpy(head + DERP_HEADER, pair->rx.key.b, DERP_KEY);
		writer_bytes(&w, head, sizeof head);
		writer_u32(&w, (uint32_t)(number >> 32));
		writer_u32(&w, (uint32_t)number);
		writer_u32(&w, pair->number);
		writer_bytes(
		    &w, pattern_of(f, pair, number), f->load->packet - 12);
	}
	sender->turn = (sender->turn + 1) % f->load->destinations;
	if (peer_write(&sender->tx, writer_slice(&w), &why) == -1)
		break_pair(f, sender, &why);
}

static void
watch_one(
    struct flow *f, struct peer *p, uint64_t id, uint32_t *now, uint32_t wanted)
{
	struct epoll_event event = { .events = wanted, .data.u64 = id };

	if (*now == wanted)
		return;
	if (epoll_ctl(f->epoll, *now == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
		p->wire.fd, &event) == -1)
		load_run_die("epoll: cannot watch");
	*now = wanted;
}

static void
watch(struct flow *f, struct pair *pair)
{
	uint64_t id = (uint64_t)(pair - f->pairs) << 1;
	uint32_t wanted;

	if (pair->broken)
		return;
	if (sender_of(f, pair) == pair) {
		wanted = peer_wants(&pair->tx);
		if (f->load->rate == 0 && f->phase != DRAINING)
			wanted |= EPOLLOUT;
		watch_one(f, &pair->tx, id | 1, &pair->tx_events, wanted);
	}
	watch_one(f, &pair->rx, id, &pair->rx_events, peer_wants(&pair->rx));
}

/* With all that have the same sender. */
static void
break_pair(struct flow *f, struct pair *pair, struct fail *why)
{
	struct pair *sender = sender_of(f, pair);

	if (f->worker->counts.broken++ == 0)
		f->worker->why = *why;
	for (unsigned i = 0; i < f->load->destinations; i++) {
		sender[i].broken = true;
		peer_close(&sender[i].rx);
	}
	peer_close(&sender->tx);
}
