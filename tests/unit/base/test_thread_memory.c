/* thread_memory: each thread's own, cleared and freed at its end (the sanitizer
 * watches that nothing is left). */
#include "check.h"
#include "fake_alloc.h"

#include "thread_memory.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>

static atomic_uint ended, ended_wrong;

static void
note_end(void *p)
{
	const uint32_t *number = p;

	atomic_fetch_add(&ended, 1);
	if (*number != 7)
		atomic_fetch_add(&ended_wrong, 1);
}

struct got {
	uint32_t *p[2];
	bool zero, aligned;
};

static void *
take_two(void *arg)
{
	struct got *got = arg;

	got->zero = got->aligned = true;
	for (size_t i = 0; i < 2; i++) {
		got->p[i] = thread_memory_new(1000, note_end);
		if (got->p[i] == NULL)
			continue;
		for (size_t k = 0; k < 250; k++)
			got->zero = got->zero && got->p[i][k] == 0;
		got->aligned = got->aligned &&
		    (uintptr_t)got->p[i] % alignof(max_align_t) == 0;
		*got->p[i] = 7;
	}
	return NULL;
}

static void
run(struct got *got)
{
	pthread_t thread;

	*got = (struct got){ 0 };
	atomic_store(&ended, 0);
	check_int(pthread_create(&thread, NULL, take_two, got), 0);
	pthread_join(thread, NULL);
	check(got->zero);
	check(got->aligned);
	check_int(atomic_load(&ended_wrong), 0);
}

static void
thread_memory_ends_with_its_thread(void **state)
{
	struct got got;

	(void)state;
	run(&got);
	check(got.p[0] != NULL && got.p[1] != NULL && got.p[0] != got.p[1]);
	check_int(atomic_load(&ended), 2);
}

static void
thread_memory_may_be_short(void **state)
{
	struct got got;

	(void)state;
	for (size_t n = 1; n <= 2; n++) {
		fake_alloc_fail_at(n);
		run(&got);
		check(fake_alloc_failed());
		check_null(got.p[n - 1]);
		check(got.p[2 - n] != NULL);
		check_int(atomic_load(&ended), 1);
	}
	check_null(thread_memory_new(SIZE_MAX, note_end));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_memory_ends_with_its_thread),
		cmocka_unit_test(thread_memory_may_be_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
