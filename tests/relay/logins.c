/*
 * derp-logins: logins without end, all from one address, each with a new key.
 *
 *   derp-logins HOST PORT SOURCE RATE wait|reset
 *
 * SOURCE is the last two bytes of the loopback address 127.1.0.0 that they come
 * from, RATE how many are begun a second. wait: each waits for what the relay
 * says and then closes; reset: each is reset as soon as ClientInfo is sent.
 * Runs until standard input ends, then prints "begun N up N refused N failed N
 * late N": up got ServerInfo, refused were closed by the relay, failed could
 * not connect, late had no answer in LATE_MS. "ready" comes first.
 */
#include "../bench/load_peer.h"

#include "clock.h"
#include "num.h"
#include "xalloc.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS 4096 /* under way at once */
#define EVENTS 512
#define LATE_MS 15000 /* longer than the relay may take */

struct slot {
	struct peer peer;
	uint64_t begun_ms;
	uint32_t watched; /* events asked for; 0: not watched */
};

static struct relay relay;
static struct wire_scratch *scratch;
static struct peer_reader reader;
static int epoll_fd;
static struct slot *slots; /* SLOTS */
static uint32_t source;
static bool reset;
static unsigned long begun, up, refused, failed, late;

static void
watch(struct slot *s)
{
	const uint32_t wanted = peer_wants(&s->peer);
	struct epoll_event event = { .events = wanted, .data.ptr = s };
	const int op = s->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (s->watched == wanted)
		return;
	if (epoll_ctl(epoll_fd, op, s->peer.wire.fd, &event) == -1) {
		perror("derp-logins: epoll");
		exit(2);
	}
	s->watched = wanted;
}

static void
hang_up(struct slot *s)
{
	const struct linger now = { .l_onoff = 1 };

	if (reset && s->peer.wire.fd != -1)
		(void)setsockopt(
		    s->peer.wire.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	peer_clear(&s->peer);
	s->watched = 0;
}

static void
begin(struct slot *s)
{
	struct fail why = { 0 };

	peer_init(&s->peer, source);
	s->begun_ms = clock_now_ms();
	begun++;
	if (peer_dial(&s->peer, &relay, scratch, &why) == 0) {
		watch(s);
		return;
	}
	failed++;
	hang_up(s);
}

/* What an event has led to. */
static void
judge(struct slot *s, bool ended, enum peer_state before)
{
	if (ended && before == PEER_ADMITTING)
		refused++;
	else if (ended)
		failed++;
	else if (s->peer.state == PEER_UP)
		up++;
	else if (!reset || s->peer.state != PEER_ADMITTING) {
		watch(s);
		return;
	}
	hang_up(s);
}

static void
turn(int timeout_ms)
{
	struct epoll_event events[EVENTS];
	const int n = epoll_wait(epoll_fd, events, EVENTS, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct slot *s = events[i].data.ptr;
		const enum peer_state before = s->peer.state;
		struct fail why = { 0 };

		if (before == PEER_CLOSED)
			continue;
		judge(s,
		    peer_ready(&s->peer, events[i].events, &reader, &why) == -1,
		    before);
	}
}

/* Begins those that are due in free slots, and gives up the late ones. */
static void
sweep(unsigned long due)
{
	const uint64_t now_ms = clock_now_ms();

	for (struct slot *s = slots; s < slots + SLOTS; s++) {
		if (s->peer.state != PEER_CLOSED &&
		    now_ms - s->begun_ms > LATE_MS) {
			late++;
			hang_up(s);
		}
		if (s->peer.state == PEER_CLOSED && begun < due)
			begin(s);
	}
}

static void
no_frame(void *ctx, struct peer *p, const struct derp_frame *frame)
{
	(void)ctx;
	(void)p;
	(void)frame;
}

static bool
input_ended(void)
{
	struct pollfd fd = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&fd, 1, 0) != 0;
}

static void
run(uint64_t rate)
{
	const uint64_t began_ms = clock_now_ms();

	while (!input_ended()) {
		sweep((clock_now_ms() - began_ms) * rate / 1000);
		turn(1);
	}
}

static int
read_arguments(char **words, uint64_t *rate)
{
	struct sockaddr_in *sa = (struct sockaddr_in *)&relay.wire.addr;
	uint64_t port, from;

	if (num_parse_decimal(slice_str(words[1]), 65535, &port) == -1 ||
	    num_parse_decimal(slice_str(words[2]), 65535, &from) == -1 ||
	    num_parse_decimal(slice_str(words[3]), 100000, rate) == -1 ||
	    inet_pton(AF_INET, words[0], &sa->sin_addr) != 1)
		return -1;
	reset = strcmp(words[4], "reset") == 0;
	sa->sin_family = AF_INET;
	sa->sin_port = htons((uint16_t)port);
	relay.wire.addr_len = sizeof *sa;
	snprintf(relay.host, sizeof relay.host, "%s", words[0]);
	source = (uint32_t)from;
	return reset || strcmp(words[4], "wait") == 0 ? 0 : -1;
}

int
main(int argc, char **argv)
{
	uint64_t rate;

	if (argc != 6 || read_arguments(argv + 1, &rate) == -1) {
		fputs("usage: derp-logins HOST PORT SOURCE RATE wait|reset\n",
		    stderr);
		return 2;
	}
	if (sodium_init() == -1)
		return 2;
	scratch = wire_scratch_new();
	reader = (struct peer_reader){ .relay = &relay,
		.plain = xcalloc(1, PEER_PLAIN_CAP),
		.frame = no_frame };
	slots = xcalloc(SLOTS, sizeof *slots);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < SLOTS; i++)
		peer_init(&slots[i].peer, source);
	puts("ready");
	fflush(stdout);
	run(rate);
	printf("begun %lu up %lu refused %lu failed %lu late %lu\n", begun, up,
	    refused, failed, late);
	for (size_t i = 0; i < SLOTS; i++)
		hang_up(&slots[i]);
	free(slots);
	free(reader.plain);
	wire_scratch_free(scratch);
	close(epoll_fd);
	return 0;
}
