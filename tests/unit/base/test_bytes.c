/* bytes: slices, readers that fail once, writers that keep their room. */
#include "check.h"

static void
slice_compares(void **state)
{
	const struct slice none = slice_of(NULL, 0);

	(void)state;
	check(slice_eq(slice_str("ab"), slice_of("abc", 2)));
	check(!slice_eq(slice_str("ab"), slice_str("aB")));
	check(!slice_eq(slice_str("ab"), slice_str("abc")));
	check(slice_eq(none, slice_str("")));
	check(slice_is(slice_str("x"), "x"));
	check(!slice_is(slice_of("x\0", 2), "x"));
	check(slice_is(none, ""));
	check(slice_is_nocase(slice_str("DeRp"), "dErP"));
	check(!slice_is_nocase(slice_str("DeRp"), "DER"));
	check(!slice_is_nocase(slice_str("[a"), "{a"));
	check(slice_is_nocase(none, ""));
	check(slice_starts(slice_str("abc"), "ab"));
	check(slice_starts(slice_str("ab"), "ab"));
	check(!slice_starts(slice_str("a"), "ab"));
	check(slice_starts(none, ""));
	check(!slice_starts(none, "a"));
}

static void
slice_trims_and_cuts(void **state)
{
	struct slice head, tail;

	(void)state;
	check_slice_text(slice_trim(slice_str(" \t a b\r\n")), "a b");
	check_size(slice_trim(slice_str(" \r\n")).n, 0);
	check_size(slice_trim(slice_of(NULL, 0)).n, 0);
	check(slice_cut(slice_str("a:b:c"), ':', &head, &tail));
	check_slice_text(head, "a");
	check_slice_text(tail, "b:c");
	check(slice_cut(slice_str(":"), ':', &head, &tail));
	check_size(head.n + tail.n, 0);
	check(!slice_cut(slice_str("abc"), ':', &head, &tail));
	check_slice_text(head, "abc");
	check_size(tail.n, 0);
	check(!slice_cut(slice_of(NULL, 0), ':', &head, &tail));
	/* head and tail may be the slice itself */
	tail = slice_str("a,b");
	check(slice_cut(tail, ',', &head, &tail));
	check_slice_text(tail, "b");
}

static void
reader_reads_in_order(void **state)
{
	static const uint8_t in[] = { 1, 0x23, 0x45, 0x89, 0xab, 0xcd, 0xef, 7,
		8, 9 };
	struct reader r = { .rest = slice_of(in, sizeof in) };
	uint8_t out[2];

	(void)state;
	check_int(reader_u8(&r), 1);
	check_int(reader_u16(&r), 0x2345);
	check_size(reader_u32(&r), 0x89abcdefU);
	check_size(reader_take(&r, 0).n, 0);
	check_ptr(reader_take(&r, 1).p, in + 7);
	reader_copy(&r, out, 2);
	check_bytes(out, in + 8, 2);
	check(!r.failed);
	check_size(r.rest.n, 0);
	check_int(reader_u8(&r), 0);
	check(r.failed);
}

static void
reader_stays_failed(void **state)
{
	uint8_t out[4] = { 9, 9, 9, 9 };
	struct reader r = { .rest = slice_str("abc") };

	(void)state;
	check_size(reader_u32(&r), 0);
	check(r.failed);
	/* it would fit, but the reader has failed */
	check_int(reader_u8(&r), 0);
	check_null(reader_take(&r, 1).p);
	reader_copy(&r, out, 3);
	check_bytes(out, "\0\0\0\x09", 4);
	r = (struct reader){ .rest = slice_of(NULL, 0) };
	reader_take(&r, SIZE_MAX);
	check(r.failed);
}

static void
writer_keeps_its_room(void **state)
{
	uint8_t out[8];
	struct writer w = writer_of(out, 7);

	(void)state;
	writer_u8(&w, 1);
	writer_u16(&w, 0x0203);
	writer_u32(&w, 0x04050607);
	check(!w.failed);
	check_slice_text(writer_slice(&w), "\1\2\3\4\5\6\7");
	writer_bytes(&w, NULL, 0);
	check(!w.failed);
	writer_u8(&w, 8);
	check(w.failed);
	check_size(w.n, 7);

	/* what does not fit is left out whole, and what follows too */
	w = writer_of(out, 3);
	writer_u16(&w, 1);
	writer_u16(&w, 2);
	check(w.failed);
	writer_u8(&w, 3);
	check_size(w.n, 2);
}

static void
writer_prints_up_to_its_room(void **state)
{
	char out[6];
	struct writer w = writer_of(out, sizeof out);

	(void)state;
	writer_printf(&w, "%d-%s", 12, "ab");
	check(!w.failed);
	check_slice_text(writer_slice(&w), "12-ab");
	writer_printf(&w, "%s", "");
	check(!w.failed);
	writer_printf(&w, "cd");
	check(w.failed);
	check_size(w.n, 5);
}

static void
bytes_are_big_endian(void **state)
{
	uint8_t b[4];

	(void)state;
	bytes_put_u32(b, 0xfedcba98U);
	check_bytes(b, "\xfe\xdc\xba\x98", 4);
	check_size(bytes_get_u32(b), 0xfedcba98U);
	bytes_put_u16(b, 0x1234);
	check_bytes(b, "\x12\x34", 2);
}

static void
slice_with_some_characters_only(void **state)
{
	(void)state;
	check(slice_has_only(slice_str(""), "ab"));
	check(slice_has_only(slice_str("abba"), "ab"));
	check(!slice_has_only(slice_str("abcb"), "ab"));
	check(!slice_has_only(slice_of("a\0", 2), "ab"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slice_compares),
		cmocka_unit_test(slice_trims_and_cuts),
		cmocka_unit_test(reader_reads_in_order),
		cmocka_unit_test(reader_stays_failed),
		cmocka_unit_test(writer_keeps_its_room),
		cmocka_unit_test(writer_prints_up_to_its_room),
		cmocka_unit_test(bytes_are_big_endian),
		cmocka_unit_test(slice_with_some_characters_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
