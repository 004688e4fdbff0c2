/* generate: what is refused, and what is built. */
#include "check.h"

#include "cert.h"
#include "generate.h"
#include "netaddr.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PIN                                           \
	"sha256-raw:0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef"

static struct generate_config
good(void)
{
	return (struct generate_config){
		.region_id = 901,
		.region_code = "code",
		.region_name = "Name",
		.hostname = "derp.example.net",
		.derp_port = 443,
		.stun_port = 3478,
	};
}

static void
refused(const struct generate_config *c, const char *part)
{
	struct fail why = { .text = "" };
	struct generated g;

	check_int(generate_map(&g, c, &why), -1);
	check_contains(why.text, part);
}

static void
accepted(struct generated *g, const struct generate_config *c)
{
	struct fail why = { .text = "" };

	if (generate_map(g, c, &why) == -1)
		fail_msg("%s", why.text);
}

static void
generate_fills_every_id(void **state)
{
	struct generate_config c = good();
	struct generated g;

	(void)state;
	accepted(&g, &c);
	check_size(g.map.region_count, 1);
	check(!g.map.regions_nil && g.map.home_nil);
	check_int(g.map.regions[0]->key, 901);
	check_int(g.map.regions[0]->region_id.v, 901);
	check_size(g.map.regions[0]->node_count, 1);
	check_int(g.node.region_id.v, 901);
	check_slice_text(g.node.name.v, "901a");
	/* the defaults of clients are not written */
	check_int(g.node.derp_port.v, 0);
	check_int(g.node.stun_port.v, 0);
}

static void
generate_takes_what_is_given(void **state)
{
	struct generate_config c = good();
	struct generated g;

	(void)state;
	c.node_name = "relay";
	c.cert_name = PIN;
	c.ipv4 = "198.18.0.7";
	c.ipv6 = "none";
	c.derp_port = 8443;
	c.stun_port = -1;
	c.can_port80 = true;
	accepted(&g, &c);
	check_slice_text(g.node.name.v, "relay");
	check_slice_text(g.node.cert_name.v, PIN);
	check_slice_text(g.node.ipv4.v, "198.18.0.7");
	check_slice_text(g.node.ipv6.v, "none");
	check_int(g.node.derp_port.v, 8443);
	check_int(g.node.stun_port.v, -1);
	check(g.node.can_port80.v);
}

static void
generate_takes_the_address_from_the_name(void **state)
{
	struct generate_config c = good();
	struct generated g;

	(void)state;
	c.hostname = "198.18.0.7";
	accepted(&g, &c);
	check_slice_text(g.node.ipv4.v, "198.18.0.7");
	check_slice_text(g.node.ipv6.v, "none");
	c.hostname = "2a01:4f8::1";
	accepted(&g, &c);
	check_slice_text(g.node.ipv6.v, "2a01:4f8::1");
	c.ipv6 = "2a01:4f8::2";
	accepted(&g, &c);
	check_slice_text(g.node.ipv6.v, "2a01:4f8::2");
}

static void
generate_refuses_bad_names(void **state)
{
	static const struct {
		const char *hostname, *part;
	} rows[] = {
		{ NULL, "is needed" },
		{ "", "is needed" },
		{ "https://a.net", "':' cannot be" },
		{ "a.net:443", "':' cannot be" },
		{ "a.net/derp", "'/' cannot be" },
		{ "*.a.net", "'*' cannot be" },
		{ "a b", "a blank cannot be" },
		{ "a_b.net", "'_' cannot be" },
		{ "[2a01::1]", "'[' cannot be" },
		{ "A.net", "lower case" },
		{ "é.net", "xn--" },
		{ "a..net", "two dots" },
		{ "a.net.", "two dots" },
		{ ".net", "two dots" },
		{ "-a.net", "dash" },
		{ "a-.net", "dash" },
		{ "1.2.3", "not an address" },
		{ "1.2.3.400", "not an address" },
		{ "192.0.2.1", "documentation" },
		{ "2001:db8::1", "documentation" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		  "aaaa.net",
		    "longer than 63" },
	};
	char longest[300];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct generate_config c = good();

		c.hostname = rows[i].hostname;
		refused(&c, rows[i].part);
	}
	for (size_t i = 0; i < 254; i++)
		longest[i] = i % 2 == 0 ? 'a' : '.';
	longest[254] = '\0';
	{
		struct generate_config c = good();
		struct generated g;

		c.hostname = longest;
		refused(&c, "longer than 253");
		longest[253] = '\0';
		accepted(&g, &c);
	}
}

static void
generate_refuses_bad_addresses(void **state)
{
	struct generate_config c = good();

	(void)state;
	c.ipv4 = "2a01::1";
	refused(&c, "not an IPv4 address");
	c.ipv4 = "198.18.0.07";
	refused(&c, "not an IPv4 address");
	c.ipv4 = "203.0.113.5";
	refused(&c, "documentation");
	c.ipv4 = "none";
	c.ipv6 = "198.18.0.7";
	refused(&c, "not an IPv6 address");
	c.ipv6 = "none";
	refused(&c, "no way to connect");
	c.ipv6 = NULL;
	c.can_port80 = true;
	refused(&c, "needs --ipv4");
	c.ipv4 = NULL;
	refused(&c, "needs --ipv4");
}

static void
generate_refuses_bad_numbers(void **state)
{
	static const int64_t ids[] = { INT64_MIN, -900, 0, 1, 899, 1000,
		65536 };
	static const int64_t ports[] = { INT64_MIN, -1, 0, 65536, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
		struct generate_config c = good();

		c.region_id = ids[i];
		refused(&c, "900 to 999");
	}
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		struct generate_config c = good();

		c.derp_port = ports[i];
		refused(&c, "--derp-port");
		c = good();
		c.stun_port = ports[i] == -1 ? -2 : ports[i];
		refused(&c, "--stun-port");
	}
	{
		struct generate_config c = good();

		c.derp_port = 80;
		refused(&c, "TLS");
	}
}

static void
generate_refuses_bad_texts(void **state)
{
	static const char *const pins[] = {
		"sha256:0123456789abcdef0123456789abcdef"
		"0123456789abcdef0123456789abcdef",
		"sha256-raw:0123",
		"sha256-raw:0123456789ABCDEF0123456789abcdef"
		"0123456789abcdef0123456789abcdef",
		PIN "0",
	};
	struct generate_config c = good();

	(void)state;
	c.region_code = "";
	refused(&c, "--region-code is empty");
	c = good();
	c.region_name = "\xff";
	refused(&c, "--region-name is not UTF-8");
	c = good();
	c.node_name = "";
	refused(&c, "--node-name is empty");
	for (size_t i = 0; i < sizeof pins / sizeof pins[0]; i++) {
		c = good();
		c.cert_name = pins[i];
		refused(&c, "lower-case hex");
	}
}

/* By its dates, whatever the pin. */
static void
generate_pins_no_certificate_out_of_its_time(void **state)
{
	const int64_t life = (int64_t)CERT_SELF_SIGNED_YEARS * 366 * 86400;
	char folder[] = "/tmp/test_generate.XXXXXX", cert[64], key[64];
	char pin[PIN_TEXT];
	struct netaddr ip;
	int64_t now;
	bool pinned;

	(void)state;
	check(mkdtemp(folder) != NULL);
	snprintf(cert, sizeof cert, "%s/127.0.0.1.crt", folder);
	snprintf(key, sizeof key, "%s/key", folder);
	check_int(netaddr_parse_ip(&ip, slice_str("127.0.0.1")), 0);
	check_int(cert_make_self_signed(&ip, cert, key, NULL), 0);
	now = time(NULL); /* it is valid from a moment ago */
	for (int i = -1; i <= 1; i++) {
		struct fail why = { .text = "" };
		int result = generate_from_derper(folder, "127.0.0.1",
		    now + i * 2 * life, pin, &pinned, &why);

		check_int(result, i == 0 ? 0 : -1);
		check(pinned == (i == 0));
		if (i != 0)
			check_contains(why.text,
			    i < 0 ? "is not valid yet" : "is expired");
	}
	unlink(cert);
	unlink(key);
	check_int(rmdir(folder), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generate_fills_every_id),
		cmocka_unit_test(generate_takes_what_is_given),
		cmocka_unit_test(generate_takes_the_address_from_the_name),
		cmocka_unit_test(generate_refuses_bad_names),
		cmocka_unit_test(generate_refuses_bad_addresses),
		cmocka_unit_test(generate_refuses_bad_numbers),
		cmocka_unit_test(generate_refuses_bad_texts),
		cmocka_unit_test(generate_pins_no_certificate_out_of_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
