/* forwarders: through which relays a key can be reached; upstream's cases. */
#include "check.h"
#include "fake_alloc.h"

#include "forwarders.h"

struct fixture {
	struct forwarders *f;
	struct forwarder of;
	struct derp_key key;
};

static int
setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .f = forwarders_new(2), .key = { { 7 } } };
	check(f.f != NULL);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	forwarders_free(((struct fixture *)*state)->f);
	return 0;
}

static enum forwarders_added
add(struct fixture *f, uint8_t link)
{
	return forwarders_add(f->f, &f->key, &f->of, link);
}

static enum forwarders_removed
remove_link(struct fixture *f, uint8_t link)
{
	return forwarders_remove(f->f, &f->key, &f->of, link);
}

static void
forwarders_prefers_the_earliest(void **state)
{
	struct fixture *f = *state;

	check_int(add(f, 3), FORWARDERS_FIRST);
	check_int(add(f, 3), FORWARDERS_KNOWN);
	check_int(add(f, 1), FORWARDERS_SECOND);
	check_int(add(f, 2), FORWARDERS_FURTHER);
	check_int(add(f, 1), FORWARDERS_KNOWN);
	check_int(f->of.preferred, 3);
	/* of the others the one that came next, not the lowest */
	check_int(add(f, 4), FORWARDERS_FURTHER);
	check_int(remove_link(f, 3), FORWARDERS_FEWER);
	check_int(f->of.preferred, 1);
	check_int(remove_link(f, 2), FORWARDERS_FEWER);
	check_int(f->of.preferred, 1);
	check_int(remove_link(f, 1), FORWARDERS_COLLAPSED);
	check_int(f->of.preferred, 4);
	check(!f->of.several);
	check_int(remove_link(f, 4), FORWARDERS_LAST);
	check_int(f->of.preferred, 0);
}

static void
forwarders_ignores_who_has_not_the_key(void **state)
{
	struct fixture *f = *state;

	check_int(remove_link(f, 1), FORWARDERS_UNKNOWN);
	check_int(add(f, 1), FORWARDERS_FIRST);
	check_int(remove_link(f, 2), FORWARDERS_OTHER);
	check_int(f->of.preferred, 1);
	check_int(add(f, 2), FORWARDERS_SECOND);
	check_int(remove_link(f, 3), FORWARDERS_UNKNOWN);
	check_int(f->of.preferred, 1);
	check(f->of.several);
}

static void
forwarders_takes_all_links(void **state)
{
	struct fixture *f = *state;

	for (uint8_t link = 1; link <= FORWARDERS_LINKS_MAX; link++)
		check(add(f, link) != FORWARDERS_NO_MEMORY);
	for (uint8_t link = 1; link < FORWARDERS_LINKS_MAX; link++) {
		check_int(f->of.preferred, link);
		check(remove_link(f, link) != FORWARDERS_UNKNOWN);
	}
	check_int(remove_link(f, FORWARDERS_LINKS_MAX), FORWARDERS_LAST);
}

static void
forwarders_changes_nothing_without_memory(void **state)
{
	struct fixture *f = *state;

	check_int(add(f, 1), FORWARDERS_FIRST);
	fake_alloc_fail_at(1);
	check_int(add(f, 2), FORWARDERS_NO_MEMORY);
	check(fake_alloc_failed());
	check(!f->of.several);
	check_int(f->of.preferred, 1);
	check_int(remove_link(f, 1), FORWARDERS_LAST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(forwarders_prefers_the_earliest),
		TEST(forwarders_ignores_who_has_not_the_key),
		TEST(forwarders_takes_all_links),
		TEST(forwarders_changes_nothing_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
