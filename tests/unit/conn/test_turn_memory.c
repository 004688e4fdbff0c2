/* turn_memory: arena, small things, resets. */
#include "check.h"
#include "fake_alloc.h"

#include "turn_memory.h"

#include <stdalign.h>

enum { ARENA = 1000 };

static void
turn_memory_fills_its_arena(void **state)
{
	struct turn_memory *m = turn_memory_new(ARENA);
	uint8_t *start = turn_memory_tail(m);

	(void)state;
	check(turn_memory_fits(m, ARENA));
	check(!turn_memory_fits(m, ARENA + 1));
	memset(start, 7, 600);
	turn_memory_use(m, start + 600);
	check_ptr(turn_memory_tail(m), start + 600);
	check(turn_memory_fits(m, 400));
	check(!turn_memory_fits(m, 401));
	turn_memory_use(m, start + ARENA);
	check(turn_memory_fits(m, 0));
	check(!turn_memory_fits(m, 1));
	turn_memory_reset(m);
	check_ptr(turn_memory_tail(m), start);
	check(turn_memory_fits(m, ARENA));
	turn_memory_free(m);
}

/* Every piece is aligned and its own, also beyond the first chunk. */
static void
turn_memory_gives_small_pieces(void **state)
{
	enum { PIECES = 3000 };
	struct turn_memory *m = turn_memory_new(ARENA);
	uint8_t *pieces[PIECES], *first = NULL;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < PIECES; i++) {
			pieces[i] = turn_memory_alloc(m, 1 + i % 200);
			check_size(
			    (uintptr_t)pieces[i] % alignof(max_align_t), 0);
			memset(pieces[i], (int)(i % 251), 1 + i % 200);
		}
		for (size_t i = 0; i < PIECES; i++)
			for (size_t k = 0; k < 1 + i % 200; k++)
				check_int(pieces[i][k], i % 251);
		if (round == 0)
			first = pieces[0];
		check(turn_memory_alloc(m, TURN_MEMORY_ALLOC_MAX) != NULL);
		check_size(turn_memory_fits(m, ARENA), 1);
		turn_memory_reset(m);
		/* the first chunk stays, the others go */
		check_ptr(turn_memory_alloc(m, 1), first);
		turn_memory_reset(m);
	}
	turn_memory_free(m);
}

struct held {
	struct turn_hold hold; /* first member */
	int released;
};

static void
count_release(struct turn_hold *hold)
{
	((struct held *)hold)->released++;
}

/* Released when the turn ends, or with the memory; once. */
static void
turn_memory_releases_what_it_holds(void **state)
{
	struct turn_memory *m = turn_memory_new(ARENA);
	struct held a = { .hold.release = count_release }, b = a;

	(void)state;
	turn_memory_hold(m, &a.hold);
	turn_memory_hold(m, &b.hold);
	check_int(a.released, 0);
	turn_memory_reset(m);
	check_int(a.released, 1);
	check_int(b.released, 1);
	turn_memory_reset(m);
	check_int(a.released, 1);
	turn_memory_hold(m, &a.hold);
	turn_memory_free(m);
	check_int(a.released, 2);
	check_int(b.released, 1);
}

static void
turn_memory_survives_lack_of_memory(void **state)
{
	struct turn_memory *m = NULL;

	(void)state;
	for (size_t n = 1; m == NULL; n++) {
		fake_alloc_fail_at(n);
		m = turn_memory_new(ARENA);
		check(fake_alloc_failed() == (m == NULL));
	}
	check(turn_memory_alloc(m, TURN_MEMORY_ALLOC_MAX) != NULL);
	fake_alloc_fail_at(1);
	check(turn_memory_alloc(m, 1) == NULL);
	check(fake_alloc_failed());
	check(turn_memory_alloc(m, 1) != NULL);
	turn_memory_free(m);
	turn_memory_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turn_memory_fills_its_arena),
		cmocka_unit_test(turn_memory_gives_small_pieces),
		cmocka_unit_test(turn_memory_releases_what_it_holds),
		cmocka_unit_test(turn_memory_survives_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
