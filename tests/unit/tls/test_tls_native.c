/* tls_native: what a client may send after the handshake, record by record. */
#include "tls_native.h"

#include "check.h"

#include <assert.h>

static const struct tls_native_secrets secrets = {
	.kind = AEAD_AES_128_GCM,
	.client = { 1 },
	.server = { 2 },
};

static uint8_t wire_bytes[1 << 16], plain_bytes[1 << 17], out_bytes[1 << 16];

struct peer {
	struct tls_native native;
	struct tls_record_key client, server;
	enum tls_status status;
	struct fail why;
};

static void
start(struct peer *p)
{
	*p = (struct peer){ 0 };
	check_int(tls_native_start(&p->native, &secrets), 0);
	check_int(
	    tls_record_key_set(&p->client, secrets.kind, secrets.client), 0);
	check_int(
	    tls_record_key_set(&p->server, secrets.kind, secrets.server), 0);
}

/* The client sends one record; the alert it gets for it, or -1. */
static int
send_record(struct peer *p, unsigned type, const void *content, size_t n)
{
	struct writer wire = writer_of(wire_bytes, sizeof wire_bytes);
	struct writer plain = writer_of(plain_bytes, sizeof plain_bytes);
	struct writer out = writer_of(out_bytes, sizeof out_bytes);
	struct tls_record record;
	struct slice in;

	check_int(tls_record_seal(&p->client,
		      aead_load(AEAD_SEAL, secrets.kind, p->client.key),
		      (enum tls_record_type)type, slice_of(content, n), &wire),
	    0);
	in = writer_slice(&wire);
	p->status = tls_native_input(&p->native, &in, &plain, &out, &p->why);
	if (out.n == 0)
		return -1;
	in = writer_slice(&out);
	check_int(tls_record_open(&p->server,
		      aead_load(AEAD_OPEN, secrets.kind, p->server.key), &in,
		      &plain, &record),
	    TLS_RECORD_OK);
	check_int(record.type, TLS_RECORD_ALERT);
	check_size(record.content.n, 2);
	check_int(record.content.p[0], 2);
	return record.content.p[1];
}

static void
tls_native_refuses_what_may_not_come(void **state)
{
	static const struct {
		unsigned type;
		const char *content;
		size_t n;
		int alert;
	} cases[] = {
		{ 22, "\x04\0\0\1\0", 5, 10 },     /* a ticket */
		{ 22, "\x01", 1, 10 },             /* a ClientHello */
		{ 22, "", 0, 10 },                 /* an empty piece */
		{ 22, "\x18\0\0\2\0", 5, 50 },     /* too long */
		{ 22, "\x18\0\0\1\2", 5, 47 },     /* no such request */
		{ 22, "\x18\0\0\1\0\x18", 6, 10 }, /* after the change */
		{ 21, "\1", 1, 50 },               /* half an alert */
		{ 21, "\1\0\1\0", 4, 50 },         /* two alerts */
		{ 20, "\1", 1, 10 },               /* CCS, protected */
		{ 24, "x", 1, 10 },                /* heartbeat */
	};
	struct peer p;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		start(&p);
		check_int(send_record(
			      &p, cases[i].type, cases[i].content, cases[i].n),
		    cases[i].alert);
		check_int(p.status, TLS_BROKEN);
		check(p.why.text[0] != '\0');
	}
}

static void
tls_native_takes_messages_in_pieces(void **state)
{
	static const char update[] = "\x18\0\0\1\0";
	struct peer p;

	(void)state;
	start(&p);
	for (size_t i = 0; i < 5; i++)
		check_int(send_record(&p, 22, update + i, 1), -1);
	check_int(tls_record_key_next(&p.client, secrets.kind), 0);
	check_int(send_record(&p, 23, "x", 1), -1);
	check_int(p.status, TLS_OPEN);
	check_int(send_record(&p, 22, update, 3), -1);
	/* data within a message */
	check_int(send_record(&p, 23, "x", 1), 10);
}

static void
tls_native_limits_useless_records(void **state)
{
	struct peer p;

	(void)state;
	start(&p);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < TLS_NATIVE_USELESS_MAX; i++)
			check_int(send_record(&p, 23, "", 0), -1);
		check_int(send_record(&p, 23, "x", 1), -1);
	}
	for (unsigned i = 0; i < TLS_NATIVE_USELESS_MAX; i++)
		check_int(send_record(&p, i % 2 == 0 ? 21 : 23, "\1\x5a",
			      i % 2 == 0 ? 2 : 0),
		    -1);
	check_int(send_record(&p, 23, "", 0), 10);
	check_text(p.why.text, "tls: too many non-advancing records");
}

static void
tls_native_receives_alerts(void **state)
{
	struct peer p;

	(void)state;
	start(&p);
	check_int(send_record(&p, 21, "\1\0", 2), -1);
	check_int(p.status, TLS_EOF);
	start(&p);
	check_int(send_record(&p, 21, "\1\x2a", 2), -1); /* the level lies */
	check_int(p.status, TLS_BROKEN);
	check_text(p.why.text, "remote error: tls: bad certificate");
}

/* RFC 8446 §5.5: 2^24.5 records at most, here both sides squared. */
static_assert((uint64_t)TLS_NATIVE_KEY_RECORDS * TLS_NATIVE_KEY_RECORDS <=
	UINT64_C(1) << 49,
    "AES-GCM may not seal so much with one key");

/* Without a wish of the configuration that limit counts: the record after it
 * goes out under the next key, and an old key of the peer's is asked away. */
static void
tls_native_renews_keys_at_the_limit_of_the_rfc(void **state)
{
	struct writer plain = writer_of(plain_bytes, sizeof plain_bytes);
	struct tls_record record;
	struct writer wire;
	struct slice in;
	struct peer p;

	(void)state;
	for (unsigned back = 0; back < 2; back++) {
		start(&p);
		p.native.out.seq = p.server.seq = TLS_NATIVE_KEY_RECORDS - back;
		wire = writer_of(wire_bytes, sizeof wire_bytes);
		check_int(
		    tls_native_output(&p.native, slice_str("x"), &wire), 0);
		check_size(p.native.out.seq,
		    back == 0 ? 1 : (uint64_t)TLS_NATIVE_KEY_RECORDS);
		in = writer_slice(&wire);
		check_int(tls_record_open(&p.server,
			      aead_load(AEAD_OPEN, secrets.kind, p.server.key),
			      &in, &plain, &record),
		    TLS_RECORD_OK);
		check_int(record.type,
		    back == 0 ? TLS_RECORD_HANDSHAKE : TLS_RECORD_DATA);
	}
	start(&p);
	p.native.in.seq = p.client.seq = TLS_NATIVE_KEY_RECORDS - 2;
	check_int(send_record(&p, 23, "x", 1), -1);
	check(!p.native.asked);
	wire = writer_of(wire_bytes, sizeof wire_bytes);
	check_int(tls_record_seal(&p.client,
		      aead_load(AEAD_SEAL, secrets.kind, p.client.key),
		      TLS_RECORD_DATA, slice_str("x"), &wire),
	    0);
	in = writer_slice(&wire);
	wire = writer_of(out_bytes, sizeof out_bytes);
	check_int(
	    tls_native_input(&p.native, &in, &plain, &wire, &p.why), TLS_OPEN);
	check(p.native.asked);
	check_size(wire.n, TLS_RECORD_OVERHEAD + TLS_NATIVE_MESSAGE);
}

static void
tls_native_is_small(void **state)
{
	(void)state;
	check(sizeof(struct tls_native) <= 224);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_native_refuses_what_may_not_come),
		cmocka_unit_test(tls_native_takes_messages_in_pieces),
		cmocka_unit_test(tls_native_limits_useless_records),
		cmocka_unit_test(tls_native_receives_alerts),
		cmocka_unit_test(
		    tls_native_renews_keys_at_the_limit_of_the_rfc),
		cmocka_unit_test(tls_native_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
