/* peer: see peer.h. */
#include "peer.h"

#include "derp_frame.h"
#include "encode.h"
#include "xalloc.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 128 /* bytes of a packet printed as they are */

struct peer *peers[PEERS_MAX];
size_t peer_count;

void
event(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

struct peer *
peer_find(const char *name)
{
	for (size_t i = 0; i < peer_count; i++) {
		if (strcmp(peers[i]->name, name) == 0)
			return peers[i];
	}
	return NULL;
}

struct peer *
peer_make(const char *name)
{
	struct peer *p = peer_find(name);

	if (p != NULL)
		return p;
	if (peer_count == PEERS_MAX) {
		fprintf(stderr, "derp-peer: too many clients\n");
		exit(2);
	}
	p = xcalloc(1, sizeof *p);
	p->name = xstrdup(name);
	derp_private_key_generate(&p->private_key);
	derp_private_key_public(&p->private_key, &p->key);
	peers[peer_count++] = p;
	return p;
}

/* A key as the name of one of our clients, or as text. */
static const char *
name_of(const struct derp_key *key, char text[static DERP_KEY_TEXT])
{
	for (size_t i = 0; i < peer_count; i++) {
		if (derp_key_eq(&peers[i]->key, key))
			return peers[i]->name;
	}
	derp_key_format(key, text);
	return text;
}

int
peer_key_of(const char *word, struct derp_key *key)
{
	const struct peer *p = peer_find(word);

	if (p == NULL)
		return derp_key_parse(key, slice_str(word));
	*key = p->key;
	return 0;
}

void
peer_drop(struct peer *p, const char *reason)
{
	derp_client_free(p->client);
	p->client = NULL;
	p->up = p->paused = false;
	event("closed %s %s", p->name, reason);
}

static void
number_check(struct tally *t, struct slice packet)
{
	struct reader r = { .rest = packet };
	const uint64_t high = reader_u32(&r);
	const uint64_t number = high << 32 | reader_u32(&r);

	if (derp_packet_is_disco(packet)) {
		t->disco++;
		return;
	}
	if (t->packets == 0)
		t->first = number;
	else if (number <= t->last)
		t->disorder++;
	if (r.failed)
		t->corrupt++;
	for (size_t i = 8; !r.failed && r.rest.n > 0; i++) {
		if (reader_u8(&r) != (uint8_t)(number + i)) {
			t->corrupt++;
			break;
		}
	}
	t->packets++;
	t->last = number;
}

static void
show_packet(struct peer *p, struct slice body)
{
	char key_text[DERP_KEY_TEXT], hex[2 * SHOWN_MAX + 1];
	uint8_t digest[crypto_hash_sha256_BYTES];
	struct derp_key src;
	struct slice packet;

	if (derp_recv_packet_parse(body, &src, &packet) == -1) {
		event("error bad RecvPacket for %s", p->name);
		return;
	}
	if (p->counting) {
		number_check(&p->tally, packet);
		return;
	}
	if (packet.n <= SHOWN_MAX) {
		encode_hex(hex, packet);
		event("recv %s %s %zu %s", p->name, name_of(&src, key_text),
		    packet.n, hex);
		return;
	}
	crypto_hash_sha256(digest, packet.p, packet.n);
	encode_hex(hex, slice_of(digest, sizeof digest));
	event("recv %s %s %zu sha256:%s", p->name, name_of(&src, key_text),
	    packet.n, hex);
}

static void
show_gone(struct peer *p, struct slice body)
{
	char text[DERP_KEY_TEXT];
	struct derp_key key;
	uint8_t reason;

	if (derp_peer_gone_parse(body, &key, &reason) == -1 || body.n != 33) {
		event("error bad PeerGone for %s", p->name);
		return;
	}
	event("gone %s %s %u", p->name, name_of(&key, text), reason);
}

static void
show_present(struct peer *p, struct slice body)
{
	char text[DERP_KEY_TEXT];
	struct netaddr addr;
	struct derp_key key;
	uint8_t flags;

	if (derp_peer_present_parse(body, &key, &addr, &flags) == 0)
		event("present %s %s %u", p->name, name_of(&key, text), flags);
}

static void
show_frame(struct peer *p, const struct derp_frame *frame)
{
	const struct derp_client_state state = derp_client_state(p->client);
	uint8_t data[DERP_PING_DATA];
	char hex[2 * DERP_PING_DATA + 1];
	uint32_t in_ms, for_ms;

	switch (frame->type) {
	case DERP_SERVER_INFO:
		p->up = true;
		event("up %s %lld", p->name, (long long)state.version);
		break;
	case DERP_RECV_PACKET:
		show_packet(p, frame->body);
		break;
	case DERP_PEER_GONE:
		show_gone(p, frame->body);
		break;
	case DERP_PEER_PRESENT:
		show_present(p, frame->body);
		break;
	case DERP_PING:
	case DERP_PONG:
		if (derp_ping_parse(frame->body, data) == -1)
			break;
		encode_hex(hex, slice_of(data, sizeof data));
		event("%s %s %s", frame->type == DERP_PING ? "ping" : "pong",
		    p->name, hex);
		break;
	case DERP_KEEP_ALIVE:
		event("keepalive %s", p->name);
		break;
	case DERP_HEALTH:
		event("health %s", p->name);
		break;
	case DERP_RESTARTING:
		if (derp_restarting_parse(frame->body, &in_ms, &for_ms) == 0)
			event("restarting %s %u %u", p->name, in_ms, for_ms);
		break;
	case DERP_SERVER_KEY:
		event("greeted %s", p->name);
		break;
	default:
		event("frame %s %u %u", p->name, frame->type, frame->len);
	}
}

/* Shows everything that is there. */
void
peer_drain(struct peer *p)
{
	struct derp_frame frame;
	struct fail why = { 0 };

	while (p->client != NULL && !p->paused) {
		switch (derp_client_recv(p->client, &frame, 0, &why)) {
		case DERP_CLIENT_FRAME:
			show_frame(p, &frame);
			break;
		case DERP_CLIENT_TIMEOUT:
			return;
		case DERP_CLIENT_EOF:
			peer_drop(p, "eof");
			return;
		case DERP_CLIENT_FAILED:
			peer_drop(p, why.text);
			return;
		}
	}
}
