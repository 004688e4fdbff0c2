/* Unit tests of verify/engine/verify_set and verify_diff: what a set holds, in
 * how much memory, and in what two differ. */
#include "unit/verify/engine.h"

#include "verify_diff.h"
#include "verify_set.h"

#include <malloc.h>

#define MANY 100000
#define BYTES_MAX ((size_t)16 << 20)

static struct verify_set_node
node_of(unsigned n, int64_t expires_s, unsigned flags)
{
	static _Thread_local char name[32];

	snprintf(name, sizeof name, "node-%u", n);
	return (struct verify_set_node){ .key = engine_key(n),
		.name = name,
		.expires_s = expires_s,
		.flags = flags };
}

static void
put(struct verify_set *set, unsigned n, int64_t expires_s, unsigned flags)
{
	const struct verify_set_node node = node_of(n, expires_s, flags);
	struct fail why = { 0 };

	check_int(verify_set_add(set, &node, &why), 0);
}

static size_t
bytes_in_use(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* As many as there may be, in the memory that is promised; one more is not
 * taken. */
static void
set_holds_many_in_little_memory(void **state)
{
	const size_t before = bytes_in_use();
	struct verify_set_node node;
	struct fail why = { 0 };
	struct verify_set *set = verify_set_new();
	size_t used;

	(void)state;
	for (unsigned n = 1; n <= MANY; n++)
		put(set, n, VERIFY_SET_NEVER, 0);
	node = node_of(MANY + 1, VERIFY_SET_NEVER, 0);
	check_int(verify_set_add(set, &node, &why), -1);
	check_text(why.text, "more than 100000 nodes");
	verify_set_seal(set);
	used = bytes_in_use() - before;
	if (used > BYTES_MAX)
		fail_msg("%zu bytes for %d nodes", used, MANY);
	check_size(verify_set_count(set), MANY);
	for (unsigned n = 1; n <= MANY; n += 97) {
		const struct derp_key key = engine_key(n);

		check(verify_set_find(set, &key, &node));
		check_text(node.name, node_of(n, 0, 0).name);
	}
	node = node_of(MANY + 1, 0, 0);
	check(!verify_set_find(set, &node.key, &node));
	verify_set_drop(set);
}

static void
set_takes_the_stricter_of_two(void **state)
{
	struct verify_set *set = verify_set_new();
	struct verify_set_node node;
	const struct derp_key key = engine_key(1);

	(void)state;
	put(set, 1, 200, VERIFY_SET_TAGGED);
	put(set, 1, 100, VERIFY_SET_DENIED);
	put(set, 1, VERIFY_SET_NEVER, 0);
	check_int(verify_set_add(
		      set, &(struct verify_set_node){ .name = "zero" }, NULL),
	    0);
	check_size(verify_set_count(set), 1);
	check(verify_set_find(set, &key, &node));
	check_int(node.expires_s, 100);
	check_int(node.flags, VERIFY_SET_TAGGED | VERIFY_SET_DENIED);
	check(!verify_set_is_expired(&node, 99));
	check(verify_set_is_expired(&node, 100));
	verify_set_drop(set);
}

static void
set_makes_names_printable(void **state)
{
	struct verify_set *set = verify_set_new();
	struct verify_set_node node = { .key = engine_key(1),
		.name = "a\x1b[31m\xff\xc2\x9b"
			"e",
		.expires_s = VERIFY_SET_NEVER };

	(void)state;
	check_int(verify_set_add(set, &node, NULL), 0);
	verify_set_at(set, 0, &node);
	check_text(node.name, "a?[31m??e");
	verify_set_drop(set);
}

/* Removing never loses another key. */
static void
set_removes_one_of_many(void **state)
{
	struct verify_set *set = verify_set_new();
	struct verify_set_node node;

	(void)state;
	for (unsigned n = 1; n <= 1000; n++)
		put(set, n, n, 0);
	for (unsigned n = 1; n <= 1000; n += 3) {
		const struct derp_key key = engine_key(n);

		verify_set_remove(set, &key);
		verify_set_remove(set, &key);
	}
	check_size(verify_set_count(set), 666);
	for (unsigned n = 1; n <= 1000; n++) {
		const struct derp_key key = engine_key(n);
		const bool there = verify_set_find(set, &key, &node);

		check_int(there, n % 3 != 1);
		if (there)
			check_int(node.expires_s, n);
	}
	verify_set_drop(set);
}

struct found {
	char text[256];
};

/* "1+" came, "1-" went, "1~" changed; "!" after it: has lost its right. */
static void
note(void *ctx, const struct verify_difference *d)
{
	struct found *found = ctx;
	const struct verify_set_node *node = d->old != NULL ? d->old : d->now;
	const size_t at = strlen(found->text);

	snprintf(found->text + at, sizeof found->text - at, "%s%c%s ",
	    node->name + strlen("node-"),
	    d->old == NULL       ? '+'
		: d->now == NULL ? '-'
				 : '~',
	    d->lost ? "!" : "");
}

static void
diff_tells_who_lost_the_right(void **state)
{
	struct verify_set *old = verify_set_new(), *now = verify_set_new();
	struct verify_diff diff = { .old = old, .now = now, .now_s = 1000 };
	struct found found = { "" };

	(void)state;
	put(old, 1, VERIFY_SET_NEVER, 0);
	put(old, 2, VERIFY_SET_NEVER, 0); /* goes */
	put(old, 3, VERIFY_SET_NEVER, 0); /* expires */
	put(old, 4, VERIFY_SET_NEVER, 0); /* is denied */
	put(old, 5, 500, 0);              /* had expired, goes */
	put(old, 6, VERIFY_SET_NEVER, 0); /* is online: no change */
	put(now, 1, VERIFY_SET_NEVER, 0);
	put(now, 3, 999, 0);
	put(now, 4, VERIFY_SET_NEVER, VERIFY_SET_DENIED);
	put(now, 6, VERIFY_SET_NEVER, VERIFY_SET_ONLINE);
	put(now, 7, VERIFY_SET_NEVER, 0);
	put(now, 8, VERIFY_SET_NEVER, VERIFY_SET_DENIED);
	verify_diff_each(&diff, note, &found);
	check_text(found.text, "2-! 3~! 4~! 5- 7+ 8+! ");
	/* of a deny list those lose it that come */
	found.text[0] = '\0';
	diff.denies = true;
	verify_diff_each(&diff, note, &found);
	check_text(found.text, "2- 3~ 4~ 5- 7+! 8+! ");
	found.text[0] = '\0';
	diff.denies = false;
	diff.allow_expired = true;
	verify_diff_each(&diff, note, &found);
	check_text(found.text, "2-! 3~ 4~! 5-! 7+ 8+! ");
	verify_set_drop(old);
	verify_set_drop(now);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_holds_many_in_little_memory),
		cmocka_unit_test(set_takes_the_stricter_of_two),
		cmocka_unit_test(set_makes_names_printable),
		cmocka_unit_test(set_removes_one_of_many),
		cmocka_unit_test(diff_tells_who_lost_the_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
