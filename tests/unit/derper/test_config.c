/* config: Go's flag syntax, environment, ranges, what is refused. */
#include "check.h"

#include "config.h"

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
static enum config_result
parse(struct config *c, struct fail *why, const char *const *words)
{
	char *argv[MAX_ARGS + 1] = { (char *)(uintptr_t) "derper" };
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	*why = (struct fail){ 0 };
	return config_parse(c, argc, argv, env, why);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
good(struct config *c, const char *const *words)
{
	struct fail why;
	enum config_result result = parse(c, &why, words);

	check_text(why.text, "");
	check_int(result, CONFIG_OK);
}

static void
refused(const char *const *words, enum config_result want, const char *text)
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
	struct fail why;

	(void)state;
	environment = WORDS("HOME=/home/me");
	/* the default mode needs ACME, which is not there yet */
	check_int(parse(&c, &why, WORDS("-version=false")), CONFIG_BAD);
	check_contains(why.text, "letsencrypt is not supported yet");
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
	/* a boolean never takes the next word, and the first word ends it */
	good(&c, WORDS("-a", ":8080", "--verify-clients", "false", "-a", ":1"));
	check(c.verify_clients);
	check_int(c.addr.port, 8080);
	good(&c, WORDS("-a", ":8080", "--", "-a", ":1"));
	check_int(c.addr.port, 8080);
	good(&c, WORDS("-a", ":8080", "-", "-a", ":1"));
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
	refused(WORDS("-x"), CONFIG_USAGE, "flag provided but not defined: -x");
	refused(
	    WORDS("--x=1"), CONFIG_USAGE, "flag provided but not defined: -x");
	refused(WORDS("-a"), CONFIG_USAGE, "flag needs an argument: -a");
	refused(WORDS("-http-port", "eighty"), CONFIG_USAGE,
	    "invalid value \"eighty\" for flag -http-port: ");
	refused(WORDS("-http-port="), CONFIG_USAGE, "invalid value \"\"");
	refused(WORDS("-stun=maybe"), CONFIG_USAGE,
	    "invalid boolean value \"maybe\" for -stun: ");
	refused(WORDS("---a=1"), CONFIG_USAGE, "bad flag syntax: ---a=1");
	refused(WORDS("-=1"), CONFIG_USAGE, "bad flag syntax: -=1");
	refused(WORDS("-tcp-write-timeout", "2"), CONFIG_USAGE,
	    "invalid value \"2\" for flag -tcp-write-timeout: ");
	check_int(parse(&c, &why, WORDS("-h")), CONFIG_HELP);
	check_int(parse(&c, &why, WORDS("-help")), CONFIG_HELP);
	check_int(parse(&c, &why, WORDS("--help")), CONFIG_HELP);
	/* before anything else */
	good(&c, WORDS("-a", "nonsense", "-version"));
	check(c.show_version);
}

/* A flag of upstream's that is not there yet is never ignored. */
static void
config_refuses_what_is_not_there_yet(void **state)
{
	static const char *const later[] = { "accept-connection-burst",
		"accept-connection-limit", "ace", "acme-eab-key",
		"acme-eab-kid", "acme-email", "acme-ip-certs",
		"bootstrap-dns-names", "mesh-psk-file", "mesh-with",
		"rate-config", "secrets-cache-dir", "secrets-path-prefix",
		"secrets-url", "unpublished-bootstrap-dns-names" };
	char word[64], want[128];

	(void)state;
	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
		snprintf(want, sizeof want, "flag -%s is not supported yet",
		    later[i]);
		snprintf(word, sizeof word, "-%s", later[i]);
		refused(WORDS("-a", ":8080", word), CONFIG_USAGE, want);
		refused(WORDS("-a", ":8080", word, "x"), CONFIG_USAGE, want);
		snprintf(word, sizeof word, "--%s=x", later[i]);
		refused(WORDS("-a", ":8080", word), CONFIG_USAGE, want);
	}
	refused(WORDS("-certmode", "gcp"), CONFIG_BAD,
	    "-certmode gcp is not supported yet");
}

static void
config_refuses_bad_values(void **state)
{
	(void)state;
	refused(WORDS("-a", "8080"), CONFIG_BAD, "invalid server address: ");
	refused(WORDS("-a", "localhost:80"), CONFIG_BAD, "invalid server");
	refused(WORDS("-a", ":65536"), CONFIG_BAD, "invalid server address: ");
	refused(WORDS("-a", "::1:80"), CONFIG_BAD, "invalid server address: ");
	refused(WORDS("-a", ":80", "-home", "x"), CONFIG_BAD,
	    "unknown --home value \"x\"");
	refused(WORDS("-a", ":80", "-home", "http://x\r\nSet-Cookie: y"),
	    CONFIG_BAD, "unknown --home value");
	refused(WORDS("-certmode", "manuel"), CONFIG_BAD,
	    "unsupport cert mode: \"manuel\"");
	refused(WORDS("-certmode", "manual", "-certdir="), CONFIG_BAD,
	    "missing required --certdir flag");
	/* neither HOME nor XDG_CACHE_HOME */
	refused(WORDS("-certmode", "manual"), CONFIG_BAD,
	    "missing required --certdir flag");
	refused(WORDS("-a", ":80", "-http-port", "65536"), CONFIG_BAD,
	    "-http-port 65536 is not between -1 and 65535");
	refused(WORDS("-a", ":80", "-http-port", "-2"), CONFIG_BAD, "-http-p");
	refused(WORDS("-a", ":80", "-stun-port", "-1"), CONFIG_BAD, "-stun-p");
	refused(WORDS("-a", ":80", "-loops", "-1"), CONFIG_BAD, "-loops -1");
	refused(WORDS("-a", ":80", "-loops", "65"), CONFIG_BAD, "-loops 65");
	refused(WORDS("-a", ":80", "-max-connections", "0"), CONFIG_BAD,
	    "-max-connections 0");
	refused(WORDS("-a", ":80", "-max-connections-per-address", "0"),
	    CONFIG_BAD, "-max-connections-per-address 0");
	refused(WORDS("-a", ":80", "-queue-bytes", "65572"), CONFIG_BAD,
	    "-queue-bytes 65572");
	refused(WORDS("-a", ":80", "-queue-bytes-total", "1"), CONFIG_BAD,
	    "-queue-bytes-total 1");
	refused(WORDS("-a", ":80", "-tls-records", "kernel"), CONFIG_BAD,
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
	check(!c.use_tls);
	good(&c, WORDS("-a", ":8443", "-certmode", "manual"));
	check(c.use_tls);
	good(&c, WORDS("-a", "192.0.2.1:https", "-certmode=manual"));
	check(c.use_tls);
	check_int(c.addr.port, 443);
	good(&c, WORDS("-certmode=manual", "-hostname=2001:db8::1"));
	check(c.hostname_is_ip);
	good(&c, WORDS("-certmode=manual", "-tls-records=openssl"));
	check_int(c.tls_records, TLS_RECORDS_OPENSSL);
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
	refused(WORDS("-dev"), CONFIG_BAD, "DERP_STUN: ");
	environment = WORDS("DERP_HTTP_PORT=x");
	refused(WORDS("-dev"), CONFIG_BAD, "DERP_HTTP_PORT: ");
}

/* Case 20 of upstream's. */
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
	refused(WORDS("-dev"), CONFIG_BAD, "SEND_QUEUE_DEPTH: ");
	environment = WORDS("TS_DEBUG_DERP_PER_CLIENT_SEND_QUEUE_DEPTH=6x");
	refused(WORDS("-dev"), CONFIG_BAD, "SEND_QUEUE_DEPTH: ");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(config_has_upstreams_defaults),
		TEST(config_takes_gos_syntax),
		TEST(config_refuses_bad_flags_as_go_does),
		TEST(config_refuses_what_is_not_there_yet),
		TEST(config_refuses_bad_values),
		TEST(config_decides_about_tls),
		TEST(config_takes_defaults_from_the_environment),
		TEST(config_takes_the_queue_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
