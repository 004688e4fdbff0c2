/* What a WebSocket client sends: the first byte says in what pieces it comes.
 * However that is, the stream is the same, never longer than what came, and the
 * verdict too. */
#include "fuzz.h"
#include "ws_input.h"

#include <string.h>

struct result {
	uint8_t *stream;
	size_t n;
	size_t pings;
	enum ws_event last;
	unsigned code;
};

static void
read_in_steps(struct slice in, size_t step, struct result *r)
{
	struct ws_input input = { 0 };
	struct ws_bytes bytes;
	size_t n;

	for (; in.n > 0 && r->last == WS_EVENT_MORE;
	     in = slice_of(in.p + n, in.n - n)) {
		/* each piece is put behind what is there, as the relay does */
		n = in.n < step ? in.n : step;
		memcpy(r->stream + r->n, in.p, n);
		bytes = (struct ws_bytes){ r->stream + r->n, r->stream + r->n,
			r->stream + r->n + n };
		do {
			r->last = ws_input_next(&input, &bytes);
			FUZZ_CHECK(bytes.to <= bytes.from);
			FUZZ_CHECK(bytes.from <= bytes.end);
			r->pings += r->last == WS_EVENT_PING;
		} while (r->last == WS_EVENT_PING || r->last == WS_EVENT_PONG);
		FUZZ_CHECK(r->last != WS_EVENT_MORE || bytes.from == bytes.end);
		r->n = (size_t)(bytes.to - r->stream);
	}
	r->code = r->last == WS_EVENT_MORE ? 0 : input.code;
	FUZZ_CHECK(r->last != WS_EVENT_BAD || input.why != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const size_t step = n > 0 ? (size_t)data[0] + 1 : 1;
	const struct slice in =
	    n > 0 ? slice_of(data + 1, n - 1) : slice_of(data, 0);
	struct result whole = { .stream = malloc(n + 1) },
		      pieces = { .stream = malloc(n + 1) };

	FUZZ_CHECK(whole.stream != NULL && pieces.stream != NULL);
	read_in_steps(in, n + 1, &whole);
	read_in_steps(in, step, &pieces);
	FUZZ_CHECK(whole.n == pieces.n && whole.pings == pieces.pings);
	FUZZ_CHECK(whole.last == pieces.last && whole.code == pieces.code);
	FUZZ_CHECK(memcmp(whole.stream, pieces.stream, whole.n) == 0);
	free(whole.stream);
	free(pieces.stream);
	return 0;
}
