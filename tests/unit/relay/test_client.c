/* client: login through all splits, refusals, and lack of memory anywhere. */
#include "fake_alloc.h"
#include "fake_server.h"

#include "http_server.h"
#include "session.h"

static struct counters *
counters(void)
{
	return fake_server.workers[0]->counters;
}

static struct fake_peer *
connect_only(void)
{
	struct fake_peer *p = calloc(1, sizeof *p);

	fake_peer_key(p);
	p->conn = fake_server_conn(0, &p->fd);
	check(p->conn != NULL);
	return p;
}

/* Whether the server has closed the connection. */
static bool
closed(struct fake_peer *p)
{
	return !fake_peer_read(p);
}

/* Fast start, ClientInfo and a packet to itself, as one stream of bytes. */
static size_t
whole_login(struct fake_peer *p, uint8_t *out, size_t cap)
{
	const struct derp_client_info info = { .version = 2 };
	struct writer w = writer_of(out, cap);

	writer_printf(&w,
	    "GET /derp HTTP/1.1\r\nHost: x\r\nDerp-Fast-Start: 1\r\nUpgrade: "
	    "DERP\r\n\r\n");
	check_int(derp_client_info_put(
		      &w, &info, &p->private_key, &fake_server.public_key),
	    0);
	derp_send_packet_put(&w, &p->key, slice_str("to myself"));
	check(!w.failed);
	return w.n;
}

static void
check_logged_in(struct fake_peer *p)
{
	struct derp_frame f;
	struct derp_key key;
	struct slice packet;
	struct fail why = { 0 };
	int64_t version;

	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_SERVER_KEY);
	check_int(derp_server_key_parse(f.body, &key), 0);
	check(derp_key_eq(&key, &fake_server.public_key));
	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_SERVER_INFO);
	check_int(derp_server_info_open(
		      f.body, &p->private_key, &key, &version, &why),
	    0);
	check_int(version, 2);
	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_RECV_PACKET);
	check_int(derp_recv_packet_parse(f.body, &key, &packet), 0);
	check(derp_key_eq(&key, &p->key));
	check_slice_text(packet, "to myself");
	check(!fake_peer_frame(p, &f));
}

static void
client_logs_in_wherever_the_bytes_are_split(void **state)
{
	struct fake_peer *p = connect_only();
	uint8_t bytes[1024];
	size_t n = whole_login(p, bytes, sizeof bytes);

	(void)state;
	for (size_t split = 1; split < n; split++) {
		fake_peer_leave(p);
		fake_server_turn(0);
		p->conn = fake_server_conn(0, &p->fd);
		p->n = 0;
		fake_peer_send(p, slice_of(bytes, split));
		fake_server_turn(0);
		fake_peer_send(p, slice_of(bytes + split, n - split));
		fake_server_settle();
		check_logged_in(p);
	}
	fake_peer_free(p);
	fake_server_turn(0);
	check_size(counters()->accepts, n - 1);
	check_size(counters()->current_connections, 0);
}

static void
client_logs_in_byte_by_byte(void **state)
{
	struct fake_peer *p = connect_only();
	uint8_t bytes[1024];
	size_t n = whole_login(p, bytes, sizeof bytes);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		fake_peer_send(p, slice_of(bytes + i, 1));
		fake_server_turn(0);
	}
	check_logged_in(p);
	fake_peer_free(p);
}

/* Without fast start the answer comes first, byte for byte as upstream's. */
static void
client_answers_an_upgrade(void **state)
{
	struct fake_peer *p = connect_only();
	char want[256], hex[DERP_KEY_HEX_TEXT];
	size_t n;

	(void)state;
	fake_peer_send(p,
	    slice_str(
		"GET /derp HTTP/1.1\r\nHost: x\r\nUpgrade: derp\r\n\r\n"));
	fake_server_turn(0);
	derp_key_format_hex(&fake_server.public_key, hex);
	n = (size_t)snprintf(want, sizeof want,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n"
	    "Connection: Upgrade\r\nDerp-Version: 2\r\n"
	    "Derp-Public-Key: %s\r\n\r\n",
	    hex);
	check(fake_peer_read(p));
	check_slice(slice_of(p->in, p->n < n ? p->n : n), slice_of(want, n));
	check_size(p->n, n + DERP_SERVER_KEY_FRAME);
	fake_peer_free(p);
}

/* Each is closed without a frame that explains it, and counted. */
static void
client_refuses_bad_logins(void **state)
{
	static const char hello[] =
	    "GET /derp HTTP/1.1\r\nHost: x\r\nDerp-Fast-Start: 1\r\nUpgrade: "
	    "DERP\r\n\r\n";
	static const struct {
		const char *what;
		uint8_t head[DERP_HEADER];
		size_t n; /* bytes of payload that follow */
	} bad[] = {
		{ "a packet first", { DERP_SEND_PACKET, 0, 0, 0, 40 }, 40 },
		{ "short", { DERP_CLIENT_INFO, 0, 0, 0, 55 }, 55 },
		{ "long", { DERP_CLIENT_INFO, 0, 4, 0, 1 }, 0 },
		{ "does not open", { DERP_CLIENT_INFO, 0, 0, 0, 104 }, 104 },
		{ "unknown type", { 0x7f, 0, 0, 0, 0 }, 0 },
	};
	uint8_t zeros[128] = { 0 };
	struct derp_frame f;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct fake_peer *p = connect_only();

		fake_peer_send(p, slice_str(hello));
		fake_peer_send(p, slice_of(bad[i].head, DERP_HEADER));
		fake_peer_send(p, slice_of(zeros, bad[i].n));
		fake_server_settle();
		check(closed(p));
		check(fake_peer_frame(p, &f));
		check_int(f.type, DERP_SERVER_KEY);
		check(!fake_peer_frame(p, &f));
		check_size(counters()->login_failed, i + 1);
		check_size(fake_server_count(0), 0);
		fake_peer_free(p);
	}
	check_size(counters()->accepts, 0);
}

/* The largest ClientInfo comes in many reads. */
static void
client_takes_the_largest_client_info(void **state)
{
	const size_t n = DERP_HEADER + DERP_MAX_CLIENT_INFO;
	struct fake_peer *p = connect_only();
	uint8_t *frame = calloc(1, n);
	size_t at = 0;
	ssize_t wrote;

	(void)state;
	fake_peer_send(p,
	    slice_str("GET /derp HTTP/1.1\r\nHost: x\r\nDerp-Fast-Start: 1\r\n"
		      "Upgrade: DERP\r\n\r\n"));
	derp_header_put(frame,
	    (struct derp_header){ DERP_CLIENT_INFO, DERP_MAX_CLIENT_INFO });
	while (at < n - 1) {
		wrote = write(p->fd, frame + at, n - 1 - at);
		if (wrote > 0)
			at += (size_t)wrote;
		fake_server_turn(0);
		check(!p->conn->ended && p->conn->protocol->max_reads > 0);
	}
	fake_server_settle();
	check(!p->conn->ended && p->conn->protocol->max_reads > 0);
	check_int(write(p->fd, frame + at, 1), 1);
	fake_server_settle();
	check(closed(p)); /* zeros do not open */
	check_size(counters()->login_failed, 1);
	free(frame);
	fake_peer_free(p);
}

/* ServerInfo is the first frame after ServerKey, also when the socket was
 * full before the login and others talk to the new client at once. */
static void
client_gets_server_info_first(void **state)
{
	static const char page[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	static uint8_t disco[100] = { 'T', 'S', 0xf0, 0x9f, 0x92, 0xac };
	const int size = 1;
	struct fake_peer *from = fake_peer_new(0), *p = connect_only();
	struct derp_frame f;

	(void)state;
	check_int(setsockopt(p->conn->stream.watch.fd, SOL_SOCKET, SO_SNDBUF,
		      &size, sizeof size),
	    0);
	while (!stream_blocked(&p->conn->stream)) {
		fake_peer_send(p, slice_str(page));
		fake_server_turn(0);
	}
	fake_peer_say_hello(p);
	fake_server_settle();
	check(fake_peer_runs(p));
	check(stream_blocked(&p->conn->stream));
	fake_peer_packet(from, &p->key, slice_str("plain"));
	fake_peer_packet(from, &p->key, slice_of(disco, sizeof disco));
	fake_server_turn(0);
	while (stream_blocked(&p->conn->stream) || p->conn->out.bytes > 0) {
		(void)fake_peer_read(p);
		fake_server_turn(0);
	}
	(void)fake_peer_read(p);
	/* skip the pages, up to the magic after ServerKey's header */
	for (size_t i = DERP_HEADER; i + 4 < p->n; i++)
		if (memcmp(p->in + i, "DERP\xf0", 5) == 0) {
			p->n -= i - DERP_HEADER;
			memmove(p->in, p->in + i - DERP_HEADER, p->n);
			break;
		}
	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_SERVER_KEY);
	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_SERVER_INFO);
	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_RECV_PACKET);
	fake_peer_free(from);
	fake_peer_free(p);
}

/* Makes the next piece of turn memory need an allocation. */
static void
use_up_turn_memory(void)
{
	struct worker *worker = fake_server.workers[0];

	/* pieces that divide it, the last one failing */
	fake_alloc_fail_at(1);
	while (turn_memory_alloc(worker->memory, 16) != NULL)
		continue;
	check(fake_alloc_failed());
}

/* The n-th allocation of a whole login fails, for every n: the connection may
 * be lost, never the process, and nothing is left behind. */
static void
client_survives_lack_of_memory_at_login(void **state)
{
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct fake_peer *p = calloc(1, sizeof *p);
		uint8_t bytes[1024];
		size_t len;

		fake_peer_key(p);
		fake_alloc_fail_at(n);
		p->conn = fake_server_conn(0, &p->fd);
		len = whole_login(p, bytes, sizeof bytes);
		(void)!write(p->fd, bytes, len / 3);
		fake_server_settle();
		(void)!write(p->fd, bytes + len / 3, len - len / 3);
		fake_server_settle();
		failed = fake_alloc_failed();
		if (!failed)
			check_logged_in(p);
		else
			check(closed(p) || fake_server_count(0) == 1);
		fake_peer_free(p);
		fake_server_settle();
		check_size(fake_server_count(0), 0);
		check_size(counters()->current_connections, 0);
	}
}

/* The same when it is the memory of the turn that is short. */
static void
client_survives_lack_of_turn_memory_at_login(void **state)
{
	struct fake_peer *p = connect_only();

	(void)state;
	fake_peer_say_hello(p);
	use_up_turn_memory();
	fake_alloc_fail_at(2); /* the box's text is the first */
	fake_server_settle();
	check(fake_alloc_failed());
	check(closed(p));
	check_size(fake_server_count(0), 0);
	check_size(counters()->current_connections, 0);
	check_size(registry_count(fake_server.shared.registry, &p->key), 0);
	fake_peer_free(p);
}

/* A keep-alive that has no memory ends the connection, and it alone. */
static void
client_survives_lack_of_memory_for_a_keep_alive(void **state)
{
	struct fake_peer *p = fake_peer_new(0), *other = fake_peer_new(0);
	struct worker *worker = fake_server.workers[0];
	struct derp_frame f;

	(void)state;
	check_int(loop_timer_set(worker->loop, &other->conn->timer, 1), 0);
	fake_server_turn(0);
	check(fake_peer_frame(other, &f));
	check_int(f.type, DERP_KEEP_ALIVE);
	check_size(f.body.n, 0);
	check(other->conn->timer.due_ms >= loop_now_ms(worker->loop) + 60000);
	check_int(loop_timer_set(worker->loop, &p->conn->timer, 1), 0);
	use_up_turn_memory();
	fake_alloc_fail_at(1);
	fake_server_turn(0);
	check(fake_alloc_failed());
	check(closed(p));
	fake_server_settle();
	check_size(fake_server_count(0), 1);
	fake_peer_free(p);
	fake_peer_free(other);
}

/* A client of whom somebody has got a packet; others are told when it leaves,
 * so that from then on its memory is that departure. */
static struct fake_peer *
heard_by(struct fake_peer *other)
{
	struct fake_peer *p = fake_peer_new(0);

	fake_peer_packet(p, &other->key, slice_str("hello"));
	fake_server_settle();
	return p;
}

/* The answer to a client has no memory: that ends it, and nothing of it is used
 * afterwards. */
static void
client_survives_lack_of_memory_for_an_answer(void **state)
{
	static const uint8_t data[DERP_PING_DATA];
	struct fake_peer *other = fake_peer_new(0);
	const struct derp_key nobody = { { 1 } };
	uint8_t ping[DERP_HEADER + DERP_PING_DATA];

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct fake_peer *p = heard_by(other);
		struct writer w = writer_of(ping, sizeof ping);

		derp_ping_put(&w, data);
		use_up_turn_memory();
		fake_alloc_fail_at(1);
		if (round == 0)
			client_say_not_here(p->conn->session, &nobody);
		else
			(void)p->conn->protocol->input(p->conn, ping, w.n);
		check(fake_alloc_failed());
		check(p->conn->ended);
		check(p->conn->session == NULL);
		fake_server_settle();
		check_size(fake_server_count(0), 1);
		fake_peer_free(p);
	}
	fake_peer_free(other);
}

/* As upstream: 60 to 65 seconds, each connection its own. */
static void
client_keep_alive_is_jittered(void **state)
{
	uint64_t first = 0;
	bool differs = false;

	(void)state;
	for (int i = 0; i < 8; i++) {
		struct fake_peer *p = fake_peer_new(0);

		const struct client *client = p->conn->session;

		check(client_keep_alive_ms(client) >= 60000);
		check(client_keep_alive_ms(client) < 65000);
		differs =
		    differs || (i > 0 && client_keep_alive_ms(client) != first);
		first = client_keep_alive_ms(client);
		fake_peer_free(p);
	}
	check(differs);
}

/* A reader that takes nothing is closed when its time is up, not before. */
static void
client_ends_a_reader_that_takes_nothing(void **state)
{
	static uint8_t big[60000];
	struct fake_peer *from, *p;
	struct worker *worker;
	uint64_t since;

	(void)state;
	fake_server.worker_config.write_timeout_ms = 60;
	from = fake_peer_new(0);
	p = fake_peer_new(0);
	worker = fake_server.workers[0];
	while (!stream_blocked(&p->conn->stream)) {
		fake_peer_packet(from, &p->key, slice_of(big, sizeof big));
		fake_server_turn(0);
	}
	since = loop_now_ms(worker->loop);
	while (fake_server_count(0) == 2)
		fake_server_turn(0);
	check(loop_now_ms(worker->loop) - since >= 50);
	check(loop_now_ms(worker->loop) - since < 5000);
	check_size(counters()->write_timeouts, 1);
	fake_peer_free(from);
	fake_peer_free(p);
}

/* One that reads slowly is kept, although its socket here is full for many
 * times as long. */
static void
client_keeps_a_reader_that_makes_progress(void **state)
{
	static uint8_t big[60000];
	struct fake_peer *from, *p;
	struct worker *worker;
	uint64_t read_ms = 0, since;

	(void)state;
	fake_server.worker_config.write_timeout_ms = 60;
	from = fake_peer_new(0);
	p = fake_peer_new(0);
	worker = fake_server.workers[0];
	for (since = loop_now_ms(worker->loop);
	     loop_now_ms(worker->loop) - since < 1500;) {
		if (!stream_blocked(&p->conn->stream))
			fake_peer_packet(from, &p->key, slice_of(big, 60000));
		if (loop_now_ms(worker->loop) - read_ms >= 20) {
			check(read(p->fd, big, 8192) != -1 || errno == EAGAIN);
			read_ms = loop_now_ms(worker->loop);
		}
		fake_server_turn(0);
		check_size(fake_server_count(0), 2);
	}
	check_size(counters()->write_timeouts, 0);
	fake_peer_free(from);
	fake_peer_free(p);
}

/* One deadline for a request, and another for the login that follows it. */
static void
client_has_deadlines_before_its_login(void **state)
{
	static const char upgrade[] =
	    "GET /derp HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
	    "Derp-Fast-Start: 1\r\nUpgrade: DERP\r\n\r\n";
	struct fake_peer *silent = connect_only(), *half = connect_only();

	(void)state;
	check_size(fake_server_deadline(silent->conn), HTTP_SERVER_REQUEST_MS);
	fake_server_pass_deadline(silent->conn);
	check(closed(silent));
	check_size(counters()->http_refused, 1);
	fake_peer_send(half, slice_str(upgrade));
	fake_server_turn(0);
	check(!half->conn->ended);
	check_size(fake_server_deadline(half->conn), SESSION_LOGIN_MS);
	/* what comes slowly does not move it */
	fake_peer_send(half, slice_of("\x02\0", 2));
	usleep(20000);
	fake_server_turn(0);
	check(fake_server_deadline(half->conn) <= SESSION_LOGIN_MS - 20);
	fake_server_pass_deadline(half->conn);
	check(closed(half));
	check_size(counters()->login_failed, 1);
	fake_peer_free(silent);
	fake_peer_free(half);
}

/* Handshakes and logins wait in a queue, so that packets do not. Turns go on
 * without waiting until the queue is empty. */
static void
client_logins_take_turns(void **state)
{
	enum { LOGINS = 7 };
	struct fake_peer *p[LOGINS];
	int running = 0, turns = 0;

	(void)state;
	for (int i = 0; i < LOGINS; i++) {
		p[i] = connect_only();
		fake_peer_say_hello(p[i]);
	}
	for (; running < LOGINS; turns++) {
		loop_turn(fake_server.workers[0]->loop);
		running = 0;
		for (int i = 0; i < LOGINS; i++)
			running += fake_peer_runs(p[i]);
		check(running <= 2 * WORKER_LOGINS_PER_TURN * (turns + 1));
	}
	check(turns > 1);
	for (int i = 0; i < LOGINS; i++)
		fake_peer_free(p[i]);
}

static void
client_may_leave_while_it_waits_in_the_login_queue(void **state)
{
	enum { LOGINS = 9 };
	struct fake_peer *p[LOGINS];

	(void)state;
	for (int i = 0; i < LOGINS; i++) {
		p[i] = connect_only();
		fake_peer_say_hello(p[i]);
	}
	fake_server_turn(0);
	for (int i = 0; i < LOGINS; i++)
		if (!fake_peer_runs(p[i]) && i % 2 == 0 &&
		    login_queue_waits(&p[i]->conn->login->queue))
			conn_end(p[i]->conn, "test");
	fake_server_settle();
	for (int i = 0; i < LOGINS; i++) {
		check(closed(p[i]) || fake_peer_runs(p[i]));
		fake_peer_free(p[i]);
	}
	fake_server_settle();
	check_size(fake_server_count(0), 0);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, fake_server_setup, fake_server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(client_logs_in_wherever_the_bytes_are_split),
		TEST(client_logs_in_byte_by_byte),
		TEST(client_answers_an_upgrade),
		TEST(client_refuses_bad_logins),
		TEST(client_takes_the_largest_client_info),
		TEST(client_gets_server_info_first),
		TEST(client_survives_lack_of_memory_at_login),
		TEST(client_survives_lack_of_turn_memory_at_login),
		TEST(client_survives_lack_of_memory_for_a_keep_alive),
		TEST(client_survives_lack_of_memory_for_an_answer),
		TEST(client_keep_alive_is_jittered),
		TEST(client_ends_a_reader_that_takes_nothing),
		TEST(client_keeps_a_reader_that_makes_progress),
		TEST(client_has_deadlines_before_its_login),
		TEST(client_logins_take_turns),
		TEST(client_may_leave_while_it_waits_in_the_login_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
