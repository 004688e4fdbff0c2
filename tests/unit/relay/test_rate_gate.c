/* rate_gate: what is kept of clients that wait, and what comes before an end.
 */
#include "fake_server.h"

#include "clock.h"
#include "conn_websocket.h"
#include "rate_limit.h"
#include "ws_frame.h"

/* However long it takes on a busy machine. */
#define PATIENCE_MS 60000

static struct worker *
worker(void)
{
	return fake_server.workers[0];
}

static const struct counters *
counters(void)
{
	return worker()->counters;
}

static struct rate_config
config_of(const char *text)
{
	struct rate_config config;
	struct fail why = { 0 };

	check_int(rate_config_parse(&config, slice_str(text), &why), 0);
	return config;
}

static void
limit(const char *text)
{
	const struct rate_config config = config_of(text);

	fake_server.shared.rate_limit =
	    rate_limit_new(&config, fake_server.config.max_connections);
	check(fake_server.shared.rate_limit != NULL);
}

/* Whoever waits looks for it now and then. */
static void
lift_limits(void)
{
	const struct rate_config none = config_of("{}");

	rate_limit_set(fake_server.shared.rate_limit, &none);
}

static int
setup(void **state)
{
	struct fake_config config = fake_server_config();

	(void)state;
	config.queue_bytes_total = 1 << 20;
	fake_server_open(&config);
	return 0;
}

static int
teardown(void **state)
{
	struct rate_limit *rate_limit = fake_server.shared.rate_limit;

	(void)state;
	fake_server_close();
	rate_limit_free(rate_limit);
	return 0;
}

static void
turn_until_received(uint64_t packets)
{
	const uint64_t since = clock_now_ms();

	while (counters()->packets_received < packets) {
		check(clock_now_ms() - since < PATIENCE_MS);
		fake_server_turn(0);
	}
	check_size(counters()->packets_received, packets);
}

static bool
waits(const struct fake_peer *p)
{
	return (p->conn->paused & CONN_PAUSE_RATE) != 0;
}

/* Packets for nobody. */
static void
put_packets(struct writer *w, size_t packets, size_t len)
{
	static const uint8_t bytes[4096];
	const struct derp_key nobody = { { 1 } };

	for (size_t i = 0; i < packets; i++)
		derp_send_packet_put(w, &nobody, slice_of(bytes, len));
	check(!w->failed);
}

/* Many send much more than all of them may: little is kept of each, nobody is
 * ended for it, and nothing is lost. */
static void
rate_gate_keeps_little_of_who_waits(void **state)
{
	enum { PEERS = 60, PACKETS = 60 };
	static uint8_t bytes[PACKETS * 1100];
	struct writer w = writer_of(bytes, sizeof bytes);
	struct fake_peer *p[PEERS];

	(void)state;
	limit("{\"TotalRateLimitBytesPerSec\":1000}");
	put_packets(&w, PACKETS, 1000);
	for (size_t i = 0; i < PEERS; i++)
		p[i] = fake_peer_new(0);
	for (size_t i = 0; i < PEERS; i++)
		fake_peer_send(p[i], writer_slice(&w));
	fake_server_settle();
	check(counters()->rate_limit_total_waited > 0);
	check(worker()->budget.used[MEMORY_INPUT] <= PEERS * (4096 + 1100));
	lift_limits();
	turn_until_received(PEERS * PACKETS);
	check_size(counters()->refused_memory, 0);
	for (size_t i = 0; i < PEERS; i++) {
		check(fake_peer_runs(p[i]));
		fake_peer_free(p[i]);
	}
}

/* Puts a WebSocket frame, with a mask of zeros. */
static void
put_ws(struct writer *w, enum ws_opcode opcode, struct slice payload)
{
	uint8_t head[WS_HEAD_MAX];
	const size_t n = ws_head_put(head, opcode, payload.n);

	head[1] |= 0x80;
	writer_bytes(w, head, n);
	writer_u32(w, 0);
	writer_bytes(w, payload.p, payload.n);
	check(!w->failed);
}

static struct fake_peer *
websocket_peer(void)
{
	struct fake_peer *p = fake_peer_new(0);

	check_int(conn_websocket_begin(p->conn), 0);
	return p;
}

/* Reads to the end; whether the last bytes are a Close frame with that code. */
static bool
ends_with_close(struct fake_peer *p, unsigned code)
{
	const uint8_t want[] = { 0x88, 2, (uint8_t)(code >> 8), (uint8_t)code };

	return !fake_peer_read(p) && p->n >= sizeof want &&
	    memcmp(p->in + p->n - sizeof want, want, sizeof want) == 0;
}

/* A client that sends and then closes, as browsers do. */
static void
rate_gate_lets_no_close_overtake_packets(void **state)
{
	enum { PACKETS = 40 };
	static uint8_t packets[PACKETS * 100], bytes[PACKETS * 200];
	struct writer inner = writer_of(packets, sizeof packets);
	struct writer w = writer_of(bytes, sizeof bytes);
	const uint64_t since = clock_now_ms();
	struct fake_peer *p;

	(void)state;
	limit("{\"PerClientRateLimitPacketsPerSec\":1,"
	      "\"PerClientRateBurstPackets\":6}"); /* one of it for Close */
	p = websocket_peer();
	put_packets(&inner, PACKETS, 10);
	put_ws(&w, WS_BINARY, writer_slice(&inner));
	put_ws(&w, WS_CLOSE, slice_of("\x03\xe8", 2));
	fake_peer_send(p, writer_slice(&w));
	fake_server_turn(0);
	check_size(counters()->packets_received, 5);
	check(!p->conn->ended && waits(p));
	lift_limits();
	turn_until_received(PACKETS);
	while (fake_server_count(0) > 0) {
		check(clock_now_ms() - since < PATIENCE_MS);
		fake_server_turn(0);
	}
	check(ends_with_close(p, WS_CLOSE_NORMAL));
	fake_peer_free(p);
}

/* The same for a frame that is not allowed. */
static void
rate_gate_lets_no_failure_overtake_packets(void **state)
{
	static uint8_t packets[1000], bytes[2000];
	struct writer inner = writer_of(packets, sizeof packets);
	struct writer w = writer_of(bytes, sizeof bytes);
	struct fake_peer *p;

	(void)state;
	limit("{\"PerClientRateLimitPacketsPerSec\":1,"
	      "\"PerClientRateBurstPackets\":5}");
	p = websocket_peer();
	put_packets(&inner, 10, 10);
	put_ws(&w, WS_BINARY, writer_slice(&inner));
	put_ws(&w, WS_TEXT, slice_str("x"));
	fake_peer_send(p, writer_slice(&w));
	fake_server_turn(0);
	check(conn_logged_in(p->conn) && p->conn->session != NULL && waits(p));
	lift_limits();
	turn_until_received(10);
	check(p->conn->half_closed);
	fake_peer_free(p);
}

/* One that has nothing waiting is answered at once, whatever it owes. */
static void
rate_gate_answers_a_close_after_everything(void **state)
{
	static uint8_t packets[1000], bytes[2000];
	struct writer inner = writer_of(packets, sizeof packets);
	struct writer w = writer_of(bytes, sizeof bytes);
	struct fake_peer *p;

	(void)state;
	limit("{\"PerClientRateLimitPacketsPerSec\":1,"
	      "\"PerClientRateBurstPackets\":6}");
	p = websocket_peer();
	put_packets(&inner, 5, 10);
	put_ws(&w, WS_BINARY, writer_slice(&inner));
	put_ws(&w, WS_CLOSE, slice_of("", 0));
	fake_peer_send(p, writer_slice(&w));
	fake_server_turn(0);
	check_size(counters()->packets_received, 5);
	check_size(fake_server_count(0), 0);
	fake_peer_free(p);
}

/* Pings, pongs and messages without anything in them cost as packets do. */
static void
rate_gate_charges_what_has_no_frames(void **state)
{
	static const enum ws_opcode opcodes[] = { WS_PING, WS_PONG, WS_BINARY };
	uint8_t bytes[1000];

	(void)state;
	limit("{\"PerClientRateLimitPacketsPerSec\":1,"
	      "\"PerClientRateBurstPackets\":50}");
	for (size_t i = 0; i < sizeof opcodes / sizeof opcodes[0]; i++) {
		struct writer w = writer_of(bytes, sizeof bytes);
		struct fake_peer *p = websocket_peer();
		const uint64_t waited =
		    counters()->rate_limit_per_client_waited;

		for (int k = 0; k < 50; k++)
			put_ws(&w, opcodes[i], slice_of("", 0));
		fake_peer_send(p, writer_slice(&w));
		fake_server_turn(0);
		check(!waits(p)); /* so many are free */
		fake_peer_send(p, writer_slice(&w));
		fake_server_turn(0);
		check(waits(p));
		check_size(
		    counters()->rate_limit_per_client_waited, waited + 1);
		fake_peer_send(p, writer_slice(&w));
		fake_server_turn(0);
		check(waits(p));
		if (opcodes[i] == WS_PING)
			check_size(counters()->websocket_pings, 100);
		check(fake_peer_runs(p));
		fake_peer_free(p);
		fake_server_settle();
	}
}

/* So do the bytes of the heads, when there are many for little. */
static void
rate_gate_charges_the_bytes_of_heads(void **state)
{
	static uint8_t bytes[60000], payload[WS_CONTROL_MAX];
	struct writer w = writer_of(bytes, sizeof bytes);
	struct fake_peer *p;

	(void)state;
	limit("{\"PerClientRateLimitBytesPerSec\":1000}");
	p = websocket_peer();
	while (w.n + 131 <= sizeof bytes)
		put_ws(&w, WS_PONG, slice_of(payload, sizeof payload));
	for (int i = 0; i < 3 && !waits(p); i++) {
		fake_peer_send(p, writer_slice(&w));
		fake_server_settle();
	}
	check(waits(p));
	fake_peer_free(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rate_gate_keeps_little_of_who_waits),
		TEST(rate_gate_lets_no_close_overtake_packets),
		TEST(rate_gate_lets_no_failure_overtake_packets),
		TEST(rate_gate_answers_a_close_after_everything),
		TEST(rate_gate_charges_what_has_no_frames),
		TEST(rate_gate_charges_the_bytes_of_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
