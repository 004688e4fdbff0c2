/* probe: see probe.h. */
#include "probe.h"

#include "xalloc.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#define LOGIN_MS 20000
#define PRIORITY 10 /* above everything that has none */

struct probe { /* one thread's */
	struct probe_worker *worker;
	struct load *load;
	struct peer a, b;
	struct peer_reader reader;
	struct wire_scratch *scratch;
	int epoll;
	uint32_t a_events, b_events; /* watched for now */
	uint64_t next;               /* number of the next ping */
	uint64_t returned;           /* of those in the window */
};

static void log_in(struct probe *p);
static void watch(struct probe *p);
static void run(struct probe *p);
static int wait_and_handle(struct probe *p, struct fail *why);
static void send_ping(struct probe *p, struct fail *why);
static void take_frame(
    void *ctx, struct peer *peer, const struct derp_frame *frame);
static void settle(struct probe *p);

void *
probe_run(void *ctx)
{
	struct probe_worker *w = ctx;
	struct probe p = { .worker = w, .load = w->load };
	const struct sched_param param = { .sched_priority = PRIORITY };

	log_in(&p);
	prctl(PR_SET_TIMERSLACK, 1UL);
	w->realtime =
	    pthread_setschedparam(pthread_self(), SCHED_FIFO, &param) == 0;
	load_run_wait_for_gate(w->load);
	run(&p);
	settle(&p);
	peer_clear(&p.a);
	peer_clear(&p.b);
	free(p.reader.plain);
	wire_scratch_free(p.scratch);
	close(p.epoll);
	return NULL;
}

static void
log_in(struct probe *p)
{
	struct fail why = { 0 };

	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll == -1)
		load_run_die("epoll: no descriptor");
	p->scratch = wire_scratch_new();
	p->reader = (struct peer_reader){ .relay = &p->load->relay,
		.plain = xcalloc(1, PEER_PLAIN_CAP),
		.frame = take_frame,
		.ctx = p };
	peer_init(&p->a, 0);
	peer_init(&p->b, 0);
	if (peer_login_now(
		&p->a, &p->load->relay, p->scratch, LOGIN_MS, &why) == -1 ||
	    peer_login_now(
		&p->b, &p->load->relay, p->scratch, LOGIN_MS, &why) == -1)
		load_run_die("probe: %s", why.text);
	watch(p);
}

static void
watch_one(struct probe *p, struct peer *peer, uint32_t *now)
{
	uint32_t wanted = peer_wants(peer);
	struct epoll_event event = { .events = wanted, .data.ptr = peer };

	if (*now == wanted)
		return;
	if (epoll_ctl(p->epoll, *now == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD,
		peer->wire.fd, &event) == -1)
		load_run_die("epoll: cannot watch");
	*now = wanted;
}

static void
watch(struct probe *p)
{
	watch_one(p, &p->a, &p->a_events);
	watch_one(p, &p->b, &p->b_events);
}

static uint64_t
due_ns(const struct probe *p, uint64_t number)
{
	return p->load->gate.begin_ns + number * 1000000000 / p->load->probe_hz;
}

static bool
in_window(const struct probe *p, uint64_t number)
{
	uint64_t due = due_ns(p, number);

	return due >= p->load->gate.from_ns && due < p->load->gate.to_ns;
}

static void
run(struct probe *p)
{
	const struct load_gate *gate = &p->load->gate;
	struct probe_worker *w = p->worker;

	for (;;) {
		uint64_t now = load_run_now_ns();
		bool draining = due_ns(p, p->next) >= gate->to_ns;

		if (now >= gate->end_ns || (draining && p->returned == w->sent))
			return;
		if (!draining && due_ns(p, p->next) <= now)
			send_ping(p, &w->why);
		else
			wait_and_handle(p, &w->why);
		if (w->why.text[0] != '\0') {
			w->broken++;
			return;
		}
		watch(p);
	}
}

static int
wait_and_handle(struct probe *p, struct fail *why)
{
	struct epoll_event events[2];
	struct timespec timeout = { .tv_nsec = 10000000 };
	uint64_t due = due_ns(p, p->next);
	uint64_t now = load_run_now_ns();
	int n;

	if (due < p->load->gate.to_ns)
		timeout.tv_nsec = due > now ? (long)(due - now) : 0;
	if (timeout.tv_nsec > 999999999)
		timeout.tv_nsec = 999999999;
	n = epoll_pwait2(p->epoll, events, 2, &timeout, NULL);
	for (int i = 0; i < n; i++)
		if (peer_ready(events[i].data.ptr, events[i].events, &p->reader,
			why) == -1)
			return -1;
	return 0;
}

static void
send_to(struct peer *from, const struct peer *to, struct slice packet,
    struct fail *why)
{
	uint8_t bytes[DERP_HEADER + DERP_KEY + LOAD_PACKET_MAX];
	struct writer w = writer_of(bytes, sizeof bytes);

	derp_send_packet_put(&w, &to->key, packet);
	(void)peer_write(from, writer_slice(&w), why);
}

static void
send_ping(struct probe *p, struct fail *why)
{
	uint8_t packet[LOAD_PACKET_MAX] = { 0 };
	struct writer w = writer_of(packet, sizeof packet);

	writer_u32(&w, (uint32_t)(p->next >> 32));
	writer_u32(&w, (uint32_t)p->next);
	if (in_window(p, p->next))
		p->worker->sent++;
	p->next++;
	send_to(&p->a, &p->b, slice_of(packet, p->load->probe_packet), why);
}

static void
take_frame(void *ctx, struct peer *peer, const struct derp_frame *frame)
{
	struct probe *p = ctx;
	struct derp_key from;
	struct slice packet;
	struct reader r;
	uint64_t number;

	if (frame->type != DERP_RECV_PACKET ||
	    derp_recv_packet_parse(frame->body, &from, &packet) == -1)
		return;
	if (peer == &p->b) {
		send_to(&p->b, &p->a, packet, &p->worker->why);
		return;
	}
	r = (struct reader){ .rest = packet };
	number = (uint64_t)reader_u32(&r) << 32;
	number |= reader_u32(&r);
	if (r.failed || number >= p->next || !in_window(p, number))
		return;
	p->returned++;
	histogram_add(&p->worker->rtt, load_run_now_ns() - due_ns(p, number));
}

static void
settle(struct probe *p)
{
	p->worker->lost = p->worker->sent - p->returned;
	for (uint64_t i = 0; i < p->worker->lost; i++)
		histogram_add(&p->worker->rtt, p->load->drain_ns);
}
