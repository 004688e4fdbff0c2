/* derp_frame: see derp_frame.h. */
#include "derp_frame.h"

#include <string.h>

/* What clients accept from a server; tailscale derp/derp_client.go. */
#define MAX_FROM_SERVER (1U << 20)
#define MAX_SERVER_INFO (24U + MAX_FROM_SERVER)
#define DISCO_MIN (6 + 32 + 24) /* magic, key, nonce */

/* Which payload lengths a type may have. All zero: a type that is skipped,
 * whatever its length; `known` tells that from "empty only". */
struct limits {
	uint32_t min, max;
	bool known;
};

#define TYPES 32 /* all known types are below */

static const struct limits from_client[TYPES] = {
	[DERP_SEND_PACKET] = { DERP_KEY, DERP_KEY + DERP_MAX_PACKET, true },
	[DERP_NOTE_PREFERRED] = { 1, 1, true },
	[DERP_FORWARD_PACKET] = { 2 * DERP_KEY, 2 * DERP_KEY + DERP_MAX_PACKET,
	    true },
	[DERP_WATCH_CONNS] = { 0, 0, true },
	[DERP_CLOSE_PEER] = { DERP_KEY, DERP_KEY, true },
	[DERP_PING] = { DERP_PING_DATA, DERP_MAX_PING, true },
};

/* A client ignores frames that are shorter than their parts, so there are no
 * minima here: the parsers of derp_msg tell. */
static const struct limits from_server[TYPES] = {
	[DERP_SERVER_KEY] = { 0, MAX_FROM_SERVER, true },
	[DERP_SERVER_INFO] = { 0, MAX_SERVER_INFO, true },
	[DERP_RECV_PACKET] = { 0, MAX_FROM_SERVER, true },
	[DERP_KEEP_ALIVE] = { 0, MAX_FROM_SERVER, true },
	[DERP_PEER_GONE] = { 0, MAX_FROM_SERVER, true },
	[DERP_PEER_PRESENT] = { 0, MAX_FROM_SERVER, true },
	[DERP_FORWARD_PACKET] = { 0, MAX_FROM_SERVER, true },
	[DERP_PING] = { 0, MAX_FROM_SERVER, true },
	[DERP_PONG] = { 0, MAX_FROM_SERVER, true },
	[DERP_HEALTH] = { 0, MAX_FROM_SERVER, true },
	[DERP_RESTARTING] = { 0, MAX_FROM_SERVER, true },
};

void
derp_header_put(uint8_t out[static DERP_HEADER], struct derp_header h)
{
	out[0] = h.type;
	bytes_put_u32(out + 1, h.len);
}

struct derp_header
derp_header_get(const uint8_t in[static DERP_HEADER])
{
	return (struct derp_header){ in[0], bytes_get_u32(in + 1) };
}

void
derp_header_write(struct writer *w, enum derp_frame_type type, size_t len)
{
	uint8_t head[DERP_HEADER];

	if (len > UINT32_MAX) {
		w->failed = true;
		return;
	}
	derp_header_put(
	    head, (struct derp_header){ (uint8_t)type, (uint32_t)len });
	writer_bytes(w, head, sizeof head);
}

/* Reads the header into *frame; false when it is not all there. */
static inline bool
cut_header(uint8_t *p, size_t n, struct derp_frame *frame)
{
	*frame = (struct derp_frame){ .head = p };
	if (n < DERP_HEADER)
		return false;
	frame->type = p[0];
	frame->len = bytes_get_u32(p + 1);
	return true;
}

static inline enum derp_cut
cut_known(uint8_t *p, size_t n, struct derp_frame *frame, size_t *used,
    struct limits limits)
{
	if (frame->len < limits.min || frame->len > limits.max)
		return DERP_CUT_BAD;
	if (n - DERP_HEADER < frame->len)
		return DERP_CUT_MORE;
	frame->body = slice_of(p + DERP_HEADER, frame->len);
	*used = DERP_HEADER + (size_t)frame->len;
	return DERP_CUT_FRAME;
}

static enum derp_cut
cut_skip(size_t n, struct derp_frame *frame, size_t *used)
{
	size_t here = n - DERP_HEADER;

	if (here > frame->len)
		here = frame->len;
	frame->skip = frame->len - (uint32_t)here;
	*used = DERP_HEADER + here;
	return DERP_CUT_SKIP;
}

enum derp_cut
derp_frame_cut(uint8_t *p, size_t n, struct derp_frame *frame, size_t *used)
{
	*used = 0;
	if (!cut_header(p, n, frame))
		return DERP_CUT_MORE;
	if (frame->type < TYPES && from_client[frame->type].known)
		return cut_known(p, n, frame, used, from_client[frame->type]);
	return cut_skip(n, frame, used);
}

enum derp_cut
derp_frame_cut_login(
    uint8_t *p, size_t n, struct derp_frame *frame, size_t *used)
{
	static const struct limits limits = { DERP_MIN_CLIENT_INFO,
		DERP_MAX_CLIENT_INFO, true };

	*used = 0;
	if (!cut_header(p, n, frame))
		return DERP_CUT_MORE;
	if (frame->type != DERP_CLIENT_INFO)
		return DERP_CUT_BAD;
	return cut_known(p, n, frame, used, limits);
}

enum derp_cut
derp_frame_cut_client(
    uint8_t *p, size_t n, struct derp_frame *frame, size_t *used)
{
	*used = 0;
	if (!cut_header(p, n, frame))
		return DERP_CUT_MORE;
	if (frame->type < TYPES && from_server[frame->type].known)
		return cut_known(p, n, frame, used, from_server[frame->type]);
	if (frame->len > MAX_FROM_SERVER)
		return DERP_CUT_BAD;
	return cut_skip(n, frame, used);
}

enum derp_cut
derp_frame_cut_mesh(
    uint8_t *p, size_t n, struct derp_frame *frame, size_t *used)
{
	static const struct limits limits = { DERP_KEY, DERP_MAX_PRESENCE,
		true };

	*used = 0;
	if (!cut_header(p, n, frame))
		return DERP_CUT_MORE;
	if (frame->type == DERP_PEER_PRESENT || frame->type == DERP_PEER_GONE)
		return cut_known(p, n, frame, used, limits);
	return cut_skip(n, frame, used);
}

const char *
derp_frame_name(uint8_t type)
{
	static const char *const names[TYPES] = {
		[DERP_SERVER_KEY] = "ServerKey",
		[DERP_CLIENT_INFO] = "ClientInfo",
		[DERP_SERVER_INFO] = "ServerInfo",
		[DERP_SEND_PACKET] = "SendPacket",
		[DERP_RECV_PACKET] = "RecvPacket",
		[DERP_KEEP_ALIVE] = "KeepAlive",
		[DERP_NOTE_PREFERRED] = "NotePreferred",
		[DERP_PEER_GONE] = "PeerGone",
		[DERP_PEER_PRESENT] = "PeerPresent",
		[DERP_FORWARD_PACKET] = "ForwardPacket",
		[DERP_WATCH_CONNS] = "WatchConns",
		[DERP_CLOSE_PEER] = "ClosePeer",
		[DERP_PING] = "Ping",
		[DERP_PONG] = "Pong",
		[DERP_HEALTH] = "Health",
		[DERP_RESTARTING] = "Restarting",
	};

	if (type >= TYPES || names[type] == NULL)
		return "unknown";
	return names[type];
}

bool
derp_packet_is_disco(struct slice packet)
{
	static const uint8_t magic[6] = { 0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac };

	return packet.n >= DISCO_MIN &&
	    memcmp(packet.p, magic, sizeof magic) == 0;
}
