/* fetch_body: any bytes as a gzip body, in pieces of two sizes. What comes of
 * it does not depend on where they are cut, and keeps its maximum. */
#include "fuzz.h"

#include "fetch_body.h"

#define BODY_MAX 4096

/* Decodes in pieces; whether all was taken. */
static bool
decode(struct fetch_body *b, struct slice bytes, size_t piece)
{
	bool more = true;

	fetch_body_init(b, BODY_MAX);
	fetch_body_code(b, slice_str("gzip"));
	while (more && bytes.n > 0) {
		size_t n = bytes.n < piece ? bytes.n : piece;

		more = fetch_body_add(b, slice_of(bytes.p, n));
		bytes = slice_of(bytes.p + n, bytes.n - n);
	}
	return more;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fetch_body whole, parts;
	const bool taken = decode(&whole, slice_of(data, n), n + 1);

	FUZZ_CHECK(decode(&parts, slice_of(data, n), 1) == taken);
	FUZZ_CHECK(buf_len(&whole.text) <= BODY_MAX);
	FUZZ_CHECK(taken || whole.is_bad || whole.is_cut || whole.no_memory);
	/* of a bad one more or less was decoded before that showed */
	FUZZ_CHECK(whole.is_bad ||
	    slice_eq(buf_slice(&whole.text), buf_slice(&parts.text)));
	FUZZ_CHECK((fetch_body_fault(&whole) == NULL) ==
	    (fetch_body_fault(&parts) == NULL));
	fetch_body_clear(&whole);
	fetch_body_clear(&parts);
	return 0;
}
