/* derp_msg: each body both ways, byte for byte, and what is too short. */
#include "check.h"

#include "derp_msg.h"

static const struct derp_key key = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
    32 } };

/* The frame in w has this type and length; returns its body. */
static struct slice
body_of(const struct writer *w, uint8_t type, size_t len)
{
	check(!w->failed);
	check_size(w->n, DERP_HEADER + len);
	check_int(w->p[0], type);
	check_size(bytes_get_u32(w->p + 1), len);
	return slice_of(w->p + DERP_HEADER, len);
}

static void
derp_packets_both_ways(void **state)
{
	uint8_t wire[100];
	struct writer w = writer_of(wire, sizeof wire);
	struct derp_key got;
	struct slice packet, body;

	(void)state;
	derp_send_packet_put(&w, &key, slice_str("hello"));
	body = body_of(&w, 0x04, 37);
	check_int(derp_send_packet_parse(body, &got, &packet), 0);
	check(derp_key_eq(&got, &key));
	check_slice_text(packet, "hello");
	check_int(
	    derp_send_packet_parse(slice_of(body.p, 32), &got, &packet), 0);
	check_size(packet.n, 0);
	check_int(
	    derp_send_packet_parse(slice_of(body.p, 31), &got, &packet), -1);

	w = writer_of(wire, sizeof wire);
	derp_recv_packet_put(&w, &key, slice_of(NULL, 0));
	body = body_of(&w, 0x05, 32);
	check_int(derp_recv_packet_parse(body, &got, &packet), 0);
	check(derp_key_eq(&got, &key));
	check_size(packet.n, 0);
	check_int(
	    derp_recv_packet_parse(slice_of(body.p, 31), &got, &packet), -1);
}

static void
derp_send_becomes_recv_in_place(void **state)
{
	static const struct derp_key src = { { 0xaa, 0xbb } };
	uint8_t sent[100], want[100];
	struct writer s = writer_of(sent, sizeof sent);
	struct writer r = writer_of(want, sizeof want);

	(void)state;
	derp_send_packet_put(&s, &key, slice_str("payload"));
	derp_recv_packet_put(&r, &src, slice_str("payload"));
	derp_send_to_recv(sent, &src);
	check_slice(writer_slice(&s), writer_slice(&r));
}

/* A builder that does not fit writes nothing at all. */
static void
derp_builders_fail_whole(void **state)
{
	uint8_t wire[DERP_HEADER + DERP_KEY + 5];

	(void)state;
	for (size_t cap = 0; cap < sizeof wire; cap++) {
		struct writer w = writer_of(wire, cap);

		derp_send_packet_put(&w, &key, slice_str("hello"));
		check(w.failed);
		check_size(w.n, 0);
	}
}

static void
derp_keep_alive_and_watch_conns_are_empty(void **state)
{
	uint8_t wire[10];
	struct writer w = writer_of(wire, sizeof wire);

	(void)state;
	derp_keep_alive_put(&w);
	derp_watch_conns_put(&w);
	check_size(w.n, 10);
	check_bytes(wire, "\x06\0\0\0\0\x10\0\0\0\0", 10);
}

static void
derp_note_preferred_is_one_byte(void **state)
{
	uint8_t wire[12];
	struct writer w = writer_of(wire, sizeof wire);
	bool home = false;

	(void)state;
	derp_note_preferred_put(&w, true);
	derp_note_preferred_put(&w, false);
	check_bytes(wire, "\x07\0\0\0\1\1\x07\0\0\0\1\0", 12);
	check_int(derp_note_preferred_parse(slice_of("\1", 1), &home), 0);
	check(home);
	check_int(derp_note_preferred_parse(slice_of("\0", 1), &home), 0);
	check(!home);
	check_int(derp_note_preferred_parse(slice_of("\xfe", 1), &home), 0);
	check(home);
	check_int(derp_note_preferred_parse(slice_of("", 0), &home), -1);
	check_int(derp_note_preferred_parse(slice_of("\1\1", 2), &home), -1);
}

static void
derp_peer_gone_both_ways(void **state)
{
	uint8_t wire[100], reason;
	struct writer w = writer_of(wire, sizeof wire);
	struct derp_key got;
	struct slice body;

	(void)state;
	derp_peer_gone_put(&w, &key, DERP_GONE_NOT_HERE);
	body = body_of(&w, 0x08, 33);
	check_int(body.p[32], 1);
	check_int(derp_peer_gone_parse(body, &got, &reason), 0);
	check(derp_key_eq(&got, &key));
	check_int(reason, DERP_GONE_NOT_HERE);
	/* old servers send no reason */
	check_int(derp_peer_gone_parse(slice_of(body.p, 32), &got, &reason), 0);
	check_int(reason, DERP_GONE_DISCONNECTED);
	check_int(
	    derp_peer_gone_parse(slice_of(body.p, 31), &got, &reason), -1);
	wire[DERP_HEADER + 32] = 0xf0;
	check_int(derp_peer_gone_parse(body, &got, &reason), 0);
	check_int(reason, 0xf0);
}

static void
derp_peer_present_both_ways(void **state)
{
	uint8_t wire[100], flags;
	struct writer w = writer_of(wire, sizeof wire);
	struct netaddr addr, got_addr;
	struct derp_key got;
	struct slice body;

	(void)state;
	check_int(netaddr_parse_listen(&addr, slice_str("192.0.2.1:8080")), 0);
	derp_peer_present_put(
	    &w, &key, &addr, DERP_PRESENT_MESH | DERP_PRESENT_NOT_IDEAL);
	body = body_of(&w, 0x09, 51);
	check_bytes(body.p + 32,
	    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1\x1f\x90\x0a", 19);
	check_int(derp_peer_present_parse(body, &got, &got_addr, &flags), 0);
	check(derp_key_eq(&got, &key));
	check(got_addr.is_set && got_addr.is_v4);
	check_int(got_addr.port, 8080);
	check_int(flags, 10);
}

static void
derp_peer_present_takes_less(void **state)
{
	uint8_t wire[DERP_PEER_PRESENT_BODY] = { 0 }, flags;
	struct netaddr addr;
	struct derp_key got;

	(void)state;
	wire[32] = 0x20;
	wire[50] = DERP_PRESENT_REGULAR;
	for (size_t n = 0; n <= sizeof wire; n++) {
		int result = derp_peer_present_parse(
		    slice_of(wire, n), &got, &addr, &flags);

		check_int(result, n < 32 ? -1 : 0);
		check_int(addr.is_set, n >= 50);
		check_int(flags, n >= 51 ? DERP_PRESENT_REGULAR : 0);
	}
}

static void
derp_peer_present_knows_no_address(void **state)
{
	static const uint8_t zeros[18] = { 0 };
	uint8_t wire[100], flags;
	struct writer w = writer_of(wire, sizeof wire);
	struct netaddr none = { .port = 99 };
	struct derp_key got;
	struct slice body;

	(void)state;
	derp_peer_present_put(&w, &key, &none, DERP_PRESENT_PROBER);
	body = body_of(&w, 0x09, 51);
	check_bytes(body.p + 32, zeros, 18);
	check_int(derp_peer_present_parse(body, &got, &none, &flags), 0);
	check(!none.is_set);
	check_int(flags, DERP_PRESENT_PROBER);
}

static void
derp_ping_and_pong_carry_eight_bytes(void **state)
{
	uint8_t wire[26], data[DERP_PING_DATA];
	struct writer w = writer_of(wire, sizeof wire);

	(void)state;
	derp_ping_put(&w, (const uint8_t *)"12345678");
	derp_pong_put(&w, (const uint8_t *)"abcdefgh");
	check_bytes(wire,
	    "\x12\0\0\0\x08"
	    "12345678"
	    "\x13\0\0\0\x08"
	    "abcdefgh",
	    26);
	check_int(derp_ping_parse(slice_str("12345678"), data), 0);
	check_bytes(data, "12345678", 8);
	check_int(derp_ping_parse(slice_str("abcdefghextra"), data), 0);
	check_bytes(data, "abcdefgh", 8);
	check_int(derp_ping_parse(slice_str("1234567"), data), -1);
}

/* derp_test: Health "BAD" and empty, Restarting(1 ms, 2 ms) */
static void
derp_health_and_restarting(void **state)
{
	uint8_t wire[32];
	struct writer w = writer_of(wire, sizeof wire);
	uint32_t in_ms, for_ms;

	(void)state;
	derp_health_put(&w, slice_str("BAD"));
	derp_health_put(&w, slice_of(NULL, 0));
	check_size(w.n, 13);
	check_bytes(wire, "\x14\0\0\0\3BAD\x14\0\0\0\0", 13);
	w = writer_of(wire, sizeof wire);
	derp_restarting_put(&w, 1, 2);
	check_bytes(wire, "\x15\0\0\0\x08\0\0\0\1\0\0\0\2", 13);
	check_int(
	    derp_restarting_parse(slice_of(wire + 5, 8), &in_ms, &for_ms), 0);
	check_size(in_ms, 1);
	check_size(for_ms, 2);
	check_int(
	    derp_restarting_parse(slice_of(wire + 5, 9), &in_ms, &for_ms), 0);
	check_int(
	    derp_restarting_parse(slice_of(wire + 5, 7), &in_ms, &for_ms), -1);
}

static void
derp_close_peer_is_a_key(void **state)
{
	uint8_t wire[40];
	struct writer w = writer_of(wire, sizeof wire);
	struct derp_key got;
	struct slice body;

	(void)state;
	derp_close_peer_put(&w, &key);
	body = body_of(&w, 0x11, 32);
	check_int(derp_close_peer_parse(body, &got), 0);
	check(derp_key_eq(&got, &key));
	check_int(derp_close_peer_parse(slice_of(body.p, 31), &got), -1);
	check_int(derp_close_peer_parse(slice_of(body.p, 33), &got), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derp_packets_both_ways),
		cmocka_unit_test(derp_send_becomes_recv_in_place),
		cmocka_unit_test(derp_builders_fail_whole),
		cmocka_unit_test(derp_keep_alive_and_watch_conns_are_empty),
		cmocka_unit_test(derp_note_preferred_is_one_byte),
		cmocka_unit_test(derp_peer_gone_both_ways),
		cmocka_unit_test(derp_peer_present_both_ways),
		cmocka_unit_test(derp_peer_present_takes_less),
		cmocka_unit_test(derp_peer_present_knows_no_address),
		cmocka_unit_test(derp_ping_and_pong_carry_eight_bytes),
		cmocka_unit_test(derp_health_and_restarting),
		cmocka_unit_test(derp_close_peer_is_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
