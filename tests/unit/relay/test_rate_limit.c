/* rate_config, rate_limit: what the file means, who shares a limit with whom,
 * and new limits. */
#include "check.h"

#include "rate_limit.h"

static struct rate_config
config_of(const char *text)
{
	struct rate_config config;
	struct fail why = { 0 };

	check_int(rate_config_parse(&config, slice_str(text), &why), 0);
	check_text(why.text, "");
	return config;
}

static void
bad_config(const char *text, const char *want)
{
	struct rate_config config;
	struct fail why = { 0 };

	check_int(rate_config_parse(&config, slice_str(text), &why), -1);
	check_contains(why.text, want);
}

static void
rate_config_is_read_as_go_does(void **state)
{
	struct rate_config c;

	(void)state;
	c = config_of("{\"PerClientRateLimitBytesPerSec\":1000,"
		      "\"perclientrateburstbytes\":70000,\"Other\":[1,{}]}");
	check_size(c.scope[RATE_CLIENT].bytes_per_s, 1000);
	check_size(c.scope[RATE_CLIENT].burst_bytes, 70000);
	check_size(c.scope[RATE_KEY].bytes_per_s, 0);
	/* the least burst, and none without a limit; the last of a name wins */
	c = config_of("{\"PerClientRateLimitBytesPerSec\":1,"
		      "\"PerClientRateLimitBytesPerSec\":2,"
		      "\"PerClientRateLimitBytesPerSec\":null}");
	check_size(c.scope[RATE_CLIENT].bytes_per_s, 2);
	check_size(c.scope[RATE_CLIENT].burst_bytes, RATE_FRAME_MAX);
	c = config_of("{\"PerClientRateBurstBytes\":70000}");
	check_size(c.scope[RATE_CLIENT].burst_bytes, 0);
	c = config_of("null");
	check_size(c.scope[RATE_TOTAL].packets_per_s, 0);
	/* ours */
	c = config_of("{\"TotalRateLimitPacketsPerSec\":18446744073709551615,"
		      "\"PerAddressRateLimitPacketsPerSec\":5,"
		      "\"PerAddressRateBurstPackets\":7,"
		      "\"PerKeyRateLimitBytesPerSec\":9}");
	check_size(c.scope[RATE_TOTAL].packets_per_s, UINT64_MAX);
	check_size(c.scope[RATE_TOTAL].burst_packets, UINT64_MAX);
	check_size(c.scope[RATE_ADDRESS].packets_per_s, 5);
	check_size(c.scope[RATE_ADDRESS].burst_packets, 7);
	check_size(c.scope[RATE_KEY].bytes_per_s, 9);
	bad_config("", "malformed JSON");
	bad_config("{} x", "malformed JSON");
	bad_config("[]", "not an object");
	bad_config("{\"PerClientRateLimitBytesPerSec\":-1}",
	    "PerClientRateLimitBytesPerSec is not a whole number");
	bad_config("{\"totalrateburstpackets\":1.5}",
	    "TotalRateBurstPackets is not a whole number");
	bad_config("{\"PerKeyRateBurstBytes\":\"1\"}", "PerKeyRateBurstBytes");
	bad_config("{\"PerKeyRateBurstBytes\":18446744073709551616}", "PerKey");
}

static struct rate_client *
client_at(
    struct rate_limit *limit, uint8_t key, const char *source, uint64_t now_us)
{
	struct derp_key k = { { key } };
	struct netaddr a = { 0 };
	struct rate_client *c;

	check_int(netaddr_parse_ip(&a, slice_str(source)), 0);
	c = rate_client_new(limit, &k, &a, now_us);
	check(c != NULL);
	return c;
}

static struct rate_client *
client(struct rate_limit *limit, uint8_t key, const char *source)
{
	return client_at(limit, key, source, 0);
}

/* Takes packets of one byte until one has to wait; how many did not. */
static size_t
passes(struct rate_client *c, enum rate_scope *scope)
{
	size_t n = 0;

	while (rate_client_charge(c, 1, 0, scope) == 0 && n < 1000)
		n++;
	return n;
}

static void
rate_limit_is_shared_by_key_address_and_all(void **state)
{
	const struct rate_config config =
	    config_of("{\"PerClientRateLimitPacketsPerSec\":4,"
		      "\"PerKeyRateLimitPacketsPerSec\":6,"
		      "\"PerAddressRateLimitPacketsPerSec\":9,"
		      "\"TotalRateLimitPacketsPerSec\":14}");
	struct rate_limit *limit = rate_limit_new(&config, 10);
	struct rate_client *c[6];
	enum rate_scope scope;

	(void)state;
	c[0] = client(limit, 1, "2001:db8::1");
	c[1] = client(limit, 1, "2001:db8::2"); /* the same /64 */
	c[2] = client(limit, 2, "2001:db8::3");
	c[3] = client(limit, 3, "192.0.2.1");
	c[4] = client(limit, 4, "192.0.2.2");
	check_size(passes(c[0], &scope), 4);
	check_int(scope, RATE_CLIENT);
	check_size(passes(c[1], &scope), 1); /* 5 of 6 were taken */
	check_int(scope, RATE_KEY);
	check_size(passes(c[2], &scope), 2); /* 7 of 9 */
	check_int(scope, RATE_ADDRESS);
	check_size(passes(c[3], &scope), 4); /* 10 of 14 */
	check_int(scope, RATE_CLIENT);
	check_size(passes(c[4], &scope), 0); /* 15 of 14 */
	check_int(scope, RATE_TOTAL);
	/* a key that has left altogether and returns has 7 of 6 taken */
	(void)rate_client_free(c[0], 0);
	(void)rate_client_free(c[1], 0);
	c[0] = client(limit, 1, "198.51.100.1");
	check_size(passes(c[0], &scope), 0);
	check_int(scope, RATE_KEY);
	/* but new limits are new */
	rate_limit_set(limit, &config);
	check_size(passes(c[0], &scope), 4);
	check_int(scope, RATE_CLIENT);
	for (size_t i = 0; i < 5; i++)
		if (i != 1)
			(void)rate_client_free(c[i], 0);
	rate_limit_free(limit);
}

/* Large frames count as the largest that may be; new limits come with full
 * buckets. */
static void
rate_limit_changes_at_once(void **state)
{
	const struct rate_config slow =
	    config_of("{\"PerClientRateLimitBytesPerSec\":1000,"
		      "\"TotalRateLimitBytesPerSec\":2000}");
	const struct rate_config none = config_of("{}");
	struct rate_limit *limit = rate_limit_new(&slow, 2);
	const unsigned generation = rate_limit_generation(limit);
	struct rate_client *c = client(limit, 1, "192.0.2.1");
	enum rate_scope scope;

	(void)state;
	check_size(rate_client_charge(c, 1 << 20, 0, &scope), 0);
	check_size(rate_client_charge(c, 1000, 0, &scope), 1000001);
	check_int(scope, RATE_CLIENT);
	rate_limit_set(limit, &slow);
	check(rate_limit_generation(limit) != generation);
	check_size(rate_client_charge(c, 1 << 20, 0, &scope), 0);
	rate_limit_set(limit, &none);
	for (int i = 0; i < 100; i++)
		check_size(rate_client_charge(c, 1 << 20, 0, &scope), 0);
	check_size(rate_limit_get(limit).scope[RATE_CLIENT].bytes_per_s, 0);
	(void)rate_client_free(c, 0);
	rate_limit_free(limit);
}

/* A frame that waited and was never handled costs others nothing. */
static void
rate_limit_gives_back_to_those_who_share(void **state)
{
	const struct rate_config config =
	    config_of("{\"PerKeyRateLimitBytesPerSec\":1000,"
		      "\"TotalRateLimitBytesPerSec\":1000,"
		      "\"TotalRateLimitPacketsPerSec\":2}");
	struct rate_limit *limit = rate_limit_new(&config, 3);
	const unsigned generation = rate_limit_generation(limit);
	struct rate_client *c = client(limit, 1, "192.0.2.1");
	struct rate_client *other = client(limit, 2, "192.0.2.2");
	enum rate_scope scope;

	(void)state;
	check_size(rate_client_charge(c, RATE_FRAME_MAX, 0, &scope), 0);
	check(rate_client_charge(c, 1 << 20, 0, &scope) > 0);
	rate_client_refund(c, 1 << 20, generation);
	check_size(rate_client_charge(other, 1000, 0, &scope), 1000001);
	check_int(scope, RATE_TOTAL);
	rate_client_refund(other, 1000, generation);
	/* not more than was there, and nothing to limits that are newer */
	for (int i = 0; i < 100; i++)
		rate_client_refund(c, 1 << 20, generation);
	check_size(rate_client_charge(c, RATE_FRAME_MAX, 0, &scope), 0);
	check_size(rate_client_charge(c, 1000, 0, &scope), 1000001);
	rate_limit_set(limit, &config);
	check_size(rate_client_charge(c, RATE_FRAME_MAX, 0, &scope), 0);
	rate_client_refund(c, RATE_FRAME_MAX, generation);
	check_size(rate_client_charge(c, 1000, 0, &scope), 1000001);
	(void)rate_client_free(c, 0);
	(void)rate_client_free(other, 0);
	rate_limit_free(limit);
}

/* Connecting anew does not fill the buckets of a key or an address, but time
 * does. */
static void
rate_limit_is_not_forgotten_by_leaving(void **state)
{
	const struct rate_config config =
	    config_of("{\"PerKeyRateLimitPacketsPerSec\":10,"
		      "\"PerKeyRateBurstPackets\":5,"
		      "\"PerAddressRateLimitPacketsPerSec\":10,"
		      "\"PerAddressRateBurstPackets\":8}");
	struct rate_limit *limit = rate_limit_new(&config, 2);
	enum rate_scope scope;
	struct rate_client *c;

	(void)state;
	c = client(limit, 1, "192.0.2.1");
	check_size(passes(c, &scope), 5);
	check_int(scope, RATE_KEY);
	check(rate_client_free(c, 0));
	for (int i = 0; i < 3; i++) { /* from wherever it returns */
		c = client(limit, 1, i == 0 ? "192.0.2.1" : "198.51.100.1");
		check_size(passes(c, &scope), 0);
		check_int(scope, RATE_KEY);
		check(rate_client_free(c, 0));
	}
	/* 7 of 8 are taken from the address, whose client it was */
	c = client(limit, 2, "192.0.2.1");
	check_size(passes(c, &scope), 1);
	check_int(scope, RATE_ADDRESS);
	check(rate_client_free(c, 0));
	/* 9 were taken of the key's 5: it owes 4, and after half a second, the
	 * address having its own to pay, it has 1 */
	c = client_at(limit, 1, "203.0.113.1", 500000);
	check_size(rate_client_charge(c, 1, 500000, &scope), 0);
	check(rate_client_charge(c, 1, 500000, &scope) > 0);
	check(rate_client_free(c, 500000));
	c = client_at(limit, 1, "203.0.113.1", 5000000);
	for (int i = 0; i < 5; i++)
		check_size(rate_client_charge(c, 1, 5000000, &scope), 0);
	check(rate_client_charge(c, 1, 5000000, &scope) > 0);
	(void)rate_client_free(c, 5000000);
	rate_limit_free(limit);
}

/* What carries frames is charged as it comes, and there is room for what need
 * not wait. */
static void
rate_limit_charges_framing_and_tells_the_room(void **state)
{
	const struct rate_config config =
	    config_of("{\"PerClientRateLimitBytesPerSec\":100000,"
		      "\"TotalRateLimitPacketsPerSec\":1000,"
		      "\"TotalRateBurstPackets\":100}");
	const struct rate_config none = config_of("{}");
	struct rate_limit *limit = rate_limit_new(&config, 2);
	struct rate_client *c = client(limit, 1, "192.0.2.1");
	struct rate_client *other = client(limit, 2, "192.0.2.2");
	enum rate_scope scope;

	(void)state;
	/* 100 packets of 64 bytes, or with 10 ms 110 of them */
	check_size(rate_client_room(c, 0, 0), 6400);
	check_size(rate_client_room(c, 10000, 0), 7040);
	check_size(rate_client_charge_framing(c, 60000, 99, 0, &scope), 0);
	check_size(rate_client_room(c, 0, 0), 64);
	check_size(rate_client_room(other, 0, 0), 64);
	check_size(rate_client_charge_framing(c, 0, 3, 0, &scope), 2001);
	check_int(scope, RATE_TOTAL);
	check_size(rate_client_room(c, 0, 0), 0);
	/* 65568 bytes of burst, 1000 of them owed */
	check_size(rate_client_charge_framing(c, 6568, 0, 0, &scope), 10001);
	check_int(scope, RATE_CLIENT);
	rate_limit_set(limit, &none);
	check_size(rate_client_room(c, 0, 0), RATE_ROOM_MAX);
	check_size(rate_client_charge_framing(c, 1 << 20, 999, 0, &scope), 0);
	(void)rate_client_free(c, 0);
	(void)rate_client_free(other, 0);
	rate_limit_free(limit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_config_is_read_as_go_does),
		cmocka_unit_test(rate_limit_is_shared_by_key_address_and_all),
		cmocka_unit_test(rate_limit_changes_at_once),
		cmocka_unit_test(rate_limit_gives_back_to_those_who_share),
		cmocka_unit_test(rate_limit_is_not_forgotten_by_leaving),
		cmocka_unit_test(rate_limit_charges_framing_and_tells_the_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
