/*
 * derp-peer: many DERP clients, driven by lines on standard input.
 *
 * For the scenarios and the demo. One command per line, words separated by
 * blanks; events are printed one per line as they happen. A client keeps its
 * name and key when its connection ends, and may connect again.
 *
 *   key NAME [privkey:HEX]          -> key NAME nodekey:HEX
 *   connect NAME HOST PORT [OPTION...]
 *     tls insecure fast prober pin=HEX ca=FILE sni=NAME name=NAME mesh=HEX
 *     server=HEX ideal=NODE rcvbuf=BYTES until=dial|upgrade timeout=MS
 *     -> dialed NAME VERSION CERTS META, upgraded NAME STATUS SERVER, then
 *        up NAME VERSION when ServerInfo comes; or failed NAME STEP REASON
 *   send NAME DST HEX               DST is a client's name or nodekey:HEX
 *   flood NAME DST COUNT SIZE [US]  numbered packets, one every US at most
 *   frame NAME TYPE HEX|- [LENGTH]  LENGTH is announced instead of the true
 *   raw NAME HEX                    bytes as they are
 *   pause NAME, resume NAME         stops and goes on reading
 *   count NAME, stats NAME          counts numbered packets instead of
 *                                   printing them -> stats NAME packets=N ...
 *   end NAME, close NAME            half-close; close
 *   stun HOST PORT                  -> stun ADDRESS or stun - REASON
 *   mark WORD                       -> mark WORD
 *
 * Events of a connection: recv NAME SRC LENGTH HEX|sha256:HEX, gone NAME KEY
 * REASON, pong/ping NAME HEX, keepalive NAME, present NAME KEY FLAGS, health
 * NAME, restarting NAME MS MS, closed NAME REASON. Whatever cannot be done is
 * answered by: error TEXT.
 */
#include "buf.h"
#include "clock.h"
#include "encode.h"
#include "num.h"
#include "peer.h"
#include "stun.h"
#include "xalloc.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 24
#define LINE_MAX_BYTES (4 << 20)
#define TIMEOUT_MS 10000

struct words {
	char *v[WORDS_MAX];
	size_t n;
};

static void serve(int timeout_ms, struct buf *input);

static uint64_t
number_of(const char *word)
{
	uint64_t n;

	if (num_parse_decimal(slice_str(word), UINT64_MAX, &n) == -1) {
		event("error not a number: %s", word);
		return 0;
	}
	return n;
}

/* Bytes of a hex word. Returns owned. */
static uint8_t *
bytes_of(const char *hex, size_t *n)
{
	uint8_t *p = xcalloc(strlen(hex) / 2 + 1, 1);

	*n = strlen(hex) / 2;
	if (decode_hex(p, *n, slice_str(hex)) == -1) {
		event("error not hex: %.40s", hex);
		*n = 0;
	}
	return p;
}

static void
write_all(struct peer *p, struct slice bytes)
{
	struct fail why = { 0 };

	if (p->client != NULL &&
	    derp_client_write(p->client, bytes, TIMEOUT_MS, &why) == -1)
		peer_drop(p, why.text);
}

/* A numbered packet: the number, then bytes that follow from it. */
static void
number_put(uint8_t *packet, size_t n, uint64_t number)
{
	bytes_put_u32(packet, (uint32_t)(number >> 32));
	bytes_put_u32(packet + 4, (uint32_t)number);
	for (size_t i = 8; i < n; i++)
		packet[i] = (uint8_t)(number + i);
}

struct connect_plan {
	struct derp_client_config config;
	struct derp_key server;
	unsigned timeout_ms;
	const char *until; /* "dial", "upgrade" or "" */
};

static const char *
value_of(const char *word, const char *name)
{
	const size_t n = strlen(name);

	if (strncmp(word, name, n) != 0 || word[n] != '=')
		return NULL;
	return word + n + 1;
}

static void
read_flag(struct connect_plan *plan, const char *word)
{
	struct derp_client_config *c = &plan->config;

	if (strcmp(word, "tls") == 0)
		c->dial.tls = true;
	else if (strcmp(word, "insecure") == 0)
		c->dial.trust = DIAL_INSECURE;
	else if (strcmp(word, "fast") == 0)
		c->fast_start = true;
	else if (strcmp(word, "prober") == 0)
		c->info.is_prober = true;
	else
		event("error unknown option: %s", word);
}

static void
read_option(struct connect_plan *plan, const char *word)
{
	struct derp_client_config *c = &plan->config;
	const char *v;

	if ((v = value_of(word, "pin")) != NULL) {
		c->dial.trust = DIAL_PIN;
		c->dial.pin = v;
	} else if ((v = value_of(word, "ca")) != NULL) {
		c->dial.ca_file = v;
	} else if ((v = value_of(word, "sni")) != NULL) {
		c->dial.sni = v;
	} else if ((v = value_of(word, "name")) != NULL) {
		c->dial.hostname = v;
	} else if ((v = value_of(word, "ideal")) != NULL) {
		c->ideal_node = v;
	} else if ((v = value_of(word, "until")) != NULL) {
		plan->until = v;
	} else if ((v = value_of(word, "rcvbuf")) != NULL) {
		c->dial.receive_buffer = (int)number_of(v);
	} else if ((v = value_of(word, "timeout")) != NULL) {
		plan->timeout_ms = (unsigned)number_of(v);
	} else if ((v = value_of(word, "mesh")) != NULL) {
		if (derp_mesh_key_parse(c->info.mesh_key, slice_str(v)) == -1)
			event("error bad mesh key");
	} else if ((v = value_of(word, "server")) != NULL) {
		if (derp_key_parse_hex(&plan->server, slice_str(v)) == -1)
			event("error bad server key");
		c->server = &plan->server;
	} else {
		read_flag(plan, word);
	}
}

static void
show_dialed(const struct peer *p)
{
	const struct derp_client_state s = derp_client_state(p->client);
	char meta[DERP_KEY_HEX_TEXT] = "-";

	if (s.has_meta)
		derp_key_format_hex(&s.meta_key, meta);
	event("dialed %s %s %u %s", p->name,
	    s.tls_version[0] != '\0' ? s.tls_version : "plain", s.certs, meta);
}

static void
fail_step(struct peer *p, const char *step, const struct fail *why)
{
	derp_client_free(p->client);
	p->client = NULL;
	event("failed %s %s %s", p->name, step, why->text);
}

static void
run_connect(struct peer *p, const struct connect_plan *plan)
{
	struct derp_client_state s;
	struct fail why = { 0 };
	char hex[DERP_KEY_HEX_TEXT] = "-";

	p->client = derp_client_dial(&plan->config, plan->timeout_ms, &why);
	if (p->client == NULL) {
		fail_step(p, "dial", &why);
		return;
	}
	show_dialed(p);
	if (strcmp(plan->until, "dial") == 0)
		return;
	if (derp_client_upgrade(p->client, plan->timeout_ms, &why) == -1) {
		fail_step(p, "upgrade", &why);
		return;
	}
	s = derp_client_state(p->client);
	derp_key_format_hex(&s.server, hex);
	event("upgraded %s %u %s", p->name, s.http_status, hex);
	if (strcmp(plan->until, "upgrade") == 0)
		return;
	if (derp_client_introduce(p->client, plan->timeout_ms, &why) == -1)
		fail_step(p, "introduce", &why);
	else
		peer_drain(p);
}

static void
cmd_connect(const struct words *w)
{
	struct connect_plan plan = {
		.config.dial = { .address = w->v[2] },
		.config.info = { .version = DERP_PROTOCOL_VERSION,
		    .can_ack_pings = true },
		.timeout_ms = TIMEOUT_MS,
		.until = "",
	};
	struct peer *p = peer_make(w->v[1]);

	if (p->client != NULL) {
		event("error %s is connected", p->name);
		return;
	}
	plan.config.key = &p->private_key;
	plan.config.dial.port = (uint16_t)number_of(w->v[3]);
	for (size_t i = 4; i < w->n; i++)
		read_option(&plan, w->v[i]);
	run_connect(p, &plan);
}

static void
cmd_key(const struct words *w)
{
	struct peer *p = peer_make(w->v[1]);
	char text[DERP_KEY_TEXT];

	if (w->n > 2 &&
	    (derp_private_key_parse(&p->private_key, slice_str(w->v[2])) ==
		    -1 ||
		derp_private_key_public(&p->private_key, &p->key) == -1)) {
		event("error bad private key");
		return;
	}
	derp_key_format(&p->key, text);
	event("key %s %s", p->name, text);
}

static void
cmd_send(const struct words *w)
{
	struct peer *p = peer_find(w->v[1]);
	struct derp_key dst;
	struct fail why = { 0 };
	uint8_t *packet;
	size_t n = 0;

	if (peer_key_of(w->v[2], &dst) == -1) {
		event("error no such destination: %s", w->v[2]);
		return;
	}
	packet = bytes_of(w->n > 3 ? w->v[3] : "", &n);
	if (p->client != NULL &&
	    derp_client_send(
		p->client, &dst, slice_of(packet, n), TIMEOUT_MS, &why) == -1)
		peer_drop(p, why.text);
	free(packet);
}

static void
cmd_flood(const struct words *w)
{
	struct peer *p = peer_find(w->v[1]);
	const uint64_t count = number_of(w->v[3]);
	const size_t size = (size_t)number_of(w->v[4]);
	const uint64_t gap_us = w->n > 5 ? number_of(w->v[5]) : 0;
	static uint8_t packet[DERP_MAX_PACKET];
	struct derp_key dst;
	struct fail why = { 0 };

	if (peer_key_of(w->v[2], &dst) == -1 || size < 8 ||
	    size > sizeof packet) {
		event("error bad flood");
		return;
	}
	for (uint64_t i = 0; i < count && p->client != NULL; i++) {
		number_put(packet, size, i);
		if (derp_client_send(p->client, &dst, slice_of(packet, size),
			TIMEOUT_MS, &why) == -1)
			peer_drop(p, why.text);
		if (gap_us > 0)
			usleep((useconds_t)gap_us);
		serve(0, NULL); /* the receivers may be ours */
	}
}

static void
cmd_frame(const struct words *w)
{
	struct peer *p = peer_find(w->v[1]);
	uint8_t *bytes, head[DERP_HEADER];
	size_t n;
	struct derp_header h = { .type = (uint8_t)strtoul(w->v[2], NULL, 16) };
	struct buf out;

	bytes = bytes_of(strcmp(w->v[3], "-") == 0 ? "" : w->v[3], &n);
	h.len = w->n > 4 ? (uint32_t)number_of(w->v[4]) : (uint32_t)n;
	derp_header_put(head, h);
	buf_init(&out, LINE_MAX_BYTES);
	if (buf_append(&out, head, sizeof head) == 0 &&
	    buf_append(&out, bytes, n) == 0)
		write_all(p, buf_slice(&out));
	buf_clear(&out);
	free(bytes);
}

static void
cmd_raw(const struct words *w)
{
	size_t n;
	uint8_t *bytes = bytes_of(w->v[2], &n);

	write_all(peer_find(w->v[1]), slice_of(bytes, n));
	free(bytes);
}

static void
cmd_pause(const struct words *w)
{
	peer_find(w->v[1])->paused = true;
}

static void
cmd_resume(const struct words *w)
{
	peer_find(w->v[1])->paused = false;
	peer_drain(peer_find(w->v[1]));
}

static void
cmd_count(const struct words *w)
{
	peer_find(w->v[1])->counting = true;
	peer_find(w->v[1])->tally = (struct tally){ 0 };
}

static void
cmd_stats(const struct words *w)
{
	const struct peer *p = peer_find(w->v[1]);
	const struct tally *t = &p->tally;

	event("stats %s packets=%llu first=%llu last=%llu disorder=%llu "
	      "corrupt=%llu disco=%llu",
	    p->name, (unsigned long long)t->packets,
	    (unsigned long long)t->first, (unsigned long long)t->last,
	    (unsigned long long)t->disorder, (unsigned long long)t->corrupt,
	    (unsigned long long)t->disco);
}

static void
cmd_end(const struct words *w)
{
	if (peer_find(w->v[1])->client != NULL)
		derp_client_end(peer_find(w->v[1])->client);
}

static void
cmd_close(const struct words *w)
{
	if (peer_find(w->v[1])->client != NULL)
		peer_drop(peer_find(w->v[1]), "here");
}

static void
cmd_stun(const struct words *w)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	uint8_t out[STUN_REQUEST], in[256], txid[STUN_TXID], got[STUN_TXID];
	struct writer request = writer_of(out, sizeof out);
	struct addrinfo *to = NULL;
	struct netaddr mapped;
	struct pollfd p = { .fd = -1, .events = POLLIN };
	char text[NETADDR_TEXT];
	ssize_t n = -1;

	randombytes_buf(txid, sizeof txid);
	stun_request_put(&request, txid);
	if (getaddrinfo(w->v[1], w->v[2], &hints, &to) == 0) {
		p.fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (sendto(p.fd, out, request.n, 0, to->ai_addr,
			to->ai_addrlen) != -1 &&
		    poll(&p, 1, TIMEOUT_MS) == 1)
			n = recv(p.fd, in, sizeof in, 0);
		freeaddrinfo(to);
	}
	if (p.fd != -1)
		close(p.fd);
	if (n <= 0 ||
	    stun_response_parse(slice_of(in, (size_t)n), got, &mapped) == -1 ||
	    memcmp(got, txid, sizeof txid) != 0) {
		event("stun - no answer");
		return;
	}
	netaddr_format(&mapped, text);
	event("stun %s", text);
}

static void
cmd_mark(const struct words *w)
{
	event("mark %s", w->v[1]);
}

struct command {
	const char *name;
	size_t min_words;
	bool needs_peer; /* the second word names a client that exists */
	void (*run)(const struct words *w);
};

static const struct command commands[] = {
	{ "key", 2, false, cmd_key },
	{ "connect", 4, false, cmd_connect },
	{ "send", 3, true, cmd_send },
	{ "flood", 5, true, cmd_flood },
	{ "frame", 4, true, cmd_frame },
	{ "raw", 3, true, cmd_raw },
	{ "pause", 2, true, cmd_pause },
	{ "resume", 2, true, cmd_resume },
	{ "count", 2, true, cmd_count },
	{ "stats", 2, true, cmd_stats },
	{ "end", 2, true, cmd_end },
	{ "close", 2, true, cmd_close },
	{ "stun", 3, false, cmd_stun },
	{ "mark", 2, false, cmd_mark },
};

static void
run_line(char *line)
{
	struct words w = { .n = 0 };
	char *at = NULL;

	for (char *v = strtok_r(line, " \r", &at); v != NULL && w.n < WORDS_MAX;
	     v = strtok_r(NULL, " \r", &at))
		w.v[w.n++] = v;
	if (w.n == 0)
		return;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, w.v[0]) != 0)
			continue;
		if (w.n < c->min_words ||
		    (c->needs_peer && peer_find(w.v[1]) == NULL))
			event("error bad %s", c->name);
		else
			c->run(&w);
		return;
	}
	event("error unknown command: %s", w.v[0]);
}

/* False at the end of the input. */
static bool
read_commands(struct buf *input)
{
	uint8_t *room = buf_room(input, 65536), *end;
	ssize_t n = room != NULL ? read(STDIN_FILENO, room, 65536) : -1;
	char *line;

	if (n <= 0)
		return n == -1 && errno == EINTR;
	buf_added(input, (size_t)n);
	for (;;) {
		const struct slice all = buf_slice(input);

		end = memchr(all.p, '\n', all.n);
		if (end == NULL)
			return true;
		n = end - all.p;
		line = xcalloc((size_t)n + 1, 1);
		memcpy(line, all.p, (size_t)n);
		buf_consume(input, (size_t)n + 1);
		run_line(line);
		free(line);
	}
}

/* Waits for commands (unless input is NULL) and frames, and handles them.
 * Exits at the end of the input. */
static void
serve(int timeout_ms, struct buf *input)
{
	static struct pollfd fds[PEERS_MAX + 1];
	static struct peer *whose[PEERS_MAX + 1];
	nfds_t n = 1;

	fds[0] = (struct pollfd){ .fd = input != NULL ? STDIN_FILENO : -1,
		.events = POLLIN };
	for (size_t i = 0; i < peer_count; i++) {
		if (peers[i]->client == NULL || peers[i]->paused)
			continue;
		whose[n] = peers[i];
		fds[n++] =
		    (struct pollfd){ .fd = derp_client_fd(peers[i]->client),
			    .events = POLLIN };
	}
	if (poll(fds, n, timeout_ms) <= 0)
		return;
	for (nfds_t i = 1; i < n; i++) {
		if (fds[i].revents != 0)
			peer_drain(whose[i]);
	}
	if (fds[0].revents != 0 && !read_commands(input))
		exit(0);
}

int
main(void)
{
	struct buf input;

	if (sodium_init() == -1)
		return 2;
	buf_init(&input, LINE_MAX_BYTES);
	for (;;)
		serve(-1, &input);
}
