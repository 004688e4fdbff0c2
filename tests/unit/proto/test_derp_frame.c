/* derp_frame: headers, every limit one below, at and one above, every split. */
#include "check.h"

#include "derp_frame.h"

#include <stdlib.h>

typedef enum derp_cut cut_fn(
    uint8_t *p, size_t n, struct derp_frame *frame, size_t *used);

/* derp_test: the three headers that upstream's test names */
static void
derp_header_codec(void **state)
{
	static const struct {
		struct derp_header h;
		uint8_t wire[DERP_HEADER];
	} cases[] = {
		{ { 0x04, 1024 }, { 4, 0, 0, 4, 0 } },
		{ { 0x06, 0 }, { 6, 0, 0, 0, 0 } },
		{ { 0x05, 0xffffffff }, { 5, 0xff, 0xff, 0xff, 0xff } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t out[DERP_HEADER];
		struct derp_header got;

		derp_header_put(out, cases[i].h);
		check_bytes(out, cases[i].wire, DERP_HEADER);
		got = derp_header_get(cases[i].wire);
		check_int(got.type, cases[i].h.type);
		check_size(got.len, cases[i].h.len);
	}
}

static void
derp_header_write_checks_length_and_room(void **state)
{
	uint8_t out[DERP_HEADER];
	struct writer w = writer_of(out, sizeof out);

	(void)state;
	derp_header_write(&w, DERP_SEND_PACKET, UINT32_MAX);
	check(!w.failed);
	check_bytes(out, "\x04\xff\xff\xff\xff", DERP_HEADER);
	w = writer_of(out, sizeof out);
	derp_header_write(&w, DERP_SEND_PACKET, (size_t)UINT32_MAX + 1);
	check(w.failed);
	w = writer_of(out, DERP_HEADER - 1);
	derp_header_write(&w, DERP_SEND_PACKET, 1);
	check(w.failed);
	check_size(w.n, 0);
}

/* What a cutter says to a header alone with this type and length. */
static enum derp_cut
cut_header(cut_fn *cut, uint8_t type, uint32_t len)
{
	uint8_t wire[DERP_HEADER];
	struct derp_frame frame;
	enum derp_cut got;
	size_t used = 99;

	derp_header_put(wire, (struct derp_header){ type, len });
	got = cut(wire, sizeof wire, &frame, &used);
	check_int(frame.type, type);
	check_size(frame.len, len);
	if (got == DERP_CUT_MORE || got == DERP_CUT_BAD)
		check_size(used, 0);
	else
		check_size(used, DERP_HEADER);
	return got;
}

static void
derp_frame_cut_keeps_the_limits(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t min, max;
	} cases[] = {
		{ DERP_SEND_PACKET, 32, 32 + 65536 },
		{ DERP_NOTE_PREFERRED, 1, 1 },
		{ DERP_FORWARD_PACKET, 64, 64 + 65536 },
		{ DERP_WATCH_CONNS, 0, 0 },
		{ DERP_CLOSE_PEER, 32, 32 },
		{ DERP_PING, 8, 1000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t type = cases[i].type;
		uint32_t min = cases[i].min, max = cases[i].max;

		if (min > 0)
			check_int(cut_header(derp_frame_cut, type, min - 1),
			    DERP_CUT_BAD);
		check_int(cut_header(derp_frame_cut, type, min),
		    min == 0 ? DERP_CUT_FRAME : DERP_CUT_MORE);
		check_int(cut_header(derp_frame_cut, type, max),
		    max == 0 ? DERP_CUT_FRAME : DERP_CUT_MORE);
		check_int(
		    cut_header(derp_frame_cut, type, max + 1), DERP_CUT_BAD);
		check_int(
		    cut_header(derp_frame_cut, type, UINT32_MAX), DERP_CUT_BAD);
	}
	check_size(DERP_MAX_FRAME, DERP_HEADER + 64 + 65536);
}

/* All that a server does not know, its own types and a client's Pong too. */
static void
derp_frame_cut_skips_every_other_type(void **state)
{
	static const uint8_t known[] = { DERP_SEND_PACKET, DERP_NOTE_PREFERRED,
		DERP_FORWARD_PACKET, DERP_WATCH_CONNS, DERP_CLOSE_PEER,
		DERP_PING };

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		if (memchr(known, (int)type, sizeof known) != NULL)
			continue;
		check_int(cut_header(derp_frame_cut, (uint8_t)type, 0),
		    DERP_CUT_SKIP);
		check_int(cut_header(derp_frame_cut, (uint8_t)type, UINT32_MAX),
		    DERP_CUT_SKIP);
	}
}

static void
derp_frame_cut_counts_what_is_skipped(void **state)
{
	uint8_t wire[DERP_HEADER + 20] = { DERP_PONG, 0, 0, 0, 10 };
	struct derp_frame frame;
	size_t used;

	(void)state;
	for (size_t n = DERP_HEADER; n <= sizeof wire; n++) {
		size_t here = n - DERP_HEADER < 10 ? n - DERP_HEADER : 10;

		check_int(
		    derp_frame_cut(wire, n, &frame, &used), DERP_CUT_SKIP);
		check_size(used, DERP_HEADER + here);
		check_size(frame.skip, 10 - here);
	}
	wire[1] = wire[2] = wire[3] = wire[4] = 0xff;
	check_int(
	    derp_frame_cut(wire, sizeof wire, &frame, &used), DERP_CUT_SKIP);
	check_size(used, sizeof wire);
	check_size(frame.skip, UINT32_MAX - 20);
}

/* A session in one buffer, given in every first length: the same frames come
 * out, and nothing before it is whole. */
static void
derp_frame_cut_stands_every_split(void **state)
{
	uint8_t wire[200];
	struct writer w = writer_of(wire, sizeof wire);
	static const uint8_t types[] = { DERP_SEND_PACKET, DERP_PING,
		DERP_NOTE_PREFERRED, DERP_WATCH_CONNS };
	static const uint32_t lens[] = { 40, 8, 1, 0 };
	size_t ends[4], used;
	struct derp_frame frame;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		derp_header_write(&w, types[i], lens[i]);
		for (uint32_t j = 0; j < lens[i]; j++)
			writer_u8(&w, (uint8_t)(i * 50 + j));
		ends[i] = w.n;
	}
	check(!w.failed);
	for (size_t n = 0; n <= w.n; n++) {
		size_t at = 0, i = 0;

		while (derp_frame_cut(wire + at, n - at, &frame, &used) ==
		    DERP_CUT_FRAME) {
			check_int(frame.type, types[i]);
			check_ptr(frame.head, wire + at);
			check_ptr(frame.body.p, wire + at + DERP_HEADER);
			check_size(frame.body.n, lens[i]);
			at += used;
			check_size(at, ends[i]);
			i++;
		}
		check_size(used, 0);
		check(i == 4 || n < ends[i]);
		check(i == 0 || n >= ends[i - 1]);
	}
}

static void
derp_frame_cut_takes_the_largest(void **state)
{
	uint8_t *wire = calloc(1, DERP_MAX_FRAME);
	struct derp_frame frame;
	size_t used;

	(void)state;
	check(wire != NULL);
	derp_header_put(wire,
	    (struct derp_header){
		DERP_FORWARD_PACKET, DERP_MAX_FRAME - DERP_HEADER });
	check_int(derp_frame_cut(wire, DERP_MAX_FRAME - 1, &frame, &used),
	    DERP_CUT_MORE);
	check_int(derp_frame_cut(wire, DERP_MAX_FRAME, &frame, &used),
	    DERP_CUT_FRAME);
	check_size(used, DERP_MAX_FRAME);
	free(wire);
}

static void
derp_frame_cut_login_wants_client_info(void **state)
{
	cut_fn *cut = derp_frame_cut_login;

	(void)state;
	check_int(cut_header(cut, DERP_CLIENT_INFO, 55), DERP_CUT_BAD);
	check_int(cut_header(cut, DERP_CLIENT_INFO, 56), DERP_CUT_MORE);
	check_int(cut_header(cut, DERP_CLIENT_INFO, 262144), DERP_CUT_MORE);
	check_int(cut_header(cut, DERP_CLIENT_INFO, 262145), DERP_CUT_BAD);
	for (unsigned type = 0; type < 256; type++)
		if (type != DERP_CLIENT_INFO)
			check_int(
			    cut_header(cut, (uint8_t)type, 104), DERP_CUT_BAD);
}

static void
derp_frame_cut_login_waits_for_all(void **state)
{
	uint8_t wire[DERP_HEADER + 60] = { DERP_CLIENT_INFO, 0, 0, 0, 57 };
	struct derp_frame frame;
	size_t used;

	(void)state;
	for (size_t n = 0; n < DERP_HEADER + 57; n++) {
		check_int(derp_frame_cut_login(wire, n, &frame, &used),
		    DERP_CUT_MORE);
		check_size(frame.len, n < DERP_HEADER ? 0 : 57);
	}
	check_int(derp_frame_cut_login(wire, sizeof wire, &frame, &used),
	    DERP_CUT_FRAME);
	check_size(used, DERP_HEADER + 57);
	check_size(frame.body.n, 57);
}

static void
derp_frame_cut_client_keeps_the_limits(void **state)
{
	cut_fn *cut = derp_frame_cut_client;
	const uint32_t mib = 1U << 20;

	(void)state;
	check_int(cut_header(cut, DERP_RECV_PACKET, mib), DERP_CUT_MORE);
	check_int(cut_header(cut, DERP_RECV_PACKET, mib + 1), DERP_CUT_BAD);
	check_int(cut_header(cut, DERP_SERVER_INFO, 24 + mib), DERP_CUT_MORE);
	check_int(cut_header(cut, DERP_SERVER_INFO, 25 + mib), DERP_CUT_BAD);
	check_int(cut_header(cut, DERP_KEEP_ALIVE, 0), DERP_CUT_FRAME);
	check_int(cut_header(cut, 0x77, mib), DERP_CUT_SKIP);
	check_int(cut_header(cut, 0x77, mib + 1), DERP_CUT_BAD);
	check_int(cut_header(cut, DERP_SEND_PACKET, 40), DERP_CUT_SKIP);
}

static void
derp_frame_names_types(void **state)
{
	(void)state;
	check_text(derp_frame_name(DERP_SERVER_KEY), "ServerKey");
	check_text(derp_frame_name(DERP_SEND_PACKET), "SendPacket");
	check_text(derp_frame_name(DERP_RESTARTING), "Restarting");
	check_text(derp_frame_name(0x00), "unknown");
	check_text(derp_frame_name(0x0b), "unknown");
	check_text(derp_frame_name(0x1f), "unknown");
	check_text(derp_frame_name(0xff), "unknown");
}

static void
derp_packet_is_disco_by_magic_and_length(void **state)
{
	uint8_t packet[63] = { 0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac };

	(void)state;
	check(!derp_packet_is_disco(slice_of(packet, 61)));
	check(derp_packet_is_disco(slice_of(packet, 62)));
	check(derp_packet_is_disco(slice_of(packet, 63)));
	check(!derp_packet_is_disco(slice_of(NULL, 0)));
	for (size_t i = 0; i < 6; i++) {
		packet[i] ^= 1;
		check(!derp_packet_is_disco(slice_of(packet, 62)));
		packet[i] ^= 1;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derp_header_codec),
		cmocka_unit_test(derp_header_write_checks_length_and_room),
		cmocka_unit_test(derp_frame_cut_keeps_the_limits),
		cmocka_unit_test(derp_frame_cut_skips_every_other_type),
		cmocka_unit_test(derp_frame_cut_counts_what_is_skipped),
		cmocka_unit_test(derp_frame_cut_stands_every_split),
		cmocka_unit_test(derp_frame_cut_takes_the_largest),
		cmocka_unit_test(derp_frame_cut_login_wants_client_info),
		cmocka_unit_test(derp_frame_cut_login_waits_for_all),
		cmocka_unit_test(derp_frame_cut_client_keeps_the_limits),
		cmocka_unit_test(derp_frame_names_types),
		cmocka_unit_test(derp_packet_is_disco_by_magic_and_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
