/* ws_input: streams out of frames, in pieces of all sizes, and what is not
 * allowed. */
#include "check.h"

#include "ws_input.h"

#include <stdio.h>

enum { FIN = 0x80, RESERVED = 0x40 };

struct sent {
	uint8_t bytes[1 << 17];
	struct writer w;
};

static struct sent sent;

static void
begin(void)
{
	sent.w = writer_of(sent.bytes, sizeof sent.bytes);
}

/* A frame; `first` is its first byte. The mask is another one each time. */
static void
put(unsigned first, struct slice payload)
{
	const uint8_t mask[WS_MASK] = { (uint8_t)sent.w.n, 2, 0xa5, 0xff };

	writer_u8(&sent.w, (uint8_t)first);
	if (payload.n < 126) {
		writer_u8(&sent.w, (uint8_t)(0x80 | payload.n));
	} else {
		writer_u8(&sent.w, 0x80 | 126);
		writer_u16(&sent.w, (uint16_t)payload.n);
	}
	writer_bytes(&sent.w, mask, WS_MASK);
	for (size_t i = 0; i < payload.n; i++)
		writer_u8(&sent.w, payload.p[i] ^ mask[i % WS_MASK]);
	check(!sent.w.failed);
}

static void
put_text(unsigned first, const char *payload)
{
	put(first, slice_str(payload));
}

/* What came out: payloads, and a mark for each event. */
struct got {
	char text[1 << 16];
	size_t n;
	struct ws_input in;
	enum ws_event last;
};

static void
note_event(struct got *got, enum ws_event event)
{
	static const char *const marks[] = { "", "<ping ", "<pong ", "<close",
		"<bad" };

	got->last = event;
	got->n += (size_t)snprintf(got->text + got->n,
	    sizeof got->text - got->n, "%s%.*s>", marks[event],
	    event == WS_EVENT_PING || event == WS_EVENT_PONG
		? got->in.control_len
		: 0,
	    (const char *)got->in.control);
}

/* Reads all that was sent, `step` bytes at a time. */
static struct got *
read_in_steps(size_t step)
{
	static struct got got;
	uint8_t piece[1 << 17];

	got = (struct got){ 0 };
	for (size_t at = 0; at < sent.w.n; at += step) {
		const size_t n = sent.w.n - at < step ? sent.w.n - at : step;
		struct ws_bytes bytes = { piece, piece, piece + n };
		enum ws_event event;

		memcpy(piece, sent.bytes + at, n);
		do {
			const uint8_t *before = bytes.to;

			event = ws_input_next(&got.in, &bytes);
			check(bytes.to <= bytes.from);
			memcpy(got.text + got.n, before,
			    (size_t)(bytes.to - before));
			got.n += (size_t)(bytes.to - before);
			if (event == WS_EVENT_CLOSE || event == WS_EVENT_BAD) {
				note_event(&got, event);
				return &got;
			}
			if (event != WS_EVENT_MORE)
				note_event(&got, event);
		} while (event != WS_EVENT_MORE);
		check(bytes.from == bytes.end);
	}
	return &got;
}

/* It is the same, however it comes. */
static void
check_stream(const char *want)
{
	static const size_t steps[] = { 1, 2, 3, 5, 7, 13, 14, 15, 64,
		1 << 17 };

	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		const struct got *got = read_in_steps(steps[i]);

		check_slice_text(slice_of(got->text, got->n), want);
	}
}

static void
check_bad(unsigned code, const char *why)
{
	check_int(read_in_steps(1)->last, WS_EVENT_BAD);
	check_int(read_in_steps(1 << 17)->last, WS_EVENT_BAD);
	check_int(read_in_steps(3)->in.code, code);
	check_contains(read_in_steps(7)->in.why, why);
}

static void
ws_input_is_a_stream(void **state)
{
	(void)state;
	begin();
	put_text(FIN | WS_BINARY, "one,");
	put_text(FIN | WS_BINARY, "");
	put_text(WS_BINARY, "t");
	put_text(FIN | WS_PING, "now");
	put_text(WS_CONTINUATION, "");
	put_text(WS_CONTINUATION, "w");
	put_text(FIN | WS_PONG, "");
	put_text(FIN | WS_CONTINUATION, "o,");
	put_text(FIN | WS_BINARY, "three");
	put_text(FIN | WS_CLOSE,
	    "\x03\xe8"
	    "bye");
	put_text(FIN | WS_BINARY, "too late");
	check_stream("one,t<ping now>w<pong >o,three<close>");
	check_int(read_in_steps(2)->in.code, 1000);
}

static void
ws_input_takes_long_messages(void **state)
{
	static uint8_t payload[WS_MESSAGE_MAX];
	struct got *got;

	(void)state;
	for (size_t i = 0; i < sizeof payload; i++)
		payload[i] = (uint8_t)(i * 31 >> 3);
	begin();
	put(FIN | WS_BINARY, slice_of(payload, sizeof payload));
	for (size_t step = 1; step < 40000; step = step * 3 + 1) {
		got = read_in_steps(step);
		check_size(got->n, sizeof payload);
		check_bytes(got->text, payload, sizeof payload);
	}
}

static void
ws_input_refuses_what_is_too_much(void **state)
{
	static uint8_t payload[WS_MESSAGE_MAX];

	(void)state;
	begin();
	put(WS_BINARY, slice_of(payload, sizeof payload));
	put_text(WS_CONTINUATION, "x");
	check_bad(WS_CLOSE_TOO_LARGE, "more than 32768 bytes");
	begin(); /* by its head alone; lengths do not wrap around */
	writer_bytes(&sent.w,
	    "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	    "mask",
	    14);
	check_bad(WS_CLOSE_TOO_LARGE, "more than 32768 bytes");
	begin();
	put_text(WS_BINARY, "");
	for (int i = 1; i < WS_FRAGMENTS_MAX; i++)
		put_text(WS_CONTINUATION, "");
	check_stream("");
	put_text(FIN | WS_CONTINUATION, "");
	check_bad(WS_CLOSE_POLICY, "more than 4096 frames");
}

static void
ws_input_refuses_what_is_not_allowed(void **state)
{
	static const struct {
		unsigned first, second, code;
		const char *payload, *next, *why;
	} cases[] = {
		{ FIN | WS_TEXT, 0, 1003, "a", "", "text" },
		{ FIN | RESERVED | WS_BINARY, 0, 1002, "a", "", "reserved" },
		{ FIN | 0x10 | WS_PING, 0, 1002, "a", "", "reserved" },
		{ FIN | 3, 0, 1002, "a", "", "unknown opcode" },
		{ FIN | 11, 0, 1002, "a", "", "unknown opcode" },
		{ WS_PING, 0, 1002, "a", "", "fragmented" },
		{ FIN | WS_CONTINUATION, 0, 1002, "", "", "of nothing" },
		{ WS_BINARY, FIN | WS_BINARY, 1002, "", "b", "inside" },
		{ FIN | WS_CLOSE, 0, 1002, "a", "", "close code" },
		{ FIN | WS_CLOSE, 0, 1002, "\x03\xed", "", "close code" },
		{ FIN | WS_CLOSE, 0, 1002, "\x13\x88", "", "close code" },
		{ FIN | WS_CLOSE, 0, 1007, "\x03\xe8\xc3", "", "UTF-8" },
	};
	static uint8_t long_payload[WS_CONTROL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin();
		put_text(FIN | WS_BINARY, "before");
		put_text(cases[i].first, cases[i].payload);
		if (cases[i].second != 0)
			put_text(cases[i].second, cases[i].next);
		check_bad(cases[i].code, cases[i].why);
	}
	begin();
	put(FIN | WS_PING, slice_of(long_payload, sizeof long_payload));
	check_bad(WS_CLOSE_PROTOCOL_ERROR, "125");
	begin();
	writer_bytes(&sent.w, "\x82\x01x", 3);
	check_bad(WS_CLOSE_PROTOCOL_ERROR, "unmasked");
}

static void
ws_input_knows_close_codes(void **state)
{
	(void)state;
	begin();
	put_text(FIN | WS_CLOSE, "");
	check_stream("<close>");
	check_int(read_in_steps(9)->in.code, 0);
	begin();
	put_text(FIN | WS_CLOSE, "\x0b\xb8");
	check_stream("<close>");
	check_int(read_in_steps(9)->in.code, 3000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ws_input_is_a_stream),
		cmocka_unit_test(ws_input_takes_long_messages),
		cmocka_unit_test(ws_input_refuses_what_is_too_much),
		cmocka_unit_test(ws_input_refuses_what_is_not_allowed),
		cmocka_unit_test(ws_input_knows_close_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
