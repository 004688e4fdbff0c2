/* config and flags: Go's flag syntax, environment, ranges, what is refused. */
#include "check.h"

#include "config.h"
#include "flags.h"

#include <stdio.h>

static const char *const *environment; /* "NAME=value", NULL at the end */

static char *
env(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; environment != NULL && environment[i] != NULL; i++)
		if (strncmp(environment[i], name, n) == 0 &&
		    environment[i][n] == '=')
			return (char *)(uintptr_t)(environment[i] + n + 1);
	return NULL;
}

#define MAX_ARGS 16

/* Parses words after the program's name; NULL ends them. */
static enum flags_result
parse(struct config *c, struct fail *why, const char *const *words)
{
	char *argv[MAX_ARGS + 1] = { (char *)(uintptr_t) "derper" };
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	*why = (struct fail){ 0 };
	return flags_parse(c, argc, argv, env, why);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
good(struct config *c, const char *const *words)
{
	struct fail why;
	enum flags_result result = parse(c, &why, words);

	check_text(why.text, "");
	check_int(result, FLAGS_OK);
}

static void
refused(const char *const *words, enum flags_result want, const char *text)
{
	struct config c;
	struct fail why;

	check_int(parse(&c, &why, words), want);
	check_contains(why.text, text);
}

static int
setup(void **state)
{
	(void)state;
	environment = NULL;
	return 0;
}

static void
config_has_upstreams_defaults(void **state)
{
	struct config c;

	(void)state;
	environment = WORDS("HOME=/home/me");
	good(&c, WORDS("-version=false"));
	check_text(c.cert_mode, "letsencrypt");
	check(c.use_tls && c.acme.used && c.acme.waits_for_name);
	good(&c, WORDS("-hostname=derp.example.org"));
	check(!c.acme.waits_for_name);
	good(&c, WORDS("-certmode", "manual"));
	check_text(c.addr_text, ":443");
	check_int(c.addr.port, 443);
	check(!c.addr.is_set);
	check_text(c.hostname, "derp.tailscale.com");
	check_text(c.cert_dir, "/home/me/.cache/tailscale/derper-certs");
	check_text(c.key_path, "");
	check_text(c.socket, "");
	check_int(c.http_port, 80);
	check_int(c.stun_port, 3478);
	check(c.derp && c.stun && c.verify_url_fail_open && c.use_tls);
	check(!c.verify_clients && !c.dev && !c.hostname_is_ip);
	check_size(c.keepalive_ms, 600000);
	check_size(c.user_timeout_ms, 15000);
	check_size(c.write_timeout_ms, 2000);
	check_int(c.queue_depth, 32);
	check_int(c.home_kind, CONFIG_HOME_DEFAULT);
	check(c.workers >= 1 && c.workers <= CONFIG_WORKERS_MAX);
}

static void
config_takes_gos_syntax(void **state)
{
	struct config c;

	(void)state;
	good(&c,
	    WORDS("-a=:8080", "--hostname", "-odd-", "-stun=F",
		"--http-port=0x51", "-tcp-write-timeout=1m1.5s"));
	check_int(c.addr.port, 8080);
	check_text(c.hostname, "-odd-");
	check(!c.stun);
	check_int(c.http_port, 0x51);
	check_size(c.write_timeout_ms, 61500);
	/* last wins, empty values are legal */
	good(&c,
	    WORDS("-a", ":1", "-a", ":2", "-verify-client-url=http://x",
		"-verify-client-url="));
	check_int(c.addr.port, 2);
	check_text(c.verify_url, "");
	good(&c, WORDS("-a", ":8080", "--"));
	check_int(c.addr.port, 8080);
	good(&c, WORDS("-a", "[::1]:3341", "-home", "blank", "-derp=0"));
	check(c.addr.is_set && !c.addr.is_v4);
	check_int(c.home_kind, CONFIG_HOME_BLANK);
	check(!c.derp);
}

static void
config_refuses_bad_flags_as_go_does(void **state)
{
	struct config c;
	struct fail why;

	(void)state;
	refused(WORDS("-x"), FLAGS_USAGE, "flag provided but not defined: -x");
	refused(
	    WORDS("--x=1"), FLAGS_USAGE, "flag provided but not defined: -x");
	refused(WORDS("-a"), FLAGS_USAGE, "flag needs an argument: -a");
	refused(WORDS("-http-port", "eighty"), FLAGS_USAGE,
	    "invalid value \"eighty\" for flag -http-port: ");
	refused(WORDS("-http-port="), FLAGS_USAGE, "invalid value \"\"");
	refused(WORDS("-stun=maybe"), FLAGS_USAGE,
	    "invalid boolean value \"maybe\" for -stun: ");
	refused(WORDS("---a=1"), FLAGS_USAGE, "bad flag syntax: ---a=1");
	refused(WORDS("-=1"), FLAGS_USAGE, "bad flag syntax: -=1");
	refused(WORDS("-tcp-write-timeout", "2"), FLAGS_USAGE,
	    "invalid value \"2\" for flag -tcp-write-timeout: ");
	check_int(parse(&c, &why, WORDS("-h")), FLAGS_HELP);
	check_int(parse(&c, &why, WORDS("-help")), FLAGS_HELP);
	check_int(parse(&c, &why, WORDS("--help")), FLAGS_HELP);
	/* before anything else */
	good(&c, WORDS("-a", "nonsense", "-version"));
	check(c.show_version);
}

/* DIFFERS: the Go derper ignores the first word and all flags after it. */
static void
config_refuses_words(void **state)
{
	(void)state;
	refused(WORDS("-a", ":8080", "--verify-clients", "false", "-a", ":1"),
	    FLAGS_USAGE,
	    "unexpected argument \"false\": the value of a switch is written "
	    "--verify-clients=false");
	refused(WORDS("-a", ":8080", "x"), FLAGS_USAGE,
	    "unexpected argument \"x\"");
	refused(WORDS("x"), FLAGS_USAGE, "unexpected argument \"x\"");
	refused(WORDS("-dev", "-", "-stun"), FLAGS_USAGE,
	    "unexpected argument \"-\"");
	refused(WORDS("-dev", "--", "-stun"), FLAGS_USAGE,
	    "unexpected argument \"-stun\"");
}

static void
config_names_the_flag_that_may_be_meant(void **state)
{
	(void)state;
	refused(WORDS("-verify-client"), FLAGS_USAGE,
	    "not defined: -verify-client (did you mean -verify-clients?)");
	refused(WORDS("--max-conections=5"), FLAGS_USAGE,
	    "(did you mean -max-connections?)");
}

static void
config_refuses_a_secrets_server(void **state)
{
	(void)state;
	refused(WORDS("-dev", "-secrets-url=https://setec.example"), FLAGS_BAD,
	    "-secrets-url: fetching the mesh key from a setec server is not "
	    "supported");
}

static void
config_takes_what_asks_for_nothing(void **state)
{
	struct config c;

	(void)state;
	good(&c, WORDS("-dev", "-secrets-path-prefix=p", "-secrets-url="));
	good(&c, WORDS("-a", ":8080", "-mesh-with", "", "-stun=false"));
	check(!c.stun);
}

static void
config_refuses_bad_values(void **state)
{
	(void)state;
	refused(WORDS("-a", "8080"), FLAGS_BAD, "invalid server address: ");
	refused(WORDS("-a", "host.invalid:80"), FLAGS_BAD,
	    "invalid server address: host.invalid: ");
	refused(WORDS("-a", "localhost"), FLAGS_BAD, "invalid server");
	refused(WORDS("-a", "localhost:"), FLAGS_BAD, "invalid server");
	refused(WORDS("-a", ":65536"), FLAGS_BAD, "invalid server address: ");
	refused(WORDS("-a", "::1:80"), FLAGS_BAD, "invalid server address: ");
	refused(WORDS("-a", ":80", "-home", "x"), FLAGS_BAD,
	    "unknown --home value \"x\"");
	refused(WORDS("-a", ":80", "-home", "http://x\r\nSet-Cookie: y"),
	    FLAGS_BAD, "unknown --home value");
	refused(WORDS("-a", ":80", "-certmode=manual", "-certdir=/c"),
	    FLAGS_BAD, "-http-port 80 is the port of -a :80");
	refused(WORDS("-certmode", "manuel"), FLAGS_BAD,
	    "unsupport cert mode: \"manuel\"");
	refused(WORDS("-certmode", "manual", "-certdir="), FLAGS_BAD,
	    "missing required --certdir flag");
	/* neither HOME nor XDG_CACHE_HOME */
	refused(WORDS("-certmode", "manual"), FLAGS_BAD,
	    "missing required --certdir flag");
	refused(WORDS("-a", ":80", "-http-port", "65536"), FLAGS_BAD,
	    "-http-port 65536 is not between -1 and 65535");
	refused(WORDS("-a", ":80", "-http-port", "-2"), FLAGS_BAD, "-http-p");
	refused(WORDS("-a", ":80", "-stun-port", "-1"), FLAGS_BAD, "-stun-p");
	refused(WORDS("-a", ":80", "-loops", "-1"), FLAGS_BAD, "-loops -1");
	refused(WORDS("-a", ":80", "-loops", "65"), FLAGS_BAD, "-loops 65");
	refused(WORDS("-a", ":80", "-max-connections", "0"), FLAGS_BAD,
	    "-max-connections 0");
	refused(WORDS("-a", ":80", "-max-connections-per-address", "0"),
	    FLAGS_BAD, "-max-connections-per-address 0");
	refused(WORDS("-a", ":80", "-queue-bytes", "65572"), FLAGS_BAD,
	    "-queue-bytes 65572");
	refused(WORDS("-a", ":80", "-queue-bytes-total", "1"), FLAGS_BAD,
	    "-queue-bytes-total 1");
	refused(WORDS("-a", ":80", "-tls-records", "kernel"), FLAGS_BAD,
	    "unknown --tls-records value \"kernel\"");
}

/* TLS by the port, or by the mode on any port. */
static void
config_decides_about_tls(void **state)
{
	struct config c;

	(void)state;
	environment = WORDS("HOME=/home/me");
	good(&c, WORDS("-a", ":8443"));
	check(!c.use_tls && !c.acme.used);
	good(&c, WORDS("-a=:8443", "-acme-directory=https://ca.example/dir"));
	check(c.use_tls && c.acme.used);
	refused(WORDS("-certmode=manual", "-acme-ip-certs"), FLAGS_BAD,
	    "-acme-ip-certs needs -certmode letsencrypt");
	good(&c, WORDS("-a", ":8443", "-certmode", "manual"));
	check(c.use_tls);
	good(&c, WORDS("-a", "192.0.2.1:https", "-certmode=manual"));
	check(c.use_tls);
	check_int(c.addr.port, 443);
	good(&c, WORDS("-certmode=manual", "-hostname=2001:db8::1"));
	check(c.hostname_is_ip);
	good(&c, WORDS("-certmode=manual", "-tls-records=openssl"));
	check_int(c.tls_records, TLS_RECORDS_OPENSSL);
	good(&c, WORDS("-certmode=manual", "-tls-records=native"));
	check_int(c.tls_records, TLS_RECORDS_NATIVE);
	good(&c, WORDS("-certmode=manual", "-tls-records=own"));
	check_int(c.tls_records, TLS_RECORDS_NATIVE);
	good(&c, WORDS("-dev"));
	check(!c.use_tls);
	check_int(c.addr.port, 3340);
	/* as upstream's: the mode beats -dev */
	good(&c, WORDS("-dev", "-certmode=manual"));
	check(c.use_tls);
	check_int(c.addr.port, 3340);
	good(&c, WORDS("-a", "bad", "-dev"));
	check_text(c.addr_text, ":3340");
	good(&c, WORDS("-a", ":8080", "-home=https://example.net/x"));
	check_int(c.home_kind, CONFIG_HOME_REDIRECT);
	environment = WORDS("HOME=/home/me", "XDG_CACHE_HOME=/cache");
	good(&c, WORDS("-dev"));
	check_text(c.cert_dir, "/cache/tailscale/derper-certs");
	environment = WORDS("HOME=/home/me", "XDG_CACHE_HOME=");
	good(&c, WORDS("-dev"));
	check_text(c.cert_dir, "/home/me/.cache/tailscale/derper-certs");
}

static void
config_takes_a_name_to_listen_on(void **state)
{
	struct netaddr loopback;
	struct config c;

	(void)state;
	good(&c, WORDS("-a", "localhost:8443"));
	check_int(netaddr_parse_ip(&loopback, slice_str("127.0.0.1")), 0);
	check_bytes(c.addr.ip, loopback.ip, sizeof loopback.ip);
	check_int(c.addr.port, 8443);
	check(c.addr.is_set && !c.use_tls);
}

static void
config_has_a_range_for_every_number(void **state)
{
	static const struct {
		const char *flag, *low, *high, *below, *above;
	} cases[] = {
		{ "http-port", "-1", "65535", "-2", "65536" },
		{ "stun-port", "0", "65535", "-1", "65536" },
		{ "loops", "1", "64", "-1", "65" },
		{ "max-connections", "1", "4194304", "0", "4194305" },
		{ "max-connections-per-address", "1", "4194304", "0",
		    "4194305" },
		{ "max-connections-before-login", "0", "4194304", "-1",
		    "4194305" },
		{ "max-handshakes", "1", "4194304", "0", "4194305" },
		{ "max-handshakes-per-address", "1", "4194304", "0",
		    "4194305" },
		{ "login-bytes-total", "1048576", "1099511627776", "1048575",
		    "1099511627777" },
		{ "queue-bytes", "65573", "1073741824", "65572", "1073741825" },
		{ "queue-bytes-total", "65573", "1099511627776", "65572",
		    "1099511627777" },
		{ "batch-delay-us", "0", "100000", "-1", "20000000" },
		{ "tcp-keepalive-time", "0", "32767s", NULL, "32768s" },
		{ "tcp-user-timeout", "0", "596h", NULL, "600h" },
		{ "tcp-write-timeout", "0", "596h", NULL, "600h" },
		{ "drain-timeout", "0", "1h", NULL, "1h1s" },
	};
	char flag[64], want[64];
	struct config c;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(flag, sizeof flag, "-%s", cases[i].flag);
		snprintf(want, sizeof want, "-%s ", cases[i].flag);
		good(&c, WORDS("-a", ":80", flag, cases[i].low));
		good(&c, WORDS("-a", ":80", flag, cases[i].high));
		refused(
		    WORDS("-a", ":80", flag, cases[i].above), FLAGS_BAD, want);
		if (cases[i].below != NULL)
			refused(WORDS("-a", ":80", flag, cases[i].below),
			    FLAGS_BAD, want);
	}
	refused(WORDS("-dev", "-batch-delay-us=20000000"), FLAGS_BAD,
	    "-batch-delay-us 20000000 is not between 0 and 100000");
	refused(WORDS("-dev", "-drain-timeout=2h"), FLAGS_BAD,
	    "-drain-timeout 7200s is not between 0s and 3600s");
}

static void
config_has_a_variable_for_every_flag(void **state)
{
	struct config c;

	(void)state;
	environment = WORDS("DERP_VERIFY_CLIENT_URL_FAIL_OPEN=false",
	    "DERP_SOCKET=/s", "DERP_VERIFY_NODES=/n", "DERP_CERTMODE=manual",
	    "DERP_CERTDIR=/certs", "DERP_HOSTNAME=d.example", "DERP_A=:8443",
	    "DERP_KEY_FILE=/k", "DERP_MAX_CONNECTIONS=5", "DERP_MESH_WITH=");
	good(&c, WORDS("-stun"));
	check(!c.verify_url_fail_open && c.use_tls);
	check_text(c.socket, "/s");
	check_text(c.cert_dir, "/certs");
	check_text(c.hostname, "d.example");
	check_text(c.key_path, "/k");
	check_int(c.addr.port, 8443);
	check_int(c.max_connections, 5);
	/* those of the command line are instead of the variable's */
	good(&c, WORDS("-verify-nodes=/x", "-verify-nodes=/y"));
	for (size_t i = 0; i < VERIFY_KINDS_MAX; i++)
		if (c.verify_sources[i].n != 0) {
			check_size(c.verify_sources[i].n, 2);
			check_text(c.verify_sources[i].v[0], "/x");
		}
	environment = WORDS("DERP_MESH_WITH=derp2");
	good(&c, WORDS("-dev"));
	check_text(c.mesh_with, "derp2");
	environment = WORDS("DERP_DOMAIN=a.example", "DERP_HOSTNAME=b.example");
	refused(WORDS("-dev"), FLAGS_BAD,
	    "DERP_HOSTNAME and DERP_DOMAIN say different things");
	environment = WORDS("DERP_DOMAIN=a.example", "DERP_HOSTNAME=a.example");
	good(&c, WORDS("-dev"));
	check_text(c.hostname, "a.example");
}

static void
config_tells_variables_that_mean_nothing(void **state)
{
	static const char *const names[] = { "HOME=/x", "DERP_STUN=1",
		"DERP_ADDR=:1", "DERP_A=:1", "DERP_VERIFY_NODES=/n",
		"DERP_DEBUG_LOGS=1", "DERP_VERIFY_CLIENT=true",
		"DERP_SERVICE_HOST=10.0.0.1", "DERP_PORT=tcp://10.0.0.1:443",
		"DERP_PORT_443_TCP=x", "DERP_RATE_LIMIT_TOTAL=1", "DERPER=1",
		"DERP_PORT=443", NULL };
	char **variables = (char **)(uintptr_t)names;
	size_t next = 0;
	struct fail text;

	(void)state;
	check(flags_next_unknown(variables, &next, &text));
	check_text(text.text,
	    "environment variable DERP_VERIFY_CLIENT is ignored: did you mean "
	    "DERP_VERIFY_CLIENTS?");
	check(flags_next_unknown(variables, &next, &text));
	check_text(
	    text.text, "environment variable DERP_RATE_LIMIT_TOTAL is ignored");
	check(flags_next_unknown(variables, &next, &text));
	check_contains(text.text, "environment variable DERP_PORT is ignored");
	check(!flags_next_unknown(variables, &next, &text));
}

static void
config_takes_defaults_from_the_environment(void **state)
{
	struct config c;

	(void)state;
	environment = WORDS("DERP_DOMAIN=d.example", "DERP_CERT_MODE=manual",
	    "DERP_CERT_DIR=/certs", "DERP_ADDR=:8443", "DERP_STUN=false",
	    "DERP_STUN_PORT=3479", "DERP_HTTP_PORT=-1",
	    "DERP_VERIFY_CLIENTS=true", "DERP_VERIFY_CLIENT_URL=http://v/");
	good(&c, WORDS("-c", "/k"));
	check_text(c.hostname, "d.example");
	check_text(c.cert_dir, "/certs");
	check_int(c.addr.port, 8443);
	check(!c.stun && c.verify_clients && c.use_tls);
	check_int(c.stun_port, 3479);
	check_int(c.http_port, -1);
	check_text(c.verify_url, "http://v/");
	/* a flag beats it */
	good(&c,
	    WORDS("-stun", "-hostname=e.example", "-verify-clients=0",
		"-verify-client-url="));
	check(c.stun && !c.verify_clients);
	check_text(c.hostname, "e.example");
	check_text(c.verify_url, "");
	/* empty is unset */
	environment = WORDS("DERP_ADDR=", "DERP_STUN=");
	good(&c, WORDS("-dev"));
	check(c.stun);
	environment = WORDS("DERP_STUN=maybe");
	refused(WORDS("-dev"), FLAGS_BAD, "DERP_STUN: ");
	environment = WORDS("DERP_HTTP_PORT=x");
	refused(WORDS("-dev"), FLAGS_BAD, "DERP_HTTP_PORT: ");
}

/* Case 20 of upstream's. */
static void
config_samples_round_trip_times_unless_told(void **state)
{
	struct fail why;
	struct config c;

	(void)state;
	check_int(parse(&c, &why, WORDS("-dev")), FLAGS_OK);
	check(c.sample_rtt);
	environment = WORDS("TS_DERP_DISABLE_RTT_STATS=1");
	check_int(parse(&c, &why, WORDS("-dev")), FLAGS_OK);
	check(!c.sample_rtt);
	environment = WORDS("TS_DERP_DISABLE_RTT_STATS=maybe");
	refused(WORDS("-dev"), FLAGS_BAD,
	    "TS_DERP_DISABLE_RTT_STATS: \"maybe\" is not a bool");
}

static void
config_takes_the_queue_depth(void **state)
{
	struct config c;

	(void)state;
	environment = WORDS("TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH=");
	good(&c, WORDS("-dev"));
	check_int(c.queue_depth, 32);
	environment = WORDS("TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH=64");
	good(&c, WORDS("-dev"));
	check_int(c.queue_depth, 64);
	environment = WORDS("TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH=0");
	refused(WORDS("-dev"), FLAGS_BAD, "SEND_QUEUE_DEPTH: ");
	environment = WORDS("TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH=6x");
	refused(WORDS("-dev"), FLAGS_BAD, "SEND_QUEUE_DEPTH: ");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

static void
config_refuses_more_than_a_host_name(void **state)
{
	static const char *const names[] = { "-hostname=https://a.example",
		"-hostname=a.example/", "-hostname=a.example:443",
		"-hostname=\"a.example\"", "-hostname='a.example'",
		"-hostname= a.example", "-hostname=a.example\r" };
	struct config c;

	(void)state;
	environment = WORDS("HOME=/home/me");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		refused(WORDS("-certmode=manual", names[i]), FLAGS_BAD,
		    "give the name or address alone");
	good(&c, WORDS("-certmode=manual", "-hostname=2001:db8::1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(config_refuses_more_than_a_host_name),
		TEST(config_has_upstreams_defaults),
		TEST(config_takes_gos_syntax),
		TEST(config_refuses_bad_flags_as_go_does),
		TEST(config_refuses_words),
		TEST(config_names_the_flag_that_may_be_meant),
		TEST(config_takes_what_asks_for_nothing),
		TEST(config_takes_a_name_to_listen_on),
		TEST(config_has_a_range_for_every_number),
		TEST(config_has_a_variable_for_every_flag),
		TEST(config_tells_variables_that_mean_nothing),
		TEST(config_refuses_a_secrets_server),
		TEST(config_refuses_bad_values),
		TEST(config_decides_about_tls),
		TEST(config_takes_defaults_from_the_environment),
		TEST(config_samples_round_trip_times_unless_told),
		TEST(config_takes_the_queue_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
