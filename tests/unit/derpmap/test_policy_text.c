/* policy_text: limits and short memory. Texts are in tests/maps. */
#include "check.h"
#include "fake_alloc.h"

#include "load.h"
#include "policy_text.h"

static const char policy[] = "{\n  // c\n  \"acls\": [] // d\n}\n";

static void
policy_text_needs_room(void **state)
{
	struct fail why = { .text = "" };
	struct policy_text_kept kept;
	struct load l;
	struct buf out;

	(void)state;
	check_int(load_text(&l, "x", slice_str("regions: {1: {}}"),
		      LOAD_HEADSCALE, &why),
	    0);
	for (size_t max = 0;; max++) {
		int result;

		why = (struct fail){ .text = "" };
		buf_init(&out, max);
		result = policy_text_put(
		    &out, slice_str(policy), &l.map, &kept, &why);
		if (result == 0) {
			check_size(buf_len(&out), max);
			buf_clear(&out);
			break;
		}
		check_contains(why.text, "not enough memory");
		buf_clear(&out);
	}
	load_close(&l);
}

static void
policy_text_survives_short_memory(void **state)
{
	struct fail why = { .text = "" };
	struct policy_text_kept kept;
	struct load l;
	struct buf out;

	(void)state;
	check_int(load_text(&l, "x", slice_str("regions: {1: {}}"),
		      LOAD_HEADSCALE, &why),
	    0);
	for (size_t n = 1;; n++) {
		int result;

		why = (struct fail){ .text = "" };
		buf_init(&out, 1 << 20);
		fake_alloc_fail_at(n);
		result = policy_text_put(
		    &out, slice_str(policy), &l.map, &kept, &why);
		buf_clear(&out);
		if (!fake_alloc_failed()) {
			check_int(result, 0);
			break;
		}
		check_int(result, -1);
		check_contains(why.text, "memory");
	}
	load_close(&l);
}

static void
policy_text_rejects(void **state)
{
	static const char *const bad[] = { "", "[]", "1", "{", "{a: 1}",
		"{\"derpMap\": 1, \"DERPMAP\": 2}", "\"acls\": []" };
	struct fail why = { .text = "" };
	struct policy_text_kept kept;
	struct load l;
	struct buf out;

	(void)state;
	check_int(load_text(&l, "x", slice_str("regions: {1: {}}"),
		      LOAD_HEADSCALE, &why),
	    0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		why = (struct fail){ .text = "" };
		buf_init(&out, 1 << 20);
		check_int(policy_text_put(
			      &out, slice_str(bad[i]), &l.map, &kept, &why),
		    -1);
		check(why.text[0] != '\0');
		check_size(buf_len(&out), 0);
		buf_clear(&out);
	}
	load_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policy_text_needs_room),
		cmocka_unit_test(policy_text_survives_short_memory),
		cmocka_unit_test(policy_text_rejects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
