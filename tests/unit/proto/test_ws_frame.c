/* ws_frame: heads, masks and Close frames. */
#include "check.h"

#include "ws_frame.h"

/* RFC 6455 section 5.7. */
static const uint8_t masked_hello[] = { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
	0x7f, 0x9f, 0x4d, 0x51, 0x58 };

static void
ws_frame_reads_the_example(void **state)
{
	struct ws_head head;
	uint8_t text[5];

	(void)state;
	for (size_t n = 0; n < 6; n++)
		check_size(ws_head_parse(slice_of(masked_hello, n), &head), 0);
	check_size(
	    ws_head_parse(slice_of(masked_hello, sizeof masked_hello), &head),
	    6);
	check(head.fin && head.masked && !head.reserved);
	check_int(head.opcode, WS_TEXT);
	check_size(head.len, 5);
	ws_unmask(text, masked_hello + 6, 5, head.mask, 0);
	check_slice_text(slice_of(text, 5), "Hello");
}

static void
ws_frame_writes_what_it_reads(void **state)
{
	static const struct {
		size_t n, head;
	} cases[] = { { 0, 2 }, { 125, 2 }, { 126, 4 }, { 65535, 4 },
		{ 65536, 10 }, { (size_t)1 << 40, 10 } };
	uint8_t out[WS_HEAD_MAX];
	struct ws_head head;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const size_t n = ws_head_put(out, WS_BINARY, cases[i].n);

		check_size(n, cases[i].head);
		check_size(ws_head_parse(slice_of(out, n - 1), &head), 0);
		check_size(ws_head_parse(slice_of(out, n), &head), n);
		check_size(head.len, cases[i].n);
		check_int(head.opcode, WS_BINARY);
		check(head.fin && !head.masked && !head.reserved);
	}
}

/* In place, moved down by a few bytes, and in pieces: always the same. */
static void
ws_frame_unmasks_wherever_it_lies(void **state)
{
	static const uint8_t mask[WS_MASK] = { 1, 0x80, 0xff, 0x35 };
	uint8_t plain[300], bytes[320];

	(void)state;
	for (size_t i = 0; i < sizeof plain; i++)
		plain[i] = (uint8_t)(i * 7);
	for (size_t n = 0; n <= sizeof plain; n++)
		for (size_t gap = 0; gap < 20; gap++) {
			const size_t cut = n * gap / 20;

			for (size_t i = 0; i < n; i++)
				bytes[gap + i] = plain[i] ^ mask[i % WS_MASK];
			ws_unmask(bytes, bytes + gap, cut, mask, 0);
			ws_unmask(
			    bytes + cut, bytes + gap + cut, n - cut, mask, cut);
			check_bytes(bytes, plain, n);
		}
}

static void
ws_frame_cuts_long_reasons(void **state)
{
	uint8_t out[2 + WS_CONTROL_MAX];
	struct writer w = writer_of(out, sizeof out);
	char reason[200];

	(void)state;
	ws_close_put(&w, WS_CLOSE_POLICY, slice_str("no"));
	check_slice(writer_slice(&w), slice_of("\x88\x04\x03\xf0no", 6));
	memset(reason, 'x', sizeof reason);
	memcpy(reason + 122, "\xc3\xa4", 2);
	w = writer_of(out, sizeof out);
	ws_close_put(&w, WS_CLOSE_NORMAL, slice_of(reason, sizeof reason));
	check(!w.failed);
	check_size(w.n, 2 + 2 + 122);
	check_int(out[1], 124);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ws_frame_reads_the_example),
		cmocka_unit_test(ws_frame_writes_what_it_reads),
		cmocka_unit_test(ws_frame_unmasks_wherever_it_lies),
		cmocka_unit_test(ws_frame_cuts_long_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
