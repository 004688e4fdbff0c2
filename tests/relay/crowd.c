/*
 * derp-crowd: thousands of DERP clients in one process, and a quiet pair.
 *
 * For the hostile scenarios, where derp-peer's poll and its line per event
 * would be the limit. derp-crowd HOST PORT [tls]; one command per line on
 * standard input, each answered by one line when it has been carried out:
 *
 *   login N        N more clients, each from an address of its own
 *                  -> login UP FAILED WHY
 *   burst SIZE     the first client sends every other one a packet, all of them
 *                  in one write if that takes them -> burst SENT RECEIVED WRONG
 *   storm N        N times some client connects anew with its old key; the old
 *                  connection is closed before that, after it, or outlives the
 *                  new one -> storm UP FAILED WHY
 *   leave N        the last N clients go -> leave N
 *   pair MS SIZE   from now on the first client sends the second a packet
 *                  every MS ms, which sends it back -> pair
 *   mark           how that went since the last mark; waits for what is under
 *                  way -> mark SENT LOST P50 P99 MAX (microseconds)
 *
 * With DERP_CROWD_FIXED_KEYS the private key of the Nth client, from 1, is N.
 * "broken CLIENT WHY" comes in between when the relay ends a connection. Ends
 * at the end of the input. Its clients are those of the load generator.
 */
#include "../bench/histogram.h"
#include "../bench/load_peer.h"

#include "clock.h"
#include "crowd_lines.h"
#include "crowd_packet.h"
#include "num.h"
#include "xalloc.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define EVENTS 512
#define AT_ONCE 250       /* logins under way */
#define PATIENCE_MS 60000 /* without any progress: give up waiting */
#define CLIENTS_MAX 40000
#define BURST_MAX 1000 /* packets in one write */
#define SEND_MAX (DERP_HEADER + DERP_KEY + CROWD_PACKET_MAX)
#define STDIN_MARK UINT64_MAX

/* What becomes of the old connection when a client comes back. */
enum comeback { CLOSE_BEFORE, CLOSE_AFTER, OUTLIVE, COMEBACKS };

struct client {
	struct peer at[2];   /* connections with one key */
	uint32_t watched[2]; /* events asked for; 0: not watched */
	unsigned now;        /* the one in use */
	bool under_way;      /* the other one (or the first) logs in */
	enum comeback how;
	uint64_t burst; /* last one it got its packet of */
};

static struct relay relay;
static struct wire_scratch *scratch;
static struct peer_reader reader;
static int epoll_fd;
static struct client *clients; /* CLIENTS_MAX */
static unsigned client_count;
static bool fixed_keys;

static struct { /* of login or storm */
	unsigned started, ended, up, failed;
	struct fail why;
} logins;

static struct {
	uint64_t number; /* 0: none yet */
	size_t size;
	unsigned sent, received, wrong;
} burst;

static struct {
	bool on;
	uint64_t every_us, due_us;
	size_t size;
	uint64_t sent, received;
	struct histogram rtt;
} pair;

static uint64_t progress_ms;

__attribute__((format(printf, 1, 2))) static void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static void
progress(void)
{
	progress_ms = clock_now_ms();
}

static bool
stalled(void)
{
	return clock_now_ms() - progress_ms > PATIENCE_MS;
}

static void
watch(unsigned i, unsigned slot)
{
	struct client *c = &clients[i];
	const uint32_t wanted = peer_wants(&c->at[slot]);
	struct epoll_event event = { .events = wanted,
		.data.u64 = (uint64_t)i << 1 | slot };
	const int op = c->watched[slot] == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (c->watched[slot] == wanted)
		return;
	if (epoll_ctl(epoll_fd, op, c->at[slot].wire.fd, &event) == -1) {
		perror("derp-crowd: epoll");
		exit(2);
	}
	c->watched[slot] = wanted;
}

static void
hang_up(unsigned i, unsigned slot)
{
	peer_close(&clients[i].at[slot]);
	clients[i].watched[slot] = 0;
}

static void
login_failed(unsigned i, const struct fail *why)
{
	clients[i].under_way = false;
	logins.ended++;
	if (logins.failed++ == 0)
		logins.why = *why;
	progress();
}

static void
dial(unsigned i, unsigned slot)
{
	struct fail why = { 0 };

	logins.started++;
	clients[i].under_way = true;
	if (peer_dial(&clients[i].at[slot], &relay, scratch, &why) == -1)
		login_failed(i, &why);
	else
		watch(i, slot);
}

/* A connection has come up: what is to be done with the other one? */
static void
came_up(unsigned i, unsigned slot)
{
	struct client *c = &clients[i];

	c->under_way = false;
	logins.ended++;
	logins.up++;
	progress();
	if (slot == c->now)
		return;
	if (c->how == OUTLIVE) {
		hang_up(i, slot);
		return;
	}
	hang_up(i, c->now);
	c->now = slot;
}

static void
handle(unsigned i, unsigned slot, uint32_t events)
{
	struct peer *p = &clients[i].at[slot];
	const bool was_up = p->state == PEER_UP;
	struct fail why = { 0 };

	if (p->state == PEER_CLOSED)
		return; /* closed in this turn */
	if (peer_ready(p, events, &reader, &why) == -1) {
		hang_up(i, slot);
		if (was_up)
			say("broken %u %s", i, why.text);
		else
			login_failed(i, &why);
		return;
	}
	if (p->state == PEER_CLOSED)
		return; /* by what the frame made us send */
	watch(i, slot);
	if (!was_up && p->state == PEER_UP)
		came_up(i, slot);
}

/* All of it at once: what needs several records is held back until the last of
 * them, so that the relay finds it in one read if it is that long. */
static void
send_bytes(unsigned i, struct slice bytes)
{
	const int many = bytes.n > WIRE_RECORD, off = 0;
	struct client *c = &clients[i];
	struct wire *wire = &c->at[c->now].wire;
	struct fail why = { 0 };
	size_t n;

	if (c->at[c->now].state != PEER_UP)
		return;
	setsockopt(wire->fd, IPPROTO_TCP, TCP_CORK, &many, sizeof many);
	for (; bytes.n > 0; bytes = slice_of(bytes.p + n, bytes.n - n)) {
		n = bytes.n < WIRE_RECORD ? bytes.n : WIRE_RECORD;
		if (wire_write(wire, slice_of(bytes.p, n), &why) == -1) {
			hang_up(i, c->now);
			say("broken %u %s", i, why.text);
			return;
		}
	}
	setsockopt(wire->fd, IPPROTO_TCP, TCP_CORK, &off, sizeof off);
	watch(i, c->now);
}

static void
send_packet(unsigned i, const struct derp_key *to, struct slice packet)
{
	static uint8_t bytes[SEND_MAX];
	struct writer w = writer_of(bytes, sizeof bytes);

	derp_send_packet_put(&w, to, packet);
	send_bytes(i, writer_slice(&w));
}

/* Clients are one array, and the peer is a member of its element. */
static unsigned
index_of(const struct peer *p)
{
	return (
	    unsigned)((size_t)((const uint8_t *)p - (const uint8_t *)clients) /
	    sizeof *clients);
}

static void
take_burst(struct client *c, struct slice packet)
{
	uint64_t number, to;

	burst.received++;
	if (!crowd_packet_take(packet, burst.size, &number, &to) ||
	    number != burst.number || to != index_of(c->at) ||
	    c->burst == burst.number)
		burst.wrong++;
	c->burst = burst.number;
	progress();
}

static void
take_pair(unsigned i, struct slice packet)
{
	uint64_t number, sent_us;

	if (i == 1) {
		send_packet(1, &clients[0].at[0].key, packet);
		return;
	}
	if (!crowd_packet_take(packet, pair.size, &number, &sent_us)) {
		say("broken 0 corrupt packet");
		return;
	}
	histogram_add(&pair.rtt, (clock_now_us() - sent_us) * 1000);
	pair.received++;
	progress();
}

static void
take_frame(void *ctx, struct peer *p, const struct derp_frame *frame)
{
	const unsigned i = index_of(p);
	struct derp_key src;
	struct slice packet;

	(void)ctx;
	if (frame->type != DERP_RECV_PACKET ||
	    derp_recv_packet_parse(frame->body, &src, &packet) == -1)
		return;
	if (pair.on && i < 2 && derp_key_eq(&src, &clients[1 - i].at[0].key))
		take_pair(i, packet);
	else
		take_burst(&clients[i], packet);
}

static void
send_pair(void)
{
	static uint8_t packet[CROWD_PACKET_MAX];
	const uint64_t now_us = clock_now_us();

	if (!pair.on || now_us < pair.due_us)
		return;
	pair.due_us += pair.every_us;
	if (pair.due_us < now_us) /* we were too slow: no catching up */
		pair.due_us = now_us + pair.every_us;
	crowd_packet_put(packet, pair.size, pair.sent++, clock_now_us());
	send_packet(0, &clients[1].at[0].key, slice_of(packet, pair.size));
}

/* Handles what happens within timeout_ms. */
static void
turn(int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(epoll_fd, events, EVENTS, timeout_ms);

	for (int i = 0; i < n; i++) {
		if (events[i].data.u64 == STDIN_MARK)
			crowd_lines_read();
		else
			handle((unsigned)(events[i].data.u64 >> 1),
			    events[i].data.u64 & 1, events[i].events);
	}
}

/* The number of the client, which the test knows as well. */
static void
fix_key(struct peer *p)
{
	char text[32 + 64];

	snprintf(text, sizeof text, "privkey:%064x", p->source);
	if (derp_private_key_parse(&p->private_key, slice_str(text)) == -1 ||
	    derp_private_key_public(&p->private_key, &p->key) == -1)
		say("error cannot use a fixed key");
}

static void
add_client(void)
{
	struct client *c = &clients[client_count];

	*c = (struct client){ 0 };
	peer_init(&c->at[0], 1 + client_count);
	if (fixed_keys)
		fix_key(&c->at[0]);
	c->at[1] = c->at[0];
	dial(client_count++, 0);
}

static void
answer_logins(const char *name)
{
	while (logins.ended < logins.started && !stalled())
		turn(100);
	say("%s %u %u %s", name, logins.up, logins.started - logins.up,
	    logins.failed > 0 ? logins.why.text : "-");
}

static void
cmd_login(unsigned n)
{
	memset(&logins, 0, sizeof logins);
	progress();
	while (n > 0 && !stalled() && client_count < CLIENTS_MAX) {
		if (logins.started - logins.ended >= AT_ONCE) {
			turn(100);
			continue;
		}
		add_client();
		n--;
	}
	answer_logins("login");
}

/* A client with a connection that comes back; -1 after too many tries. */
static int
pick(void)
{
	for (int tries = 0; tries < 100; tries++) {
		const unsigned i = randombytes_uniform(client_count);
		const struct client *c = &clients[i];

		if (!c->under_way && c->at[c->now].state == PEER_UP)
			return (int)i;
	}
	return -1;
}

static void
come_back(unsigned i)
{
	struct client *c = &clients[i];

	c->how = randombytes_uniform(COMEBACKS);
	if (c->how == CLOSE_BEFORE) {
		hang_up(i, c->now);
		c->now = 1 - c->now;
		dial(i, c->now);
	} else {
		dial(i, 1 - c->now);
	}
}

static void
cmd_storm(unsigned n)
{
	memset(&logins, 0, sizeof logins);
	progress();
	while (n > 0 && !stalled()) {
		const int i =
		    logins.started - logins.ended < AT_ONCE ? pick() : -1;

		if (i == -1) {
			turn(10);
			continue;
		}
		come_back((unsigned)i);
		n--;
		turn(0);
	}
	answer_logins("storm");
}

static void
cmd_burst(unsigned size)
{
	static uint8_t packet[CROWD_PACKET_MAX];
	const size_t n = (DERP_HEADER + DERP_KEY + size) * BURST_MAX;
	uint8_t *frames = xcalloc(n, 1);

	burst.number++;
	burst.size = size;
	burst.sent = burst.received = burst.wrong = 0;
	do {
		struct writer w = writer_of(frames, n);

		progress();
		for (unsigned k = 0;
		     k < BURST_MAX && burst.sent + 1 < client_count; k++) {
			const unsigned i = ++burst.sent;

			crowd_packet_put(packet, size, burst.number, i);
			derp_send_packet_put(
			    &w, &clients[i].at[0].key, slice_of(packet, size));
		}
		send_bytes(0, writer_slice(&w));
		while (burst.received < burst.sent && !stalled() &&
		    clock_now_ms() - progress_ms < 5000)
			turn(100);
	} while (burst.sent + 1 < client_count && burst.received == burst.sent);
	free(frames);
	say("burst %u %u %u", burst.sent, burst.received, burst.wrong);
}

static void
cmd_leave(unsigned n)
{
	unsigned left = n < client_count ? n : client_count;

	for (; left > 0; left--) {
		client_count--;
		hang_up(client_count, 0);
		hang_up(client_count, 1);
	}
	say("leave %u", n);
}

static void
cmd_pair(unsigned every_ms, unsigned size)
{
	memset(&pair, 0, sizeof pair);
	pair.every_us = (uint64_t)every_ms * 1000;
	pair.due_us = clock_now_us();
	pair.size = size;
	pair.on = true;
	say("pair");
}

static void
cmd_mark(void)
{
	progress();
	while (pair.received < pair.sent && !stalled() &&
	    clients[0].at[clients[0].now].state == PEER_UP &&
	    clients[1].at[clients[1].now].state == PEER_UP)
		turn(100);
	say("mark %llu %llu %llu %llu %llu", (unsigned long long)pair.sent,
	    (unsigned long long)(pair.sent - pair.received),
	    (unsigned long long)(histogram_quantile(&pair.rtt, 0.5) / 1000),
	    (unsigned long long)(histogram_quantile(&pair.rtt, 0.99) / 1000),
	    (unsigned long long)(pair.rtt.max_ns / 1000));
	pair.sent = pair.received = 0;
	memset(&pair.rtt, 0, sizeof pair.rtt);
}

static void
run_line(const char *line)
{
	char name[16] = "";
	unsigned a = 0, b = 0;
	const int n = sscanf(line, "%15s %u %u", name, &a, &b);
	const bool sized = a >= CROWD_PACKET_MIN && a <= CROWD_PACKET_MAX;

	if (n == 2 && strcmp(name, "login") == 0)
		cmd_login(a);
	else if (n == 2 && strcmp(name, "burst") == 0 && sized)
		cmd_burst(a);
	else if (n == 2 && strcmp(name, "storm") == 0)
		cmd_storm(a);
	else if (n == 2 && strcmp(name, "leave") == 0)
		cmd_leave(a);
	else if (n == 3 && strcmp(name, "pair") == 0 && a > 0 &&
	    b >= CROWD_PACKET_MIN && b <= CROWD_PACKET_MAX && client_count >= 2)
		cmd_pair(a, b);
	else if (n == 1 && strcmp(name, "mark") == 0)
		cmd_mark();
	else
		say("error bad command: %s", line);
}

static void
set_up(char **argv)
{
	struct sockaddr_in *to = (struct sockaddr_in *)&relay.wire.addr;
	struct epoll_event event = { .events = EPOLLIN,
		.data.u64 = STDIN_MARK };
	struct rlimit files;
	uint64_t port = 0;

	to->sin_family = AF_INET;
	if (inet_pton(AF_INET, argv[1], &to->sin_addr) != 1 ||
	    num_parse_decimal(slice_str(argv[2]), 65535, &port) == -1) {
		fprintf(stderr, "usage: derp-crowd IPV4 PORT [tls]\n");
		exit(2);
	}
	to->sin_port = htons((uint16_t)port);
	relay.wire.addr_len = sizeof *to;
	relay.wire.own_records = true;
	if (argv[3] != NULL && strcmp(argv[3], "tls") == 0)
		relay.wire.tls = wire_tls_context();
	fixed_keys = getenv("DERP_CROWD_FIXED_KEYS") != NULL;
	snprintf(relay.host, sizeof relay.host, "%s:%s", argv[1], argv[2]);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	scratch = wire_scratch_new();
	clients = xcalloc(CLIENTS_MAX, sizeof *clients);
	reader = (struct peer_reader){ .relay = &relay,
		.plain = xcalloc(1, PEER_PLAIN_CAP),
		.frame = take_frame };
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd == -1 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) == -1) {
		perror("derp-crowd: epoll");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	char line[CROWD_LINE];

	if (argc < 3 || sodium_init() == -1) {
		fprintf(stderr, "usage: derp-crowd IPV4 PORT [tls]\n");
		return 2;
	}
	set_up(argv);
	while (!crowd_lines_ended()) {
		turn(pair.on ? 1 : -1);
		send_pair();
		while (crowd_lines_next(line))
			run_line(line);
	}
	return 0;
}
