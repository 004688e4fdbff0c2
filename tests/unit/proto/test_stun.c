/* stun: the reference vectors and every way to be no request of ours. */
#include "vectors.h"

#include "stun.h"

static const uint8_t txid[STUN_TXID] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
	12 };

static struct netaddr
address(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_listen(&a, slice_str(text)), 0);
	return a;
}

static void
stun_request_is_the_vector(void **state)
{
	uint8_t want[64], out[64], got[STUN_TXID];
	size_t n = vector_get("stun.txt", "request", want, sizeof want);
	struct writer w = writer_of(out, sizeof out);

	(void)state;
	check_size(n, STUN_REQUEST);
	stun_request_put(&w, txid);
	check_slice(writer_slice(&w), slice_of(want, n));
	check(stun_request_parse(slice_of(want, n), got));
	check_bytes(got, txid, STUN_TXID);
	w = writer_of(out, STUN_REQUEST - 1);
	stun_request_put(&w, txid);
	check(w.failed);
	check_size(w.n, 0);
}

/* The fingerprint covers every byte, so no bit may differ. */
static void
stun_request_rejects_changes(void **state)
{
	uint8_t request[64], got[STUN_TXID];
	size_t n = vector_get("stun.txt", "request", request, sizeof request);

	(void)state;
	for (size_t len = 0; len < n; len++)
		check(!stun_request_parse(slice_of(request, len), got));
	for (size_t i = 0; i < n; i++)
		for (int bit = 0; bit < 8; bit++) {
			request[i] ^= (uint8_t)(1 << bit);
			check(!stun_request_parse(slice_of(request, n), got));
			request[i] ^= (uint8_t)(1 << bit);
		}
	request[n] = 0;
	check(!stun_request_parse(slice_of(request, n + 1), got));
}

/* RFC 8489 CRC, bit by bit: independent of the table under test. */
static uint32_t
fingerprint(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc =
			    (crc & 1) != 0 ? crc >> 1 ^ 0xedb88320U : crc >> 1;
	}
	return ~crc ^ 0x5354554eU;
}

static void
put_attribute(struct writer *w, uint16_t type, struct slice value)
{
	writer_u16(w, type);
	writer_u16(w, (uint16_t)value.n);
	writer_bytes(w, value.p, value.n);
	while (w->n % 4 != 0)
		writer_u8(w, 0);
}

static void
put_fingerprint(struct writer *w)
{
	uint32_t crc = fingerprint(w->p, w->n);

	writer_u32(w, 0x80280004);
	writer_u32(w, crc);
}

static struct writer
begin(uint8_t *p, size_t cap, uint16_t length)
{
	struct writer w = writer_of(p, cap);

	writer_u16(&w, 1);
	writer_u16(&w, length);
	writer_u32(&w, 0x2112a442);
	writer_bytes(&w, txid, STUN_TXID);
	return w;
}

static void
stun_request_takes_other_attributes(void **state)
{
	uint8_t p[128], got[STUN_TXID];
	struct writer w = begin(p, sizeof p, 0xffff);

	(void)state;
	put_attribute(&w, 0x8022, slice_str("other"));
	put_attribute(&w, 0x8028, slice_str("abc"));
	put_attribute(&w, 0x8022, slice_str("tailnode"));
	put_attribute(&w, 0x0006, slice_str("user7"));
	put_attribute(&w, 0x0024, slice_of(NULL, 0));
	put_fingerprint(&w);
	check(stun_request_parse(writer_slice(&w), got));
	check_bytes(got, txid, STUN_TXID);
}

static void
stun_request_wants_software_and_last_fingerprint(void **state)
{
	uint8_t p[128], got[STUN_TXID];
	struct writer w = begin(p, sizeof p, 0);

	(void)state;
	check(!stun_request_parse(writer_slice(&w), got));
	put_fingerprint(&w);
	check(!stun_request_parse(writer_slice(&w), got));

	w = begin(p, sizeof p, 0);
	put_attribute(&w, 0x8022, slice_str("Tailnode"));
	put_fingerprint(&w);
	check(!stun_request_parse(writer_slice(&w), got));

	w = begin(p, sizeof p, 0);
	put_attribute(&w, 0x8022, slice_str("tailnode"));
	check(!stun_request_parse(writer_slice(&w), got));
	put_fingerprint(&w);
	check(stun_request_parse(writer_slice(&w), got));
	put_attribute(&w, 0x0024, slice_of(NULL, 0));
	check(!stun_request_parse(writer_slice(&w), got));
}

static void
stun_response_is_the_vectors(void **state)
{
	static const struct {
		const char *name, *address;
	} cases[] = {
		{ "response_v4", "203.0.113.9:54321" },
		{ "response_v6", "[2001:db8::7]:54321" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct netaddr mapped = address(cases[i].address), got;
		uint8_t want[64], out[64], got_txid[STUN_TXID];
		size_t n =
		    vector_get("stun.txt", cases[i].name, want, sizeof want);
		struct writer w = writer_of(out, sizeof out);
		char text[NETADDR_TEXT];

		stun_response_put(&w, txid, &mapped);
		check_slice(writer_slice(&w), slice_of(want, n));
		check_int(
		    stun_response_parse(slice_of(want, n), got_txid, &got), 0);
		check_bytes(got_txid, txid, STUN_TXID);
		netaddr_format(&got, text);
		check_text(text, cases[i].address);
		for (size_t len = 0; len < n; len++) {
			w = writer_of(out, len);
			stun_response_put(&w, txid, &mapped);
			check(w.failed);
			check_int(stun_response_parse(
				      slice_of(want, len), got_txid, &got),
			    -1);
		}
	}
}

static void
stun_response_unmaps_v4(void **state)
{
	struct netaddr mapped = address("192.0.2.1:1"), got;
	uint8_t out[64], got_txid[STUN_TXID];
	struct writer w = writer_of(out, sizeof out);

	(void)state;
	mapped.is_v4 = false; /* as upstream answers on dual-stack sockets */
	stun_response_put(&w, txid, &mapped);
	check_size(w.n, STUN_RESPONSE_MAX);
	check_int(stun_response_parse(writer_slice(&w), got_txid, &got), 0);
	check(got.is_v4);
	check_int(got.port, 1);
}

static struct writer
begin_response(uint8_t *p, size_t cap, uint16_t length)
{
	struct writer w = begin(p, cap, length);

	p[0] = 1;
	return w;
}

static void
stun_response_prefers_xor_and_ignores_the_rest(void **state)
{
	static const uint8_t plain[] = { 0, 1, 0, 80, 192, 0, 2, 1 };
	static const uint8_t masked[] = { 0, 1, 0xf5, 0x23, 0xea, 0x12, 0xd5,
		0x4b };
	uint8_t p[128], got_txid[STUN_TXID];
	struct netaddr got;
	struct writer w = begin_response(p, sizeof p, 12);
	char text[NETADDR_TEXT];

	(void)state;
	put_attribute(&w, 0x0001, slice_of(plain, 8));
	writer_bytes(&w, "trailing", 8);
	check_int(stun_response_parse(writer_slice(&w), got_txid, &got), 0);
	netaddr_format(&got, text);
	check_text(text, "192.0.2.1:80");

	w = begin_response(p, sizeof p, 32);
	put_attribute(&w, 0x8020, slice_of(masked, 8));
	put_attribute(&w, 0x0001, slice_of(plain, 8));
	put_attribute(&w, 0x8022, slice_str("srv"));
	check_int(stun_response_parse(writer_slice(&w), got_txid, &got), 0);
	netaddr_format(&got, text);
	check_text(text, "203.0.113.9:54321");
}

static void
stun_response_rejects_others(void **state)
{
	static const uint8_t family3[] = { 0, 3, 0, 80, 192, 0, 2, 1 };
	static const uint8_t shorter[] = { 0, 1, 0, 80, 192, 0, 2 };
	static const uint8_t v6_in_v4[] = { 0, 2, 0, 80, 192, 0, 2, 1 };
	uint8_t p[128], got_txid[STUN_TXID];
	struct netaddr got;
	struct writer w = begin_response(p, sizeof p, 0);

	(void)state;
	/* no address at all */
	check_int(stun_response_parse(writer_slice(&w), got_txid, &got), -1);
	/* a request */
	w = begin(p, sizeof p, 12);
	put_attribute(&w, 0x0001, slice_of(family3, 8));
	p[25] = 1;
	check_int(stun_response_parse(writer_slice(&w), got_txid, &got), -1);
	p[0] = 1;
	p[25] = 1;
	check_int(stun_response_parse(writer_slice(&w), got_txid, &got), 0);
	p[25] = 3;
	check_int(stun_response_parse(writer_slice(&w), got_txid, &got), -1);
	w = begin_response(p, sizeof p, 12);
	put_attribute(&w, 0x0020, slice_of(shorter, 7));
	check_int(stun_response_parse(writer_slice(&w), got_txid, &got), -1);
	w = begin_response(p, sizeof p, 12);
	put_attribute(&w, 0x0020, slice_of(v6_in_v4, 8));
	check_int(stun_response_parse(writer_slice(&w), got_txid, &got), -1);
	check(!got.is_set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stun_request_is_the_vector),
		cmocka_unit_test(stun_request_rejects_changes),
		cmocka_unit_test(stun_request_takes_other_attributes),
		cmocka_unit_test(
		    stun_request_wants_software_and_last_fingerprint),
		cmocka_unit_test(stun_response_is_the_vectors),
		cmocka_unit_test(stun_response_unmaps_v4),
		cmocka_unit_test(
		    stun_response_prefers_xor_and_ignores_the_rest),
		cmocka_unit_test(stun_response_rejects_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
