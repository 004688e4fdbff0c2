/*
 * derp_frame: frame headers, length limits and the cutting of a byte stream.
 *
 * A frame is type:u8, length:u32be, payload. Source: tailscale derp/derp.go.
 * Threads: pure functions.
 */
#ifndef DERPKIT_DERP_FRAME_H
#define DERPKIT_DERP_FRAME_H

#include "derp_key.h"

enum derp_frame_type {
	DERP_SERVER_KEY = 0x01,
	DERP_CLIENT_INFO = 0x02,
	DERP_SERVER_INFO = 0x03,
	DERP_SEND_PACKET = 0x04,
	DERP_RECV_PACKET = 0x05,
	DERP_KEEP_ALIVE = 0x06,
	DERP_NOTE_PREFERRED = 0x07,
	DERP_PEER_GONE = 0x08,
	DERP_PEER_PRESENT = 0x09,
	DERP_FORWARD_PACKET = 0x0a,
	DERP_WATCH_CONNS = 0x10,
	DERP_CLOSE_PEER = 0x11,
	DERP_PING = 0x12,
	DERP_PONG = 0x13,
	DERP_HEALTH = 0x14,
	DERP_RESTARTING = 0x15,
};

#define DERP_HEADER 5                  /* bytes */
#define DERP_MAX_PACKET 65536          /* payload after the key(s) */
#define DERP_MAX_CLIENT_INFO 262144    /* accepted by the server */
#define DERP_MIN_CLIENT_INFO (32 + 24) /* key and nonce */
#define DERP_MAX_PING 1000
#define DERP_PING_DATA 8
#define DERP_PROTOCOL_VERSION 2
/* the largest frame that is ever buffered whole after login: a forwarded
 * packet with its header and two keys */
#define DERP_MAX_FRAME (DERP_HEADER + 2 * DERP_KEY + DERP_MAX_PACKET)

struct derp_header {
	uint8_t type; /* any value, not only those of the enum */
	uint32_t len; /* payload bytes */
};

void derp_header_put(uint8_t out[static DERP_HEADER], struct derp_header h);
struct derp_header derp_header_get(const uint8_t in[static DERP_HEADER]);
/* Appends a header for len bytes of payload. */
void derp_header_write(struct writer *w, enum derp_frame_type type, size_t len);

enum derp_cut {
	DERP_CUT_FRAME, /* *frame is whole */
	DERP_CUT_MORE,  /* not all of it is here yet; nothing consumed. Type and
			   len are set once the header is there, else 0 */
	DERP_CUT_SKIP,  /* a type the server ignores: frame->skip bytes of its
			   payload are still to come and to be thrown away */
	DERP_CUT_BAD,   /* a length that the type does not allow; type and len
			   are set, nothing consumed */
};

struct derp_frame {
	uint8_t type;
	uint8_t *head;     /* the header; the payload follows. Borrowed from the
			      input, writable: frames are rewritten in place */
	struct slice body; /* the payload, borrowed from the input */
	uint32_t skip;     /* only with DERP_CUT_SKIP */
	uint32_t len;      /* payload length as announced */
};

/*
 * Cuts one frame, as a server reads them from a logged-in client, off the
 * front of the n bytes at p. *used says how many bytes were consumed (for
 * DERP_CUT_SKIP: the header and what there is of the payload).
 */
enum derp_cut derp_frame_cut(
    uint8_t *p, size_t n, struct derp_frame *frame, size_t *used);

/*
 * The same for the first frame of a client: it must be a ClientInfo of an
 * allowed length. DERP_CUT_BAD otherwise; frame->type and frame->len then say
 * what came instead. Never DERP_CUT_SKIP.
 */
enum derp_cut derp_frame_cut_login(
    uint8_t *p, size_t n, struct derp_frame *frame, size_t *used);

/* The same for a client: which lengths a server may send (at most 1 MiB,
 * ServerInfo 24 + 1 MiB); unknown types are skipped. */
enum derp_cut derp_frame_cut_client(
    uint8_t *p, size_t n, struct derp_frame *frame, size_t *used);

/* Bytes of the longest PeerPresent or PeerGone that a mesh peer reads whole. */
#define DERP_MAX_PRESENCE 256

/* The same for a relay that watches another one of its mesh: PeerPresent and
 * PeerGone, of at least a key, and at most DERP_MAX_PRESENCE. All else is
 * skipped, whatever its length: nothing of it is wanted, or kept. */
enum derp_cut derp_frame_cut_mesh(
    uint8_t *p, size_t n, struct derp_frame *frame, size_t *used);

/* Name of a type for logs ("SendPacket"), "unknown" for others. */
const char *derp_frame_name(uint8_t type);

/* Whether a packet looks like disco: 62 bytes or more and the magic.
 * Source: tailscale disco/disco.go. */
bool derp_packet_is_disco(struct slice packet);

#endif
