/* ip_limit: both limits, families, memory, threads. */
#include "check.h"
#include "fake_alloc.h"

#include "ip_limit.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>

static struct netaddr
ip(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return a;
}

static void
ip_limit_limits_one_address(void **state)
{
	struct ip_limit *s = ip_limit_new(100, 2);
	struct netaddr a = ip("192.0.2.1"), b = ip("2001:db8::1");

	(void)state;
	a.port = 1000;
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	a.port = 1001; /* the same host */
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	a.port = 1002;
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ADDRESS);
	check_int(ip_limit_enter(s, &b), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &b), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &b), IP_LIMIT_ADDRESS);
	ip_limit_leave(s, &a);
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ADDRESS);
	ip_limit_free(s);
}

/* Who has one address of an IPv6 /64 has all of it. */
static void
ip_limit_counts_an_ipv6_prefix(void **state)
{
	struct ip_limit *s = ip_limit_new(100, 2);
	struct netaddr a = ip("2001:db8:0:1::1"),
		       same = ip("2001:db8:0:1:ffff:ffff:ffff:ffff"),
		       next = ip("2001:db8:0:2::1");

	(void)state;
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &same), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ADDRESS);
	check_int(ip_limit_enter(s, &same), IP_LIMIT_ADDRESS);
	check_int(ip_limit_enter(s, &next), IP_LIMIT_ENTERED);
	ip_limit_leave(s, &same);
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &same), IP_LIMIT_ADDRESS);
	ip_limit_free(s);
}

/* An IPv4 address is counted whole. */
static void
ip_limit_tells_ipv4_neighbours_apart(void **state)
{
	struct ip_limit *s = ip_limit_new(100, 1);
	struct netaddr a = ip("192.0.2.1"), b = ip("192.0.2.2");

	(void)state;
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &b), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ADDRESS);
	ip_limit_free(s);
}

static void
ip_limit_limits_all(void **state)
{
	struct ip_limit *s = ip_limit_new(3, 3);
	struct netaddr a = ip("192.0.2.1"), b = ip("192.0.2.2"),
		       c = ip("192.0.2.3"), d = ip("192.0.2.4");

	(void)state;
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &b), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &c), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &a), IP_LIMIT_TOTAL);
	check_int(ip_limit_enter(s, &d), IP_LIMIT_TOTAL);
	ip_limit_leave(s, &b);
	check_int(ip_limit_enter(s, &d), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &b), IP_LIMIT_TOTAL);
	ip_limit_free(s);
}

/* What was refused was not counted, and who left is forgotten: no address
 * stays behind to fill the table. */
static void
ip_limit_forgets(void **state)
{
	struct ip_limit *s = ip_limit_new(2, 1);
	char text[32];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct netaddr a;

		snprintf(text, sizeof text, "10.0.%d.%d", i / 250, i % 250);
		a = ip(text);
		check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
		check_int(ip_limit_enter(s, &a), IP_LIMIT_ADDRESS);
		check_int(ip_limit_enter(s, &a), IP_LIMIT_ADDRESS);
		ip_limit_leave(s, &a);
	}
	ip_limit_free(s);
	ip_limit_free(NULL);
}

static void
ip_limit_refuses_without_memory(void **state)
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
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ADDRESS);
	check(fake_alloc_failed());
	for (int i = 0; i < 5; i++)
		check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &a), IP_LIMIT_TOTAL);
	ip_limit_free(s);
}

enum { THREADS = 4, ROUNDS = 5000, TOTAL = 3, EACH = 2 };

struct job {
	struct ip_limit *s;
	/* of all jobs: connections now, per address and in all */
	atomic_int *each, *total;
	size_t entered;
	int most, most_each; /* at once, as it saw them */
};

/* Counts after it has entered and before it leaves, so that the counts are
 * never more than what the limit let in. */
static void
come_and_go(struct job *job, const struct netaddr *from, int which)
{
	int total, each;

	if (ip_limit_enter(job->s, from) != IP_LIMIT_ENTERED)
		return;
	job->entered++;
	total = atomic_fetch_add(job->total, 1) + 1;
	each = atomic_fetch_add(&job->each[which], 1) + 1;
	if (total > job->most)
		job->most = total;
	if (each > job->most_each)
		job->most_each = each;
	atomic_fetch_sub(&job->each[which], 1);
	atomic_fetch_sub(job->total, 1);
	ip_limit_leave(job->s, from);
}

static void *
come_and_go_often(void *ctx)
{
	const struct netaddr from[] = { ip("192.0.2.1"), ip("192.0.2.2") };

	for (int i = 0; i < ROUNDS; i++)
		come_and_go(ctx, &from[i % 2], i % 2);
	return NULL;
}

static void
check_all_free(struct ip_limit *s)
{
	struct netaddr a = ip("192.0.2.1"), b = ip("192.0.2.2");

	check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &a), IP_LIMIT_ADDRESS);
	check_int(ip_limit_enter(s, &b), IP_LIMIT_ENTERED);
	check_int(ip_limit_enter(s, &b), IP_LIMIT_TOTAL);
}

/* A thread may find all places taken whenever it tries, so that only the sum
 * of all threads is sure to be something. */
static void
ip_limit_is_safe_for_many_threads(void **state)
{
	struct ip_limit *s = ip_limit_new(TOTAL, EACH);
	atomic_int each[2] = { 0, 0 }, total = 0;
	struct job jobs[THREADS];
	pthread_t threads[THREADS];
	size_t entered = 0;

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ .s = s, .each = each, .total = &total };
		check_int(pthread_create(
			      &threads[i], NULL, come_and_go_often, &jobs[i]),
		    0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		entered += jobs[i].entered;
		check(jobs[i].most <= TOTAL && jobs[i].most_each <= EACH);
	}
	check(entered > 0);
	check_all_free(s);
	ip_limit_free(s);
}

/* A thread with an address of its own, of those that share one place. */
struct rival {
	struct job job;
	struct netaddr from;
	atomic_int each;
};

static void *
rival_often(void *ctx)
{
	struct rival *r = ctx;

	for (int i = 0; i < 4 * ROUNDS; i++)
		come_and_go(&r->job, &r->from, 0);
	return NULL;
}

/* The total holds between addresses that have nothing else in common. */
static void
ip_limit_holds_the_total_across_addresses(void **state)
{
	struct ip_limit *s = ip_limit_new(1, 1);
	struct rival rivals[THREADS] = { 0 };
	pthread_t threads[THREADS];
	atomic_int total = 0;
	char text[32];

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		snprintf(text, sizeof text, "192.0.2.%d", i);
		rivals[i].from = ip(text);
		rivals[i].job = (struct job){
			.s = s, .each = &rivals[i].each, .total = &total
		};
		check_int(
		    pthread_create(&threads[i], NULL, rival_often, &rivals[i]),
		    0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		check(rivals[i].job.most <= 1);
	ip_limit_free(s);
}

static void
ip_limit_remember_the_most_at_once(void **state)
{
	struct ip_limit *s = ip_limit_new(10, 10);
	struct netaddr a = ip("192.0.2.1");
	size_t most;

	(void)state;
	for (int i = 0; i < 4; i++)
		check_int(ip_limit_enter(s, &a), IP_LIMIT_ENTERED);
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
		cmocka_unit_test(ip_limit_limits_one_address),
		cmocka_unit_test(ip_limit_counts_an_ipv6_prefix),
		cmocka_unit_test(ip_limit_tells_ipv4_neighbours_apart),
		cmocka_unit_test(ip_limit_limits_all),
		cmocka_unit_test(ip_limit_forgets),
		cmocka_unit_test(ip_limit_refuses_without_memory),
		cmocka_unit_test(ip_limit_is_safe_for_many_threads),
		cmocka_unit_test(ip_limit_holds_the_total_across_addresses),
		cmocka_unit_test(ip_limit_remember_the_most_at_once),
	};

	return sodium_init() == -1 ? 1
				   : cmocka_run_group_tests(tests, NULL, NULL);
}
