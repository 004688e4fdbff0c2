/* derp_msg: see derp_msg.h. */
#include "derp_msg.h"

#include <string.h>

/* A frame of up to two parts; all of it or nothing is written. */
static void
put_frame(struct writer *w, enum derp_frame_type type, struct slice first,
    struct slice second)
{
	size_t len = first.n + second.n;

	if (w->failed || w->cap - w->n < DERP_HEADER ||
	    w->cap - w->n - DERP_HEADER < len) {
		w->failed = true;
		return;
	}
	derp_header_write(w, type, len);
	writer_bytes(w, first.p, first.n);
	writer_bytes(w, second.p, second.n);
}

static struct slice
key_slice(const struct derp_key *key)
{
	return slice_of(key->b, DERP_KEY);
}

static int
parse_key_and_rest(struct slice body, struct derp_key *key, struct slice *rest)
{
	struct reader r = { .rest = body };

	reader_copy(&r, key->b, DERP_KEY);
	*rest = reader_take(&r, r.rest.n);
	return r.failed ? -1 : 0;
}

int
derp_send_packet_parse(
    struct slice body, struct derp_key *dst, struct slice *packet)
{
	return parse_key_and_rest(body, dst, packet);
}

void
derp_send_packet_put(
    struct writer *w, const struct derp_key *dst, struct slice packet)
{
	put_frame(w, DERP_SEND_PACKET, key_slice(dst), packet);
}

int
derp_recv_packet_parse(
    struct slice body, struct derp_key *src, struct slice *packet)
{
	return parse_key_and_rest(body, src, packet);
}

void
derp_recv_packet_put(
    struct writer *w, const struct derp_key *src, struct slice packet)
{
	put_frame(w, DERP_RECV_PACKET, key_slice(src), packet);
}

void
derp_send_to_recv(uint8_t *head, const struct derp_key *src)
{
	head[0] = DERP_RECV_PACKET;
	memcpy(head + DERP_HEADER, src->b, DERP_KEY);
}

int
derp_forward_packet_parse(struct slice body, struct derp_key *src,
    struct derp_key *dst, struct slice *packet)
{
	struct slice rest;

	if (parse_key_and_rest(body, src, &rest) == -1)
		return -1;
	return parse_key_and_rest(rest, dst, packet);
}

void
derp_forward_packet_put(struct writer *w, const struct derp_key *src,
    const struct derp_key *dst, struct slice packet)
{
	uint8_t keys[2 * DERP_KEY];

	memcpy(keys, src->b, DERP_KEY);
	memcpy(keys + DERP_KEY, dst->b, DERP_KEY);
	put_frame(w, DERP_FORWARD_PACKET, slice_of(keys, sizeof keys), packet);
}

uint8_t *
derp_forward_to_recv(uint8_t *head)
{
	const struct derp_header h = derp_header_get(head);
	uint8_t *at = head + DERP_KEY;

	memcpy(at + DERP_HEADER, head + DERP_HEADER, DERP_KEY);
	derp_header_put(
	    at, (struct derp_header){ DERP_RECV_PACKET, h.len - DERP_KEY });
	return at;
}

void
derp_keep_alive_put(struct writer *w)
{
	put_frame(w, DERP_KEEP_ALIVE, slice_of(NULL, 0), slice_of(NULL, 0));
}

int
derp_note_preferred_parse(struct slice body, bool *home)
{
	struct reader r = { .rest = body };

	*home = reader_u8(&r) != 0;
	return r.failed || r.rest.n != 0 ? -1 : 0;
}

void
derp_note_preferred_put(struct writer *w, bool home)
{
	uint8_t b = home ? 1 : 0;

	put_frame(w, DERP_NOTE_PREFERRED, slice_of(&b, 1), slice_of(NULL, 0));
}

int
derp_peer_gone_parse(struct slice body, struct derp_key *key, uint8_t *reason)
{
	struct slice rest;
	struct reader r;

	*reason = DERP_GONE_DISCONNECTED;
	if (parse_key_and_rest(body, key, &rest) == -1)
		return -1;
	r = (struct reader){ .rest = rest };
	*reason = reader_u8(&r); /* 0 when it is not there */
	return 0;
}

void
derp_peer_gone_put(
    struct writer *w, const struct derp_key *key, enum derp_gone reason)
{
	uint8_t b = (uint8_t)reason;

	put_frame(w, DERP_PEER_GONE, key_slice(key), slice_of(&b, 1));
}

int
derp_peer_present_parse(struct slice body, struct derp_key *key,
    struct netaddr *addr, uint8_t *flags)
{
	static const uint8_t unknown[16] = { 0 };
	struct reader r = { .rest = body };
	uint8_t ip[16];
	uint16_t port;

	*addr = (struct netaddr){ 0 };
	*flags = 0;
	reader_copy(&r, key->b, DERP_KEY);
	if (r.failed)
		return -1;
	/* older servers send less: what is missing is unknown */
	reader_copy(&r, ip, sizeof ip);
	port = reader_u16(&r);
	if (!r.failed && memcmp(ip, unknown, sizeof ip) != 0)
		netaddr_from_ip16(addr, ip, port);
	*flags = reader_u8(&r);
	return 0;
}

void
derp_peer_present_put(struct writer *w, const struct derp_key *key,
    const struct netaddr *addr, uint8_t flags)
{
	uint8_t b[DERP_PEER_PRESENT_BODY - DERP_KEY] = { 0 };

	if (addr->is_set) {
		memcpy(b, addr->ip, sizeof addr->ip);
		bytes_put_u16(b + 16, addr->port);
	}
	b[18] = flags;
	put_frame(w, DERP_PEER_PRESENT, key_slice(key), slice_of(b, sizeof b));
}

int
derp_ping_parse(struct slice body, uint8_t data[static DERP_PING_DATA])
{
	struct reader r = { .rest = body };

	reader_copy(&r, data, DERP_PING_DATA);
	return r.failed ? -1 : 0;
}

void
derp_ping_put(struct writer *w, const uint8_t data[static DERP_PING_DATA])
{
	put_frame(
	    w, DERP_PING, slice_of(data, DERP_PING_DATA), slice_of(NULL, 0));
}

void
derp_pong_put(struct writer *w, const uint8_t data[static DERP_PING_DATA])
{
	put_frame(
	    w, DERP_PONG, slice_of(data, DERP_PING_DATA), slice_of(NULL, 0));
}

void
derp_health_put(struct writer *w, struct slice text)
{
	put_frame(w, DERP_HEALTH, text, slice_of(NULL, 0));
}

int
derp_restarting_parse(
    struct slice body, uint32_t *reconnect_in_ms, uint32_t *try_for_ms)
{
	struct reader r = { .rest = body };

	*reconnect_in_ms = reader_u32(&r);
	*try_for_ms = reader_u32(&r);
	return r.failed ? -1 : 0;
}

void
derp_restarting_put(
    struct writer *w, uint32_t reconnect_in_ms, uint32_t try_for_ms)
{
	uint8_t b[8];

	bytes_put_u32(b, reconnect_in_ms);
	bytes_put_u32(b + 4, try_for_ms);
	put_frame(w, DERP_RESTARTING, slice_of(b, sizeof b), slice_of(NULL, 0));
}

void
derp_watch_conns_put(struct writer *w)
{
	put_frame(w, DERP_WATCH_CONNS, slice_of(NULL, 0), slice_of(NULL, 0));
}

int
derp_close_peer_parse(struct slice body, struct derp_key *key)
{
	struct slice rest;

	if (parse_key_and_rest(body, key, &rest) == -1 || rest.n != 0)
		return -1;
	return 0;
}

void
derp_close_peer_put(struct writer *w, const struct derp_key *key)
{
	put_frame(w, DERP_CLOSE_PEER, key_slice(key), slice_of(NULL, 0));
}
