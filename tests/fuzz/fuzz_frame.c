/* The cutters of a byte stream and the parsers of all frame bodies. */
#include "derp_msg.h"
#include "fuzz.h"

#include <string.h>

typedef enum derp_cut cut_fn(
    uint8_t *p, size_t n, struct derp_frame *frame, size_t *used);

static void
parse_packet(struct slice body)
{
	struct derp_key key;
	struct slice packet;

	if (derp_send_packet_parse(body, &key, &packet) == 0) {
		FUZZ_CHECK(packet.n + DERP_KEY == body.n);
		derp_packet_is_disco(packet);
	}
	if (derp_recv_packet_parse(body, &key, &packet) == 0)
		FUZZ_CHECK(packet.n + DERP_KEY == body.n);
}

/* What a mesh peer forwards: rewritten in place, it is the packet alone. */
static void
parse_forward(const struct derp_frame *frame)
{
	struct derp_key src, dst, from;
	struct slice packet, sent;
	uint8_t *head;

	if (derp_forward_packet_parse(frame->body, &src, &dst, &packet) == -1)
		return;
	FUZZ_CHECK(packet.n + 2 * DERP_KEY == frame->body.n);
	head = derp_forward_to_recv(frame->head);
	FUZZ_CHECK(head[0] == DERP_RECV_PACKET);
	FUZZ_CHECK(derp_header_get(head).len == DERP_KEY + packet.n);
	FUZZ_CHECK(derp_recv_packet_parse(
		       slice_of(head + DERP_HEADER, DERP_KEY + packet.n), &from,
		       &sent) == 0);
	FUZZ_CHECK(derp_key_eq(&from, &src) && sent.p == packet.p);
}

/* Every parser must survive every body, whatever the type says. */
static void
parse_all(struct slice body)
{
	uint8_t byte, ping[DERP_PING_DATA];
	uint32_t in_ms, for_ms;
	struct netaddr addr;
	struct derp_key key;
	bool home;

	parse_packet(body);
	derp_note_preferred_parse(body, &home);
	derp_peer_gone_parse(body, &key, &byte);
	if (derp_peer_present_parse(body, &key, &addr, &byte) == 0)
		FUZZ_CHECK(addr.is_set || !addr.is_v4);
	derp_ping_parse(body, ping);
	derp_restarting_parse(body, &in_ms, &for_ms);
	derp_close_peer_parse(body, &key);
}

/* Cuts until the input is used up; a cutter must use what it cuts. */
static void
cut_all(cut_fn *cut, uint8_t *p, size_t n)
{
	struct derp_frame frame;
	size_t used;

	for (;;) {
		enum derp_cut got = cut(p, n, &frame, &used);

		FUZZ_CHECK(used <= n);
		if (got == DERP_CUT_MORE || got == DERP_CUT_BAD) {
			FUZZ_CHECK(used == 0);
			return;
		}
		FUZZ_CHECK(used >= DERP_HEADER);
		if (got == DERP_CUT_FRAME) {
			FUZZ_CHECK(used == DERP_HEADER + (size_t)frame.len);
			FUZZ_CHECK(frame.body.n == frame.len);
			parse_all(frame.body);
			if (cut == derp_frame_cut_mesh)
				FUZZ_CHECK(frame.len <= DERP_MAX_PRESENCE);
			if (frame.type == DERP_FORWARD_PACKET)
				parse_forward(&frame);
		} else {
			FUZZ_CHECK(used - DERP_HEADER + frame.skip ==
			    (size_t)frame.len);
		}
		p += used;
		n -= used;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n + 1);

	if (copy == NULL)
		return 0;
	if (n > 0)
		memcpy(copy, data, n);
	cut_all(derp_frame_cut, copy, n);
	cut_all(derp_frame_cut_login, copy, n);
	cut_all(derp_frame_cut_client, copy, n);
	if (n > 0)
		memcpy(copy, data, n); /* it was rewritten in place */
	cut_all(derp_frame_cut_mesh, copy, n);
	free(copy);
	parse_all(slice_of(data, n));
	return 0;
}
