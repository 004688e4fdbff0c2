/* Unit tests of lib/derp/derp_client, against a relay played by the test. What
 * needs a certificate is shown by the scenarios (tests/relay/test_tls.py). */
#include "derp_client.h"

#include "check.h"
#include "netaddr.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define TIMEOUT_MS 20000 /* far more than is needed */

static const char switching[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n\r\n";

/* A relay that says what it is told to, before it is asked: the client cannot
 * tell, and no thread is needed. */
struct fixture {
	int listener, conn;
	struct derp_private_key server_private, client_private;
	struct derp_key server, client_key;
	struct derp_client *client;
	struct derp_client_config config;
	struct fail why;
};

static int
setup(void **state)
{
	struct sockaddr_storage any = { .ss_family = AF_INET };
	struct fixture *f = calloc(1, sizeof *f);
	socklen_t len = sizeof any;
	struct netaddr addr;

	assert_non_null(f);
	derp_private_key_generate(&f->server_private);
	derp_private_key_generate(&f->client_private);
	derp_private_key_public(&f->server_private, &f->server);
	derp_private_key_public(&f->client_private, &f->client_key);
	assert_int_equal(netaddr_parse_ip(&addr, slice_str("127.0.0.1")), 0);
	len = netaddr_to_sockaddr(&addr, &any);
	f->conn = -1;
	f->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&any, len), 0);
	assert_int_equal(listen(f->listener, 4), 0);
	getsockname(f->listener, (struct sockaddr *)&any, &len);
	netaddr_from_sockaddr(&addr, &any);
	f->config = (struct derp_client_config){
		.dial = { .address = "127.0.0.1", .port = addr.port },
		.key = &f->client_private,
		.info = { .version = 2, .can_ack_pings = true },
	};
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	derp_client_free(f->client);
	if (f->conn != -1)
		close(f->conn);
	close(f->listener);
	free(f);
	return 0;
}

static void
dial(struct fixture *f)
{
	f->client = derp_client_dial(&f->config, TIMEOUT_MS, &f->why);
	check_text(f->why.text, "");
	assert_non_null(f->client);
	f->conn = accept(f->listener, NULL, NULL);
	assert_int_not_equal(f->conn, -1);
}

static void
say(struct fixture *f, struct slice bytes)
{
	assert_int_equal(send(f->conn, bytes.p, bytes.n, 0), (ssize_t)bytes.n);
}

static void
say_server_key(struct fixture *f, const struct derp_key *key)
{
	uint8_t bytes[DERP_SERVER_KEY_FRAME];
	struct writer w = writer_of(bytes, sizeof bytes);

	derp_server_key_put(&w, key);
	say(f, writer_slice(&w));
}

static void
say_server_info(struct fixture *f)
{
	uint8_t bytes[256];
	struct writer w = writer_of(bytes, sizeof bytes);
	struct derp_session session;

	assert_int_equal(
	    derp_session_init(&session, &f->server_private, &f->client_key), 0);
	assert_int_equal(derp_server_info_put(&w, &session), 0);
	derp_session_clear(&session);
	say(f, writer_slice(&w));
}

static void
log_in(struct fixture *f)
{
	dial(f);
	say(f, slice_str(switching));
	say_server_key(f, &f->server);
	say_server_info(f);
	check_int(derp_client_upgrade(f->client, TIMEOUT_MS, &f->why), 0);
	check_int(derp_client_login(f->client, TIMEOUT_MS, &f->why), 0);
}

/* What the client has sent so far, at least up to `least` bytes. */
static size_t
hear(struct fixture *f, uint8_t *to, size_t cap, size_t least)
{
	size_t n = 0;
	ssize_t got;

	while (n < least) {
		got = recv(f->conn, to + n, cap - n, 0);
		assert_true(got > 0);
		n += (size_t)got;
	}
	return n;
}

static void
derp_client_logs_in(void **state)
{
	struct fixture *f = *state;
	struct derp_client_state s;

	log_in(f);
	s = derp_client_state(f->client);
	check_int(s.http_status, 101);
	check(s.admitted && s.has_server);
	check_int(s.version, 2);
	check_bytes(s.server.b, f->server.b, DERP_KEY);
	check_text(s.tls_version, "");
}

static void
derp_client_asks_as_it_should(void **state)
{
	struct fixture *f = *state;
	struct derp_client_info info;
	struct derp_session session;
	struct derp_frame frame;
	uint8_t got[4096];
	char text[4097];
	size_t n, used;
	char host[64], *end;

	f->config.dial.hostname = "2001:db8::7";
	f->config.ideal_node = "900a";
	log_in(f);
	n = hear(f, got, sizeof got, 200);
	memcpy(text, got, n);
	text[n] = '\0';
	snprintf(host, sizeof host, "\r\nHost: [2001:db8::7]:%u\r\n",
	    f->config.dial.port);
	check_int(strncmp(text, "GET /derp HTTP/1.1\r\n", 20), 0);
	check_contains(text, host);
	check_contains(text, "\r\nUpgrade: DERP\r\n");
	check_contains(text, "\r\nIdeal-Node: 900a\r\n");
	check(strstr(text, "Fast-Start") == NULL);
	end = strstr(text, "\r\n\r\n");
	assert_non_null(end);
	used = (size_t)(end - text) + 4;
	check_int(
	    derp_frame_cut_login(got + used, n - used, &frame, &(size_t){ 0 }),
	    DERP_CUT_FRAME);
	check_int(derp_client_info_open(
		      frame.body, &f->server_private, &session, &info, &f->why),
	    0);
	check_bytes(session.client.b, f->client_key.b, DERP_KEY);
	check(info.can_ack_pings && !info.is_prober);
}

static void
derp_client_relays_frames(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[256], packet[] = { 1, 2, 3 };
	struct writer w = writer_of(bytes, sizeof bytes);
	struct derp_frame frame;
	struct derp_key src;
	struct slice data;

	log_in(f);
	check_int(derp_client_recv(f->client, &frame, 0, &f->why),
	    DERP_CLIENT_TIMEOUT);
	/* an unknown frame in two parts, then two at once */
	say(f, slice_of("\x7f\0\0\0\x05zz", 7));
	check_int(derp_client_recv(f->client, &frame, 10, &f->why),
	    DERP_CLIENT_TIMEOUT);
	say(f, slice_of("zzz", 3));
	derp_recv_packet_put(&w, &f->server, slice_of(packet, sizeof packet));
	derp_keep_alive_put(&w);
	say(f, writer_slice(&w));
	check_int(derp_client_recv(f->client, &frame, TIMEOUT_MS, &f->why),
	    DERP_CLIENT_FRAME);
	check_int(derp_recv_packet_parse(frame.body, &src, &data), 0);
	check_slice(data, slice_of(packet, sizeof packet));
	check_int(derp_client_recv(f->client, &frame, TIMEOUT_MS, &f->why),
	    DERP_CLIENT_FRAME);
	check_int(frame.type, DERP_KEEP_ALIVE);
	close(f->conn);
	f->conn = -1;
	check_int(derp_client_recv(f->client, &frame, TIMEOUT_MS, &f->why) ==
		DERP_CLIENT_FRAME,
	    false);
}

/* Tailscale's own cases (derp_test.go, TestClientRecv), and each frame cut
 * where it hurts. */
static void
derp_client_receives_what_a_relay_may_send(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum derp_frame_type type;
	} cases[] = {
		{ "\x12\0\0\0\x08\1\2\3\4\5\6\7\x08", 13, DERP_PING },
		{ "\x13\0\0\0\x08\1\2\3\4\5\6\7\x08", 13, DERP_PONG },
		{ "\x14\0\0\0\3BAD", 8, DERP_HEALTH },
		{ "\x14\0\0\0\0", 5, DERP_HEALTH },
		{ "\x15\0\0\0\x08\0\0\0\1\0\0\0\2", 13, DERP_RESTARTING },
	};
	struct fixture *f = *state;
	uint32_t reconnect_in_ms = 0, try_for_ms = 0;
	uint8_t data[DERP_PING_DATA];
	struct derp_frame frame;

	log_in(f);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (size_t cut = 0; cut < cases[i].n; cut++) {
			const char *p = cases[i].bytes;

			say(f, slice_of(p, cut));
			check_int(
			    derp_client_recv(f->client, &frame, 0, &f->why),
			    DERP_CLIENT_TIMEOUT);
			say(f, slice_of(p + cut, cases[i].n - cut));
			check_int(derp_client_recv(
				      f->client, &frame, TIMEOUT_MS, &f->why),
			    DERP_CLIENT_FRAME);
			check_int(frame.type, cases[i].type);
			check_slice(
			    frame.body, slice_of(p + 5, cases[i].n - 5));
			if (cases[i].type == DERP_RESTARTING)
				check_int(derp_restarting_parse(frame.body,
					      &reconnect_in_ms, &try_for_ms),
				    0);
			if (cases[i].type == DERP_PING)
				check_int(derp_ping_parse(frame.body, data), 0);
		}
	check_int(reconnect_in_ms, 1);
	check_int(try_for_ms, 2);
	check_bytes(data, "\1\2\3\4\5\6\7\x08", DERP_PING_DATA);
}

static void
derp_client_starts_fast_with_a_known_key(void **state)
{
	struct fixture *f = *state;
	uint8_t got[4096];

	f->config.fast_start = true;
	f->config.server = &f->server;
	dial(f);
	check_int(derp_client_upgrade(f->client, TIMEOUT_MS, &f->why), 0);
	got[hear(f, got, sizeof got - 1, 200)] = '\0';
	check_contains((char *)got, "\r\nDerp-Fast-Start: 1\r\n");
	say_server_key(f, &f->server);
	say_server_info(f);
	check_int(derp_client_login(f->client, TIMEOUT_MS, &f->why), 0);
	check_int(derp_client_state(f->client).http_status, 0);
}

static void
derp_client_refuses_another_key_than_known(void **state)
{
	struct fixture *f = *state;

	f->config.fast_start = true;
	f->config.server = &f->server;
	dial(f);
	check_int(derp_client_upgrade(f->client, TIMEOUT_MS, &f->why), 0);
	say_server_key(f, &f->client_key);
	check_int(derp_client_login(f->client, TIMEOUT_MS, &f->why), -1);
	check_text(f->why.text, "ServerKey is not the key that was known");
}

static void
upgrade_fails(struct fixture *f, const char *answer, const char *why)
{
	dial(f);
	say(f, slice_str(answer));
	shutdown(f->conn, SHUT_WR);
	check_int(derp_client_upgrade(f->client, TIMEOUT_MS, &f->why), -1);
	check_text(f->why.text, why);
}

static void
derp_client_tells_the_status(void **state)
{
	upgrade_fails(*state, "HTTP/1.1 404 Not Found\r\n\r\n",
	    "the relay answered 404 Not Found");
	check_int(
	    derp_client_state(((struct fixture *)*state)->client).http_status,
	    404);
}

static void
derp_client_wants_http(void **state)
{
	upgrade_fails(
	    *state, "SSH-2.0-x\r\n\r\n", "the relay's answer is not HTTP");
}

static void
derp_client_bounds_the_headers(void **state)
{
	char answer[1024];
	int n = sprintf(answer, "HTTP/1.1 101 Switching Protocols\r\n");

	for (int i = 0; i <= 64; i++)
		n += sprintf(answer + n, "A: x\r\n");
	upgrade_fails(*state, answer,
	    "the headers of the relay's answer are too long (limits: 16384 "
	    "bytes, 64 headers)");
}

static void
derp_client_tells_an_early_end(void **state)
{
	upgrade_fails(*state, "HTTP/1.1 101",
	    "the relay closed before its HTTP response");
}

static void
derp_client_wants_a_server_key(void **state)
{
	upgrade_fails(*state,
	    "HTTP/1.1 101 Switching Protocols\r\n\r\n"
	    "\x07",
	    "the relay closed before ServerKey");
}

static void
derp_client_waits_only_so_long(void **state)
{
	struct fixture *f = *state;

	dial(f);
	check_int(derp_client_upgrade(f->client, 10, &f->why), -1);
	check_text(f->why.text, "no HTTP response in time");
}

static void
derp_client_tells_a_refusal(void **state)
{
	struct fixture *f = *state;

	dial(f);
	say(f, slice_str(switching));
	say_server_key(f, &f->server);
	check_int(derp_client_upgrade(f->client, TIMEOUT_MS, &f->why), 0);
	shutdown(f->conn, SHUT_WR);
	check_int(derp_client_login(f->client, TIMEOUT_MS, &f->why), -1);
	check_text(
	    f->why.text, "the relay closed before ServerInfo: not admitted");
}

static void
derp_client_refuses_impossible_lengths(void **state)
{
	struct fixture *f = *state;
	struct derp_frame frame;

	log_in(f);
	say(f, slice_of("\x14\0\x20\0\0xxx", 8));
	check_int(derp_client_recv(f->client, &frame, TIMEOUT_MS, &f->why),
	    DERP_CLIENT_FAILED);
	check_text(f->why.text, "the relay sent Health of 2097152 bytes");
}

static void
derp_client_keeps_lines_out_of_the_head(void **state)
{
	struct fixture *f = *state;

	f->config.dial.hostname = "a\r\nX: y";
	check_null(derp_client_dial(&f->config, TIMEOUT_MS, &f->why));
	check_text(f->why.text, "line break in a name");
}

static void
derp_client_tells_that_nobody_listens(void **state)
{
	struct fixture *f = *state;

	close(f->listener);
	f->listener = -1;
	check_null(derp_client_dial(&f->config, TIMEOUT_MS, &f->why));
	check_text(f->why.text, "connect: Connection refused");
}

static void
derp_client_sends_no_packet_that_is_too_long(void **state)
{
	struct fixture *f = *state;
	uint8_t *packet = calloc(1, DERP_MAX_PACKET + 1);

	log_in(f);
	check_int(
	    derp_client_send(f->client, &f->server,
		slice_of(packet, DERP_MAX_PACKET + 1), TIMEOUT_MS, &f->why),
	    -1);
	check_text(f->why.text, "packet of 65537 bytes is too long");
	free(packet);
}

static void
derp_client_survives_a_relay_that_is_gone(void **state)
{
	struct fixture *f = *state;
	uint8_t packet[1400] = { 0 };
	int result = 0;

	log_in(f);
	close(f->conn); /* unread bytes make it a reset: no SIGPIPE, please */
	f->conn = -1;
	for (int i = 0; i < 10000 && result == 0; i++)
		result = derp_client_send(f->client, &f->server,
		    slice_of(packet, sizeof packet), TIMEOUT_MS, &f->why);
	check_int(result, -1);
	check_contains(f->why.text, "send: ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(derp_client_logs_in),
		TEST(derp_client_asks_as_it_should),
		TEST(derp_client_relays_frames),
		TEST(derp_client_receives_what_a_relay_may_send),
		TEST(derp_client_starts_fast_with_a_known_key),
		TEST(derp_client_refuses_another_key_than_known),
		TEST(derp_client_tells_the_status),
		TEST(derp_client_wants_http),
		TEST(derp_client_bounds_the_headers),
		TEST(derp_client_tells_an_early_end),
		TEST(derp_client_wants_a_server_key),
		TEST(derp_client_waits_only_so_long),
		TEST(derp_client_tells_a_refusal),
		TEST(derp_client_refuses_impossible_lengths),
		TEST(derp_client_keeps_lines_out_of_the_head),
		TEST(derp_client_tells_that_nobody_listens),
		TEST(derp_client_sends_no_packet_that_is_too_long),
		TEST(derp_client_survives_a_relay_that_is_gone),
	};

	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
