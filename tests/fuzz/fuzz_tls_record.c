/* Records after the handshake. The input is what a client with the right keys
 * seals: [type, length hi, length lo, content]..., so that everything behind
 * the tag is reached; a type of 0xff sends bytes as they are. */
#include "fuzz.h"
#include "tls_own.h"

#include <string.h>

#define ROOM (1 << 17)

static uint8_t wire_bytes[ROOM], plain_bytes[ROOM], out_bytes[ROOM];

static const struct tls_own_secrets secrets = {
	.kind = AEAD_AES_128_GCM,
	.client = { 1 },
	.server = { 2 },
};

/* One record sealed as the client. */
static void
put_record(struct tls_record_key *k, struct reader *r, struct writer *wire)
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
	a = aead_load(AEAD_SEAL, secrets.kind, k->key);
	FUZZ_CHECK(a != NULL);
	(void)tls_record_seal(k, a, (enum tls_record_type)type, bytes, wire);
	/* the client follows its own KeyUpdates */
	if (type == TLS_RECORD_HANDSHAKE && bytes.n == 5 && bytes.p[0] == 24)
		(void)tls_record_key_next(k, secrets.kind);
}

/* What we sent must be opened by the client's side of our keys. */
static void
check_answers(struct slice sent)
{
	struct writer plain = writer_of(plain_bytes, sizeof plain_bytes);
	struct tls_record record;
	struct tls_record_key k;

	FUZZ_CHECK(tls_record_key_set(&k, secrets.kind, secrets.server) == 0);
	while (sent.n > 0) {
		struct aead *a = aead_load(AEAD_OPEN, secrets.kind, k.key);

		FUZZ_CHECK(tls_record_open(&k, a, &sent, &plain, &record) ==
		    TLS_RECORD_OK);
		FUZZ_CHECK(record.type == TLS_RECORD_ALERT ||
		    record.type == TLS_RECORD_HANDSHAKE);
		if (record.type == TLS_RECORD_HANDSHAKE)
			FUZZ_CHECK(tls_record_key_next(&k, secrets.kind) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct writer wire = writer_of(wire_bytes, sizeof wire_bytes);
	struct writer plain = writer_of(plain_bytes, sizeof plain_bytes);
	struct writer out = writer_of(out_bytes, sizeof out_bytes);
	struct reader r = { .rest = slice_of(data, n) };
	enum tls_status status = TLS_OPEN;
	struct fail why = { 0 };
	struct tls_record_key k;
	struct slice in;
	struct tls_own t;

	FUZZ_CHECK(tls_own_start(&t, &secrets) == 0);
	FUZZ_CHECK(tls_record_key_set(&k, secrets.kind, secrets.client) == 0);
	while (r.rest.n > 0 && !r.failed)
		put_record(&k, &r, &wire);
	in = writer_slice(&wire);
	for (size_t before = in.n + 1; in.n < before && status == TLS_OPEN;) {
		before = in.n;
		status = tls_own_input(&t, &in, &plain, &out, &why);
	}
	FUZZ_CHECK(plain.n <= wire.n && !plain.failed && !out.failed);
	FUZZ_CHECK((status == TLS_BROKEN) == (why.text[0] != '\0'));
	FUZZ_CHECK(status != TLS_EOF || in.n == 0);
	check_answers(writer_slice(&out));
	FUZZ_CHECK((tls_own_output(&t, slice_str("x"), &out) == -1) ==
	    (status == TLS_BROKEN));
	tls_own_wipe(&t);
	return 0;
}
