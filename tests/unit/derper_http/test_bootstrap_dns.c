/* bootstrap_dns: lists of names, who is told which, and what is counted. */
#include "check.h"
#include "fake_alloc.h"

#include "bootstrap_dns.h"
#include "counters.h"

#include <sodium.h>
#include <stdio.h>

static struct counters_array *all;

static struct netaddr
address(const char *text)
{
	struct netaddr a;

	check_int(netaddr_parse_ip(&a, slice_str(text)), 0);
	return a;
}

/* What a client at that address is told that asks for the name. */
static const char *
told(struct bootstrap_dns *b, const char *name, const char *client,
    char out[static BOOTSTRAP_DNS_TEXT_MAX])
{
	const struct netaddr from = address(client);
	struct writer w = writer_of(out, BOOTSTRAP_DNS_TEXT_MAX - 1);

	bootstrap_dns_answer(
	    b, slice_str(name), &from, counters_at(all, 0), &w);
	check(!w.failed);
	out[w.n] = '\0';
	return out;
}

static size_t
index_of(const struct bootstrap_dns *b, const char *name)
{
	size_t i = 0;

	while (strcmp(bootstrap_dns_name(b, i), name) != 0)
		i++;
	return i;
}

static void
set(struct bootstrap_dns *b, const char *name, const char *ip, unsigned percent)
{
	const struct netaddr a = address(ip);

	bootstrap_dns_set(b, index_of(b, name), &a, 1, percent);
}

#define CLIENT "192.0.2.200"

static void
bootstrap_dns_tells_published_names_to_all(void **state)
{
	struct fail why = { 0 };
	struct bootstrap_dns *b =
	    bootstrap_dns_new("b.example,,a.example,b.example", "", &why);
	const struct netaddr two[] = { address("192.0.2.1"),
		address("2001:db8::1") };
	char out[BOOTSTRAP_DNS_TEXT_MAX];

	(void)state;
	check_null(bootstrap_dns_name(b, 2));
	check_text(told(b, "", CLIENT, out), "");
	set(b, "b.example", "192.0.2.7", 100);
	check_text(told(b, "x", CLIENT, out),
	    "{\n\t\"b.example\": [\n\t\t\"192.0.2.7\"\n\t]\n}");
	bootstrap_dns_set(b, index_of(b, "a.example"), two, 2, 100);
	told(b, "a.example", CLIENT, out);
	check_contains(out, "{\n\t\"a.example\": [\n\t\t\"");
	check_contains(out, "\"192.0.2.1\"");
	check_contains(out, "\"2001:db8::1\"");
	check_contains(
	    out, "\"\n\t],\n\t\"b.example\": [\n\t\t\"192.0.2.7\"\n\t]\n}");
	/* it fails in a later round */
	bootstrap_dns_set(b, index_of(b, "a.example"), NULL, 0, 100);
	check_text(told(b, "", CLIENT, out),
	    "{\n\t\"b.example\": [\n\t\t\"192.0.2.7\"\n\t]\n}");
	bootstrap_dns_free(b);
}

static void
bootstrap_dns_tells_unpublished_names_who_asks(void **state)
{
	struct fail why = { 0 };
	struct bootstrap_dns *b =
	    bootstrap_dns_new("p.example", "u.example,t.example/txt", &why);
	char out[BOOTSTRAP_DNS_TEXT_MAX];
	static const char public[] =
	    "{\n\t\"p.example\": [\n\t\t\"192.0.2.1\"\n\t]\n}";

	(void)state;
	check_null(bootstrap_dns_percent_name(b, index_of(b, "u.example")));
	check_text(
	    bootstrap_dns_percent_name(b, index_of(b, "t.example")), "txt");
	set(b, "p.example", "192.0.2.1", 100);
	/* not looked up yet: as good as unknown */
	check_text(told(b, "u.example", CLIENT, out), public);
	set(b, "u.example", "192.0.2.2", 0); /* it has no percentage */
	check_text(told(b, "u.example", CLIENT, out),
	    "{\n\t\"u.example\": [\n\t\t\"192.0.2.2\"\n\t]\n}");
	check_text(told(b, "U.example", CLIENT, out), public);
	check_text(told(b, "p.example", CLIENT, out), public);
	check_text(told(b, "", CLIENT, out), public);
	set(b, "t.example", "192.0.2.3", 0);
	check_text(told(b, "t.example", CLIENT, out), public);
	set(b, "t.example", "192.0.2.3", 100);
	check_contains(told(b, "t.example", CLIENT, out), "192.0.2.3");
	bootstrap_dns_free(b);
}

static void
bootstrap_dns_counts(void **state)
{
	const struct counters *c = counters_at(all, 0);
	struct fail why = { 0 };
	struct bootstrap_dns *b =
	    bootstrap_dns_new("p.example,q.example", "t.example/txt", &why);
	char out[BOOTSTRAP_DNS_TEXT_MAX], name[32];

	(void)state;
	set(b, "p.example", "192.0.2.1", 100);
	set(b, "t.example", "192.0.2.3", 0);
	told(b, "", CLIENT, out);
	told(b, "p.example", CLIENT, out);
	told(b, "q.example", CLIENT, out);
	told(b, "t.example", CLIENT, out);
	told(b, "p.example", CLIENT, out);
	check_size(c->bootstrap_dns_published_hits, 2);
	check_size(c->bootstrap_dns_published_misses, 1);
	check_size(c->bootstrap_dns_unpublished_hits, 1);
	check_size(c->bootstrap_dns_unpublished_percent_misses, 1);
	/* t.example was not told, and is not published either */
	check_size(c->bootstrap_dns_unpublished_misses, 1);
	check_size(c->bootstrap_dns_queried_domains, 3);
	/* what is remembered of questions is bounded */
	for (unsigned i = 0; i < 1200; i++) {
		snprintf(name, sizeof name, "%u.example", i);
		told(b, name, CLIENT, out);
		told(b, name, CLIENT, out);
	}
	check_size(c->bootstrap_dns_queried_domains, 1203);
	bootstrap_dns_free(b);
}

static void
bootstrap_dns_percentage_is_of_addresses(void **state)
{
	struct netaddr a = address("10.0.0.0");
	unsigned in = 0;

	(void)state;
	for (unsigned i = 0; i < 65536; i++) {
		bool first;

		a.ip[14] = (uint8_t)(i >> 8);
		a.ip[15] = (uint8_t)i;
		first = bootstrap_dns_in_percentage(&a, 30);
		check_int(bootstrap_dns_in_percentage(&a, 30), first);
		check(!bootstrap_dns_in_percentage(&a, 0));
		check(bootstrap_dns_in_percentage(&a, 100));
		in += first;
	}
	check(in > 65536 * 29 / 100 && in < 65536 * 31 / 100);
}

static void
bootstrap_dns_refuses_bad_lists(void **state)
{
	static const struct {
		const char *published, *unpublished, *why;
	} rows[] = {
		{ "a b", "", "\"a b\" is not a host name" },
		{ "a/t", "", "\"a/t\" is not a host name" },
		{ "", "a/", "\"a/\" is not a host name" },
		{ "", "a/b/c", "\"a/b/c\" is not a host name" },
		{ "a\"", "", "is not a host name" },
	};
	char many[BOOTSTRAP_DNS_NAMES_MAX * 4 + 16] = "";
	struct bootstrap_dns *b;
	struct fail why;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		why = (struct fail){ 0 };
		check_null(bootstrap_dns_new(
		    rows[i].published, rows[i].unpublished, &why));
		check_contains(why.text, rows[i].why);
	}
	for (unsigned i = 0; i < BOOTSTRAP_DNS_NAMES_MAX; i++)
		n += (size_t)snprintf(many + n, sizeof many - n, "n%02u,", i);
	why = (struct fail){ 0 };
	b = bootstrap_dns_new(many, "", &why);
	check(b != NULL);
	bootstrap_dns_free(b);
	check_null(bootstrap_dns_new(many, "u", &why));
	check_contains(why.text, "more than 64 names");
	why = (struct fail){ 0 };
	fake_alloc_fail_at(1);
	check_null(bootstrap_dns_new("a", "", &why));
	fake_alloc_fail_at(0);
	check_contains(why.text, "memory");
}

static int
setup(void **state)
{
	(void)state;
	all = counters_new(1);
	return sodium_init() == -1;
}

static int
teardown(void **state)
{
	(void)state;
	counters_free(all);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bootstrap_dns_tells_published_names_to_all),
		TEST(bootstrap_dns_tells_unpublished_names_who_asks),
		TEST(bootstrap_dns_counts),
		TEST(bootstrap_dns_percentage_is_of_addresses),
		TEST(bootstrap_dns_refuses_bad_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
