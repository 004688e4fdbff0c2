/* derp_handshake: the reference vectors, boxes of unauthenticated clients and
 * JSON. */
#include "fake_alloc.h"
#include "vectors.h"

#include "derp_handshake.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define HEX64 "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

struct keys {
	struct derp_private_key client_private, server_private;
	struct derp_key client, server;
};

static struct keys
load_keys(void)
{
	struct keys k = { 0 };

	vector_get("box.txt", "client_private", k.client_private.b, DERP_KEY);
	vector_get("box.txt", "server_private", k.server_private.b, DERP_KEY);
	vector_get("box.txt", "client_public", k.client.b, DERP_KEY);
	vector_get("box.txt", "server_public", k.server.b, DERP_KEY);
	return k;
}

static struct slice
body_of(const uint8_t *frame, size_t n)
{
	return slice_of(frame + DERP_HEADER, n - DERP_HEADER);
}

static void
derp_server_key_both_ways(void **state)
{
	uint8_t frame[64];
	struct writer w = writer_of(frame, sizeof frame);
	struct keys k = load_keys();
	struct derp_key got;

	(void)state;
	derp_server_key_put(&w, &k.server);
	check_size(w.n, 45);
	check_bytes(frame,
	    "\x01\0\0\0\x28"
	    "DERP\xf0\x9f\x94\x91",
	    13);
	check_int(derp_server_key_parse(body_of(frame, 45), &got), 0);
	check(derp_key_eq(&got, &k.server));
	/* extra bytes are for later versions */
	check_int(derp_server_key_parse(body_of(frame, 50), &got), 0);
	check_int(derp_server_key_parse(body_of(frame, 44), &got), -1);
	for (size_t i = 0; i < 8; i++) {
		frame[DERP_HEADER + i] ^= 1;
		check_int(derp_server_key_parse(body_of(frame, 45), &got), -1);
		frame[DERP_HEADER + i] ^= 1;
	}
	w = writer_of(frame, 44);
	derp_server_key_put(&w, &k.server);
	check(w.failed);
	check_size(w.n, 0);
}

static void
derp_client_info_opens_the_vector(void **state)
{
	struct derp_client_info info;
	struct keys k = load_keys();
	struct fail why = { 0 };
	struct derp_session session;
	uint8_t frame[128];
	size_t n = vector_get("box.txt", "client_info", frame, sizeof frame);

	(void)state;
	check_size(n, DERP_HEADER + 104);
	check_int(derp_client_info_open(body_of(frame, n), &k.server_private,
		      &session, &info, &why),
	    0);
	check_text(why.text, "");
	check(derp_key_eq(&session.client, &k.client));
	check_int(info.version, 2);
	check(info.can_ack_pings);
	check(!info.is_prober);
	check_int(sodium_is_zero(info.mesh_key, DERP_KEY), 1);
}

static void
derp_server_info_opens_the_vector(void **state)
{
	struct keys k = load_keys();
	struct fail why = { 0 };
	int64_t version = 0;
	uint8_t frame[64];
	size_t n = vector_get("box.txt", "server_info", frame, sizeof frame);

	(void)state;
	check_int(derp_server_info_open(body_of(frame, n), &k.client_private,
		      &k.server, &version, &why),
	    0);
	check_int(version, 2);
	/* not for another client */
	check_int(derp_server_info_open(body_of(frame, n), &k.server_private,
		      &k.server, &version, &why),
	    -1);
	check_contains(why.text, "cannot open ServerInfo");
}

static void
derp_server_info_is_not_longer_than_a_frame(void **state)
{
	static uint8_t body[24 + (1 << 20) + 1];
	struct keys k = load_keys();
	int64_t version;

	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		struct fail why = { 0 };

		check_int(derp_server_info_open(
			      slice_of(body, sizeof body - 1 + more),
			      &k.client_private, &k.server, &version, &why),
		    -1);
		check_contains(why.text,
		    more == 0 ? "cannot open ServerInfo"
			      : "bad ServerInfo length");
	}
}

/* What we write is as long as what Go writes, and opens to the same text. */
static void
derp_client_info_writes_go_text(void **state)
{
	static const struct {
		struct derp_client_info info;
		const char *text;
	} cases[] = {
		{ { .version = 2, .can_ack_pings = true },
		    "{\"version\":2,\"CanAckPings\":true}" },
		{ { .version = 2, .can_ack_pings = true, .is_prober = true },
		    "{\"version\":2,\"CanAckPings\":true,\"IsProber\":true}" },
		{ { .mesh_key = { 0x01, 0xfe } },
		    "{\"meshKey\":\"01fe0000000000000000000000000000"
		    "00000000000000000000000000000000\",\"CanAckPings\":false"
		    "}" },
	};
	struct keys k = load_keys();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t frame[512], text[256];
		struct writer w = writer_of(frame, sizeof frame);
		size_t len = strlen(cases[i].text);
		const uint8_t *nonce = frame + DERP_HEADER + DERP_KEY;

		check_int(derp_client_info_put(
			      &w, &cases[i].info, &k.client_private, &k.server),
		    0);
		check_size(w.n, DERP_HEADER + 32 + 24 + 16 + len);
		check_int(frame[0], DERP_CLIENT_INFO);
		check_size(bytes_get_u32(frame + 1), w.n - DERP_HEADER);
		check_bytes(frame + DERP_HEADER, k.client.b, DERP_KEY);
		check_int(crypto_box_open_easy(text, nonce + 24, 16 + len,
			      nonce, k.client.b, k.server_private.b),
		    0);
		check_slice_text(slice_of(text, len), cases[i].text);
	}
}

static void
derp_client_info_nonce_is_fresh(void **state)
{
	uint8_t a[128], b[128];
	struct writer wa = writer_of(a, sizeof a);
	struct writer wb = writer_of(b, sizeof b);
	struct derp_client_info info = { .version = 2 };
	struct keys k = load_keys();

	(void)state;
	derp_client_info_put(&wa, &info, &k.client_private, &k.server);
	derp_client_info_put(&wb, &info, &k.client_private, &k.server);
	check(memcmp(a + 37, b + 37, 24) != 0);
}

static void
derp_server_info_both_ways(void **state)
{
	struct derp_session session;
	struct keys k = load_keys();
	struct fail why = { 0 };
	int64_t version = 0;
	uint8_t frame[64];
	struct writer w = writer_of(frame, sizeof frame);

	(void)state;
	check_int(derp_session_init(&session, &k.server_private, &k.client), 0);
	check_int(derp_server_info_put(&w, &session), 0);
	/* {"version":2} and nothing else */
	check_size(w.n, DERP_HEADER + 24 + 16 + 13);
	check_int(frame[0], DERP_SERVER_INFO);
	check_int(derp_server_info_open(body_of(frame, w.n), &k.client_private,
		      &k.server, &version, &why),
	    0);
	check_int(version, 2);
	w = writer_of(frame, 57);
	check_int(derp_server_info_put(&w, &session), -1);
	check_size(w.n, 0);
}

/* What a relay with rate limits says beside its version, and what else may
 * come, does not matter to us; the version is read from among it. */
static void
derp_server_info_may_say_more(void **state)
{
	static const struct {
		const char *json;
		int64_t version;
	} cases[] = {
		{ "{\"version\":2,\"TokenBucketBytesPerSecond\":1048576,"
		  "\"TokenBucketBytesBurst\":2097152}",
		    2 },
		{ "{\"TokenBucketBytesPerSecond\":-1,"
		  "\"TokenBucketBytesBurst\":1e99,\"version\":3}",
		    3 },
		{ "{\"TokenBucketBytesPerSecond\":\"x\",\"new\":"
		  "{\"version\":9}}",
		    0 },
		{ "{}", 0 },
	};
	struct keys k = load_keys();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t body[512] = { 24 /* the nonce */ };
		const size_t n = strlen(cases[i].json);
		struct fail why = { 0 };
		int64_t version = -1;

		check_int(
		    crypto_box_easy(body + 24, (const uint8_t *)cases[i].json,
			n, body, k.client.b, k.server_private.b),
		    0);
		check_int(derp_server_info_open(slice_of(body, 24 + 16 + n),
			      &k.client_private, &k.server, &version, &why),
		    0);
		check_text(why.text, "");
		check_int(version, cases[i].version);
	}
}

/* Every changed or missing byte of the box is seen. */
static void
derp_client_info_rejects_changed_boxes(void **state)
{
	struct derp_client_info info;
	struct keys k = load_keys();
	struct derp_session session;
	uint8_t frame[128];
	size_t n = vector_get("box.txt", "client_info", frame, sizeof frame);
	char want[200], name[DERP_KEY_TEXT];

	(void)state;
	for (size_t i = DERP_HEADER; i < n; i++) {
		struct fail why = { 0 };

		/* bit 7 of the key's last byte is masked by X25519 and
		 * makes another name of the same key */
		if (i == DERP_HEADER + DERP_KEY - 1)
			continue;
		frame[i] ^= 0x80;
		check_int(derp_client_info_open(body_of(frame, n),
			      &k.server_private, &session, &info, &why),
		    -1);
		frame[i] ^= 0x80;
		derp_key_format(&session.client, name);
		snprintf(want, sizeof want,
		    "msgbox: cannot open len=72 with client key %s", name);
		check_text(why.text, want);
	}
	for (size_t len = 0; len < n - DERP_HEADER; len++) {
		struct fail why = { 0 };

		check_int(
		    derp_client_info_open(slice_of(frame + DERP_HEADER, len),
			&k.server_private, &session, &info, &why),
		    -1);
		check_contains(why.text,
		    len < 56 ? "short client info" : "msgbox: cannot open");
	}
}

static void
derp_client_info_rejects_long(void **state)
{
	struct derp_client_info info;
	struct keys k = load_keys();
	struct derp_session session;
	uint8_t *body = calloc(1, 262145);
	struct fail why = { 0 };

	(void)state;
	check(body != NULL);
	check_int(derp_client_info_open(slice_of(body, 262145),
		      &k.server_private, &session, &info, &why),
	    -1);
	check_text(why.text, "long client info");
	why = (struct fail){ 0 };
	check_int(derp_client_info_open(slice_of(body, 262144),
		      &k.server_private, &session, &info, &why),
	    -1);
	check_contains(why.text, "cannot open len=262112");
	free(body);
}

/* The encodings of points of low order: anybody knows the shared secret, so
 * anybody could seal a box for them. All bits of the last byte but the top
 * one count. */
static void
derp_client_info_rejects_low_order_keys(void **state)
{
	static const char *const low_order[] = {
		"00000000000000000000000000000000000000000000000000000000000000"
		"00",
		"01000000000000000000000000000000000000000000000000000000000000"
		"00",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b8"
		"00",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f11"
		"57",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
		"7f",
		"00000000000000000000000000000000000000000000000000000000000000"
		"80",
	};
	static const uint8_t zero[16];
	struct keys k = load_keys();

	(void)state;
	for (size_t i = 0; i < sizeof low_order / sizeof low_order[0]; i++) {
		uint8_t body[32 + 24 + 16 + 2] = { 0 }, known[32];
		struct derp_client_info info;
		struct derp_session session;
		struct fail why = { 0 };

		/* seal it with the secret that everybody knows: HSalsa20 of
		 * the zero point */
		decode_hex(body, DERP_KEY, slice_str(low_order[i]));
		memset(known, 0, sizeof known);
		crypto_core_hsalsa20(known, zero, known, NULL);
		check_int(crypto_box_easy_afternm(body + 56,
			      (const uint8_t *)"{}", 2, body + 32, known),
		    0);
		check_int(derp_client_info_open(slice_of(body, sizeof body),
			      &k.server_private, &session, &info, &why),
		    -1);
		check_contains(why.text, "cannot open len=42");
	}
}

static void
derp_boxes_reject_unusable_keys(void **state)
{
	struct derp_session session;
	struct derp_client_info info = { .version = 2 };
	struct derp_private_key no_private = { { 0 } };
	struct derp_key zero = { { 0 } };
	struct keys k = load_keys();
	uint8_t frame[256];
	struct writer w = writer_of(frame, sizeof frame);

	(void)state;
	check_int(
	    derp_client_info_put(&w, &info, &k.client_private, &zero), -1);
	check_int(derp_client_info_put(&w, &info, &no_private, &k.server), -1);
	check_int(derp_session_init(&session, &k.server_private, &zero), -1);
	check_size(w.n, 0);
	for (size_t cap = 0; cap < DERP_HEADER + 32 + 24 + 16 + 33; cap++) {
		w = writer_of(frame, cap);
		check_int(derp_client_info_put(
			      &w, &info, &k.client_private, &k.server),
		    -1);
		check_size(w.n, 0);
	}
	w = writer_of(frame, DERP_HEADER + 32 + 24 + 16 + 33);
	check_int(
	    derp_client_info_put(&w, &info, &k.client_private, &k.server), 0);
}

static void
derp_client_info_json_is_read_as_go(void **state)
{
	static const struct {
		const char *json;
		int64_t version;
		bool acks, prober, mesh;
	} cases[] = {
		{ "{}", 0, false, false, false },
		{ "null", 0, false, false, false },
		{ " {\n} ", 0, false, false, false },
		{ "{\"version\":2,\"CanAckPings\":true}", 2, true, false,
		    false },
		{ "{\"Version\":2,\"MeshKey\":\"" HEX64 "\"}", 2, false, false,
		    true },
		{ "{\"meshKey\":\"" HEX64
		  "\",\"version\":2,\"CanAckPings\":false,\"IsProber\":true}",
		    2, false, true, true },
		{ "{\"VERSION\":3,\"canackpings\":true,\"isprober\":true}", 3,
		    true, true, false },
		/* the last one wins, in whatever case */
		{ "{\"version\":1,\"VERSION\":2,\"version\":3}", 3, false,
		    false, false },
		{ "{\"version\":3,\"Version\":2}", 2, false, false, false },
		{ "{\"CanAckPings\":true,\"canAckPings\":false}", 0, false,
		    false, false },
		/* null leaves what is there */
		{ "{\"version\":2,\"version\":null,\"CanAckPings\":null}", 2,
		    false, false, false },
		{ "{\"AppName\":\"x\",\"other\":[{\"version\":9}]}", 0, false,
		    false, false },
		{ "{\"AppName\":\"\xff\",\"version\":2}", 2, false, false,
		    false },
		{ "{\"version\":-1}", -1, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct derp_client_info info;
		struct fail why = { 0 };

		if (derp_client_info_parse_json(
			slice_str(cases[i].json), &info, &why) == -1)
			fail_msg("%s: %s", cases[i].json, why.text);
		check_int(info.version, cases[i].version);
		check_int(info.can_ack_pings, cases[i].acks);
		check_int(info.is_prober, cases[i].prober);
		check_int(
		    sodium_is_zero(info.mesh_key, DERP_KEY), !cases[i].mesh);
		if (cases[i].mesh)
			check_bytes(info.mesh_key, "\x01\x23\x45\x67\x89", 5);
	}
}

static void
derp_client_info_json_rejects_as_go(void **state)
{
	static const struct {
		const char *json, *why;
	} cases[] = {
		{ "", "malformed" },
		{ "{", "malformed" },
		{ "{}x", "malformed" },
		{ "{}{}", "malformed" },
		{ "[]", "not an object" },
		{ "\"\"", "not an object" },
		{ "1", "not an object" },
		{ "true", "not an object" },
		{ "{\"meshKey\":\"\"}", "invalid mesh key" },
		{ "{\"meshKey\":null}", "invalid mesh key" },
		{ "{\"meshKey\":1}", "invalid mesh key" },
		{ "{\"meshKey\":\"badf00d\"}", "invalid mesh key" },
		{ "{\"meshKey\":\"" HEX64 "0123\"}", "invalid mesh key" },
		{ "{\"meshKey\":\"" HEX64 "0\"}", "invalid mesh key" },
		{ "{\"meshKey\":\"x123456789abcdef0123456789abcdef"
		  "0123456789abcdef0123456789abcdef\"}",
		    "invalid mesh key" },
		{ "{\"version\":\"2\"}", "version is not an integer" },
		{ "{\"version\":2.5}", "version is not an integer" },
		{ "{\"version\":1e3}", "version is not an integer" },
		{ "{\"version\":9223372036854775808}",
		    "version is not an integer" },
		{ "{\"version\":true}", "version is not an integer" },
		{ "{\"CanAckPings\":1}", "CanAckPings is not a boolean" },
		{ "{\"CanAckPings\":\"true\"}",
		    "CanAckPings is not a boolean" },
		{ "{\"IsProber\":{}}", "IsProber is not a boolean" },
		{ "{\"AppName\":1}", "AppName is not a string" },
		/* an earlier duplicate counts too */
		{ "{\"version\":\"x\",\"version\":2}",
		    "version is not an integer" },
		{ "{\"MESHKEY\":\"\",\"meshKey\":\"" HEX64 "\"}",
		    "invalid mesh key" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct derp_client_info info;
		struct fail why = { 0 };

		if (derp_client_info_parse_json(
			slice_str(cases[i].json), &info, &why) == 0)
			fail_msg("accepted: %s", cases[i].json);
		check_contains(why.text, cases[i].why);
	}
}

static int
open_vector(struct fail *why)
{
	struct derp_client_info info;
	struct keys k = load_keys();
	struct derp_session session;
	uint8_t frame[128];
	size_t n = vector_get("box.txt", "client_info", frame, sizeof frame);

	return derp_client_info_open(
	    body_of(frame, n), &k.server_private, &session, &info, why);
}

static void
derp_client_info_tells_short_memory(void **state)
{
	size_t n = 1;

	(void)state;
	for (;; n++) {
		struct fail why = { 0 };
		int result;

		fake_alloc_fail_at(n);
		result = open_vector(&why);
		if (!fake_alloc_failed()) {
			check_int(result, 0);
			break;
		}
		check_int(result, -1);
		check_text(why.text, "out of memory");
	}
	check(n > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derp_server_key_both_ways),
		cmocka_unit_test(derp_client_info_opens_the_vector),
		cmocka_unit_test(derp_server_info_opens_the_vector),
		cmocka_unit_test(derp_server_info_is_not_longer_than_a_frame),
		cmocka_unit_test(derp_client_info_writes_go_text),
		cmocka_unit_test(derp_client_info_nonce_is_fresh),
		cmocka_unit_test(derp_server_info_both_ways),
		cmocka_unit_test(derp_server_info_may_say_more),
		cmocka_unit_test(derp_client_info_rejects_changed_boxes),
		cmocka_unit_test(derp_client_info_rejects_long),
		cmocka_unit_test(derp_client_info_rejects_low_order_keys),
		cmocka_unit_test(derp_boxes_reject_unusable_keys),
		cmocka_unit_test(derp_client_info_json_is_read_as_go),
		cmocka_unit_test(derp_client_info_json_rejects_as_go),
		cmocka_unit_test(derp_client_info_tells_short_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
