/* Unit tests of verify/engine/verify_cache. */
#include "verify_cache.h"

#include "check.h"
#include "fake_alloc.h"
#include "verify_source.h"

static const uint8_t *
id(unsigned n)
{
	static uint8_t bytes[8][KEYTABLE_KEY];
	uint8_t *b = bytes[n % 8];

	memset(b, 0, KEYTABLE_KEY);
	bytes_put_u32(b, n);
	return b;
}

static void
put(struct verify_cache *c, unsigned n, uint64_t until_ms, const char *reason)
{
	struct verify_answer answer = { 0 };

	verify_answer_set(&answer, VERIFY_DENY, "%s", reason);
	verify_cache_put(c, id(n), until_ms, &answer);
}

/* The reason kept for n at now_ms, or NULL. */
static const char *
get(struct verify_cache *c, unsigned n, uint64_t now_ms)
{
	static struct verify_answer answer;

	return verify_cache_get(c, id(n), now_ms, &answer) ? answer.reason
							   : NULL;
}

static void
verify_cache_keeps_until_its_time(void **state)
{
	struct verify_cache *c = verify_cache_new(4);

	(void)state;
	check_null(get(c, 1, 0));
	put(c, 1, 100, "one");
	put(c, 2, 200, "two");
	check_text(get(c, 1, 99), "one");
	check_null(get(c, 1, 100));
	check_text(get(c, 2, 100), "two");
	check_size(verify_cache_count(c), 1);
	put(c, 2, 300, "again");
	check_text(get(c, 2, 299), "again");
	check_size(verify_cache_count(c), 1);
	verify_cache_free(c);
}

static void
verify_cache_drops_the_oldest_when_full(void **state)
{
	struct verify_cache *c = verify_cache_new(3);

	(void)state;
	put(c, 1, 100, "one");
	put(c, 2, 100, "two");
	put(c, 3, 100, "three");
	put(c, 1, 100, "one again"); /* is the newest now */
	put(c, 4, 100, "four");
	check_size(verify_cache_count(c), 3);
	check_null(get(c, 2, 0));
	check_text(get(c, 3, 0), "three");
	check_text(get(c, 1, 0), "one again");
	check_text(get(c, 4, 0), "four");
	for (unsigned n = 5; n < 1000; n++)
		put(c, n, 100, "more");
	check_size(verify_cache_count(c), 3);
	verify_cache_free(c);
}

static void
verify_cache_survives_failed_allocations(void **state)
{
	(void)state;
	for (size_t n = 1;; n++) {
		struct verify_cache *c;
		bool kept = true;

		fake_alloc_fail_at(n);
		c = verify_cache_new(100);
		for (unsigned i = 0; c != NULL && i < 40; i++)
			put(c, i, 100, "kept");
		if (!fake_alloc_failed()) {
			check_size(verify_cache_count(c), 40);
			verify_cache_free(c);
			break;
		}
		/* what it could not keep is missing, no more */
		for (unsigned i = 0; c != NULL && i < 40; i++)
			kept = kept && get(c, i, 0) != NULL;
		check(!kept || c == NULL);
		verify_cache_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verify_cache_keeps_until_its_time),
		cmocka_unit_test(verify_cache_drops_the_oldest_when_full),
		cmocka_unit_test(verify_cache_survives_failed_allocations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
