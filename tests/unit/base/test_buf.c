/* buf: growth up to the maximum, consuming, and short memory at every n. */
#include "check.h"
#include "fake_alloc.h"

#include "buf.h"

static void
buf_grows_to_its_maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	check_size(buf_len(&b), 0);
	check_null(buf_slice(&b).p);
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t c = (uint8_t)i;

		check_int(buf_append(&b, &c, 1), 0);
	}
	check_size(buf_len(&b), 1000);
	check_int(buf_append(&b, "x", 1), -1);
	check_null(buf_room(&b, 1));
	check_int(buf_append(&b, "x", 0), 0);
	check_size(buf_len(&b), 1000);
	for (unsigned i = 0; i < 1000; i++)
		check_int(buf_slice(&b).p[i], (uint8_t)i);
	buf_consume(&b, 1);
	check_int(buf_append(&b, "x", 1), 0);
	check_int(buf_append(&b, "x", 1), -1);
	check_int(buf_slice(&b).p[0], 1);
	check_int(buf_slice(&b).p[999], 'x');
	buf_clear(&b);
	check_size(buf_len(&b), 0);
	check_int(buf_append(&b, "again", 5), 0);
	check_slice_text(buf_slice(&b), "again");
	buf_clear(&b);
}

static void
buf_rejects_more_than_its_maximum_at_once(void **state)
{
	uint8_t big[600] = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 599);
	check_int(buf_append(&b, big, 600), -1);
	check_null(buf_room(&b, SIZE_MAX));
	check_size(buf_len(&b), 0);
	check_int(buf_append(&b, big, 599), 0);
	buf_clear(&b);
}

/* Moving what is left to the front must not lose or change it. */
static void
buf_keeps_order_while_consumed(void **state)
{
	uint8_t next_in = 0, next_out = 0;
	struct buf b;

	(void)state;
	buf_init(&b, 700);
	for (int round = 0; round < 2000; round++) {
		size_t in = (size_t)(round * 7 % 50);
		size_t out = (size_t)(round * 11 % 60);

		for (size_t i = 0; i < in && buf_len(&b) < 700; i++)
			check_int(
			    buf_append(&b, &(uint8_t){ next_in++ }, 1), 0);
		if (out > buf_len(&b))
			out = buf_len(&b);
		for (size_t i = 0; i < out; i++)
			check_int(buf_slice(&b).p[i], next_out++);
		buf_consume(&b, out);
		check_int(buf_len(&b) % 256, (uint8_t)(next_in - next_out));
	}
	buf_clear(&b);
}

static void
buf_room_is_written_then_added(void **state)
{
	struct buf b;
	uint8_t *p;

	(void)state;
	buf_init(&b, 100);
	p = buf_room(&b, 100);
	check(p != NULL);
	memcpy(p, "abc", 3);
	buf_added(&b, 2);
	check_slice_text(buf_slice(&b), "ab");
	buf_clear(&b);
}

static void
buf_prints_up_to_its_maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	check_int(buf_printf(&b, "%s-%d", "abc", 12), 0);
	check_slice_text(buf_slice(&b), "abc-12");
	check_int(buf_printf(&b, "%s", "12345"), -1);
	check_slice_text(buf_slice(&b), "abc-12");
	/* exactly what fits, without its NUL */
	check_int(buf_printf(&b, "%s", "1234"), 0);
	check_slice_text(buf_slice(&b), "abc-121234");
	buf_clear(&b);
}

static int
fill(struct buf *b)
{
	for (int i = 0; i < 600; i++)
		if (buf_append(b, "abc", 3) == -1)
			return -1;
	return buf_printf(b, "%0400d", 1);
}

static void
buf_survives_short_memory(void **state)
{
	size_t n = 1;

	(void)state;
	for (;; n++) {
		struct buf b;
		size_t len;
		int result;

		buf_init(&b, 4096);
		fake_alloc_fail_at(n);
		result = fill(&b);
		len = buf_len(&b);
		check(len % 3 == 0 || result == 0);
		check(len == 0 || buf_slice(&b).p[len - 1] != 0);
		buf_clear(&b);
		if (!fake_alloc_failed()) {
			check_int(result, 0);
			check_size(len, 2200);
			break;
		}
		check_int(result, -1);
	}
	check(n > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_grows_to_its_maximum),
		cmocka_unit_test(buf_rejects_more_than_its_maximum_at_once),
		cmocka_unit_test(buf_keeps_order_while_consumed),
		cmocka_unit_test(buf_room_is_written_then_added),
		cmocka_unit_test(buf_prints_up_to_its_maximum),
		cmocka_unit_test(buf_survives_short_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
