/* sources: both limits, families, memory, threads. */
#include "check.h"
#include "fake_alloc.h"

#include "ip_limit.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

static struct netaddr
ip(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return a;
}

static void
sources_limits_one_address(void **state)
{
	struct ip_limit *s = ip_limit_new(100, 2);
	struct netaddr a = ip("192.0.2.1"), b = ip("2001:db8::1");

	(void)state;
	a.port = 1000;
	check(ip_limit_enter(s, &a));
	a.port = 1001; /* the same host */
	check(ip_limit_enter(s, &a));
	a.port = 1002;
	check(!ip_limit_enter(s, &a));
	check(ip_limit_enter(s, &b));
	check(ip_limit_enter(s, &b));
	check(!ip_limit_enter(s, &b));
	ip_limit_leave(s, &a);
	check(ip_limit_enter(s, &a));
	check(!ip_limit_enter(s, &a));
	ip_limit_free(s);
}

static void
sources_limits_all(void **state)
{
	struct ip_limit *s = ip_limit_new(3, 3);
	struct netaddr a = ip("192.0.2.1"), b = ip("192.0.2.2"),
		       c = ip("192.0.2.3"), d = ip("192.0.2.4");

	(void)state;
	check(ip_limit_enter(s, &a));
	check(ip_limit_enter(s, &b));
	check(ip_limit_enter(s, &c));
	check(!ip_limit_enter(s, &a));
	check(!ip_limit_enter(s, &d));
	ip_limit_leave(s, &b);
	check(ip_limit_enter(s, &d));
	check(!ip_limit_enter(s, &b));
	ip_limit_free(s);
}

/* What was refused was not counted, and who left is forgotten: no address
 * stays behind to fill the table. */
static void
sources_forgets(void **state)
{
	struct ip_limit *s = ip_limit_new(2, 1);
	char text[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct netaddr a;

		snprintf(text, sizeof text, "10.0.%d.%d", i / 250, i % 250);
		a = ip(text);
		check(ip_limit_enter(s, &a));
		check(!ip_limit_enter(s, &a));
		check(!ip_limit_enter(s, &a));
		ip_limit_leave(s, &a);
	}
	ip_limit_free(s);
	ip_limit_free(NULL);
}

static void
sources_refuses_without_memory(void **state)
{
	struct ip_limit *s = NULL;
	struct netaddr a = ip("192.0.2.1");

	(void)state;
	for (size_t n = 1; s == NULL; n++) {
		fake_alloc_fail_at(n);
		s = ip_limit_new(5, 5);
		check(fake_alloc_failed() == (s == NULL));
	}
	fake_alloc_fail_at(1);
	check(!ip_limit_enter(s, &a));
	check(fake_alloc_failed());
	for (int i = 0; i < 5; i++)
		check(ip_limit_enter(s, &a));
	check(!ip_limit_enter(s, &a));
	ip_limit_free(s);
}

enum { THREADS = 4, ROUNDS = 5000 };

struct job {
	struct ip_limit *s;
	size_t entered;
};

static void *
come_and_go(void *ctx)
{
	const struct netaddr a = ip("192.0.2.1"), b = ip("192.0.2.2");
	struct job *job = ctx;

	for (int i = 0; i < ROUNDS; i++) {
		const struct netaddr *from = i % 2 == 0 ? &a : &b;

		if (!ip_limit_enter(job->s, from))
			continue;
		job->entered++;
		ip_limit_leave(job->s, from);
	}
	return NULL;
}

static void
sources_is_safe_for_many_threads(void **state)
{
	struct ip_limit *s = ip_limit_new(3, 2);
	struct netaddr a = ip("192.0.2.1"), b = ip("192.0.2.2");
	struct job jobs[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ .s = s };
		check_int(
		    pthread_create(&threads[i], NULL, come_and_go, &jobs[i]),
		    0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		check(jobs[i].entered > 0);
	}
	/* all counts are back where they were */
	check(ip_limit_enter(s, &a));
	check(ip_limit_enter(s, &a));
	check(!ip_limit_enter(s, &a));
	check(ip_limit_enter(s, &b));
	check(!ip_limit_enter(s, &b));
	ip_limit_free(s);
}

static void
sources_remember_the_most_at_once(void **state)
{
	struct ip_limit *s = ip_limit_new(10, 10);
	struct netaddr a = ip("192.0.2.1");
	size_t most;

	(void)state;
	for (int i = 0; i < 4; i++)
		check(ip_limit_enter(s, &a));
	for (int i = 0; i < 3; i++)
		ip_limit_leave(s, &a);
	check_size(ip_limit_open(s, &most), 1);
	check_size(most, 4);
	/* from here on anew */
	check_size(ip_limit_open(s, &most), 1);
	check_size(most, 1);
	ip_limit_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_limits_one_address),
		cmocka_unit_test(sources_limits_all),
		cmocka_unit_test(sources_forgets),
		cmocka_unit_test(sources_refuses_without_memory),
		cmocka_unit_test(sources_is_safe_for_many_threads),
		cmocka_unit_test(sources_remember_the_most_at_once),
	};

	return sodium_init() == -1 ? 1
				   : cmocka_run_group_tests(tests, NULL, NULL);
}
