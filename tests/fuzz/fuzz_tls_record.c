/* Records after the handshake. The input begins with [kind of AEAD, length of
 * odd pieces, length of even ones, records per key], where a piece is what
 * comes at once, and goes on with what a client with the right keys seals:
 * [type, length hi, length lo, content]..., so that everything after the tag
 * is reached; a type of 0xff sends bytes as they are. */
#include "fuzz.h"
#include "tls_native.h"

#include <string.h>

#define ROOM (1 << 17)

static uint8_t wire_bytes[ROOM], plain_bytes[ROOM], whole_bytes[ROOM],
    out_bytes[ROOM], out_plain_bytes[ROOM];

/* How the input says that it is to be handed over. */
struct manner {
	struct tls_native_secrets secrets;
	uint8_t piece[2];
};

/* What came of it. */
struct outcome {
	enum tls_status status;
	struct slice plain;
};

static struct manner
read_manner(struct reader *r)
{
	struct manner m = { .secrets = { .client = { 1 }, .server = { 2 } } };

	m.secrets.kind = (enum aead_kind)(reader_u8(r) % 3);
	m.piece[0] = reader_u8(r);
	m.piece[1] = reader_u8(r);
	m.secrets.key_records_max = reader_u8(r);
	return m;
}

/* One record sealed as the client. */
static void
put_record(enum aead_kind kind, struct tls_record_key *k, struct reader *r,
    struct writer *wire)
{
	const uint8_t type = reader_u8(r);
	size_t n = reader_u16(r);
	struct slice bytes;
	struct aead *a;

	if (n > r->rest.n)
		n = r->rest.n;
	bytes = reader_take(r, n);
	if (type == 0xff) {
		writer_bytes(wire, bytes.p, bytes.n);
		return;
	}
	if (n > TLS_RECORD_CONTENT_MAX)
		bytes.n = TLS_RECORD_CONTENT_MAX;
	a = aead_load(AEAD_SEAL, kind, k->key);
	FUZZ_CHECK(a != NULL);
	(void)tls_record_seal(k, a, (enum tls_record_type)type, bytes, wire);
	/* the client follows its own KeyUpdates */
	if (type == TLS_RECORD_HANDSHAKE && bytes.n == 5 && bytes.p[0] == 24)
		(void)tls_record_key_next(k, kind);
}

/* What we sent must be opened by the client's side of our keys. */
static void
check_answers(const struct tls_native_secrets *secrets, struct slice sent)
{
	struct writer plain =
	    writer_of(out_plain_bytes, sizeof out_plain_bytes);
	struct tls_record record;
	struct tls_record_key k;

	FUZZ_CHECK(tls_record_key_set(&k, secrets->kind, secrets->server) == 0);
	while (sent.n > 0) {
		struct aead *a = aead_load(AEAD_OPEN, secrets->kind, k.key);

		FUZZ_CHECK(tls_record_open(&k, a, &sent, &plain, &record) ==
		    TLS_RECORD_OK);
		FUZZ_CHECK(record.type == TLS_RECORD_ALERT ||
		    record.type == TLS_RECORD_HANDSHAKE);
		if (record.type == TLS_RECORD_HANDSHAKE)
			FUZZ_CHECK(tls_record_key_next(&k, secrets->kind) == 0);
	}
}

/* Bytes that come at once: 0 to 127, or as many times 128; 0 is all. */
static size_t
piece_len(uint8_t code, size_t all)
{
	const size_t n = code < 128 ? code : (size_t)(code - 128) * 128;

	return n > 0 && n < all ? n : all;
}

/* Takes the wire in pieces, as a stream does: what was not consumed comes again
 * with more after it. */
static struct outcome
take(const struct manner *m, struct slice wire, uint8_t *plain_room)
{
	struct writer plain = writer_of(plain_room, ROOM);
	struct writer out = writer_of(out_bytes, sizeof out_bytes);
	struct outcome o = { .status = TLS_OPEN };
	struct slice in = slice_of(wire.p, 0);
	struct fail why = { 0 };
	struct tls_native t;

	FUZZ_CHECK(tls_native_start(&t, &m->secrets) == 0);
	for (unsigned i = 0; o.status == TLS_OPEN; i++) {
		const uint8_t *end = in.p + in.n;
		const size_t left = (size_t)(wire.p + wire.n - end);
		size_t before;

		if (left == 0)
			break;
		in.n += piece_len(m->piece[i % 2], left);
		do {
			before = in.n;
			o.status =
			    tls_native_input(&t, &in, &plain, &out, &why);
		} while (in.n < before && o.status == TLS_OPEN);
		/* less than a record stays */
		FUZZ_CHECK(o.status != TLS_OPEN || in.n < TLS_RECORD_MAX);
	}
	o.plain = writer_slice(&plain);
	FUZZ_CHECK(plain.n <= wire.n && !plain.failed && !out.failed);
	FUZZ_CHECK((o.status == TLS_BROKEN) == (why.text[0] != '\0'));
	FUZZ_CHECK(o.status != TLS_EOF || in.n == 0);
	check_answers(&m->secrets, writer_slice(&out));
	FUZZ_CHECK((tls_native_output(&t, slice_str("x"), &out) == -1) ==
	    (o.status == TLS_BROKEN));
	tls_native_wipe(&t);
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct writer wire = writer_of(wire_bytes, sizeof wire_bytes);
	struct reader r = { .rest = slice_of(data, n) };
	struct manner m = read_manner(&r);
	struct outcome pieces, whole;
	struct tls_record_key k;

	FUZZ_CHECK(
	    tls_record_key_set(&k, m.secrets.kind, m.secrets.client) == 0);
	while (r.rest.n > 0 && !r.failed)
		put_record(m.secrets.kind, &k, &r, &wire);
	pieces = take(&m, writer_slice(&wire), plain_bytes);
	/* when we ask for new keys depends on the pieces, and with it how many
	 * KeyUpdates are too many; nothing else does */
	if (m.secrets.key_records_max != 0)
		return 0;
	m.piece[0] = m.piece[1] = 0;
	whole = take(&m, writer_slice(&wire), whole_bytes);
	FUZZ_CHECK(pieces.status == whole.status);
	FUZZ_CHECK(slice_eq(pieces.plain, whole.plain));
	return 0;
}
