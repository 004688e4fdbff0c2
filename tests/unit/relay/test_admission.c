/* admission: clients that are parked, let in, turned away or gone meanwhile. */
#include "fake_alloc.h"
#include "fake_server.h"

#include "admission.h"
#include "clock.h"
#include "conn_websocket.h"
#include "fetch.h"
#include "session.h"
#include "verify.h"
#include "ws_frame.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define PATIENCE_MS 60000 /* nothing that works takes as long */

/* Whether it is parked until admission answers. */
static bool
waits(const struct fake_peer *p)
{
	return !p->conn->ended && (p->conn->paused & CONN_PAUSE_ADMISSION) != 0;
}

struct fixture {
	struct fake_peer *p;
	int listener; /* the admission URL's, that never answers */
	char url[64], nodes[64];
	struct verify_config config;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct fake_config config = fake_server_config();
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof sin;
	struct fail why = { 0 };

	f->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	check_int(bind(f->listener, (struct sockaddr *)&sin, len), 0);
	check_int(listen(f->listener, 8), 0);
	check_int(getsockname(f->listener, (struct sockaddr *)&sin, &len), 0);
	snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d/verify",
	    ntohs(sin.sin_port));
	strcpy(f->nodes, "/tmp/test_admission.XXXXXX");
	close(mkstemp(f->nodes));
	fake_server_open(&config);
	f->p = calloc(1, sizeof *f->p);
	fake_peer_key(f->p);
	f->config = (struct verify_config){ 0 };
	assert_non_null(verify_config_add(&f->config, "url", f->url, &why));
	*state = f;
	return 0;
}

/* The URL's port is closed, and whoever has asked there knows it. */
static void
hang_up(struct fixture *f)
{
	if (f->listener != -1)
		close(f->listener);
	f->listener = -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	verify_current_free(fake_server.shared.verify);
	fake_server.shared.verify = NULL;
	fake_peer_free(f->p);
	fake_server_close();
	(void)unlink(f->nodes);
	hang_up(f);
	free(f);
	return 0;
}

static void
start(struct fixture *f)
{
	struct fail why = { 0 };

	fake_server.shared.verify = verify_current_new(&f->config, &why);
	check_text(why.text, "");
	f->p->conn = fake_server_conn(0, &f->p->fd);
	f->p->n = 0;
	fake_peer_say_hello(f->p);
	fake_peer_packet(f->p, &f->p->key, slice_str("to myself"));
	fake_server_turn(0);
}

static void
list(struct fixture *f, const struct derp_key *key)
{
	char text[DERP_KEY_TEXT];
	FILE *file = fopen(f->nodes, "w");
	struct fail why = { 0 };

	derp_key_format(key, text);
	fprintf(file, "%s\n", text);
	fclose(file);
	f->config = (struct verify_config){ 0 };
	assert_non_null(verify_config_add(&f->config, "nodes", f->nodes, &why));
}

/* Turns until the client runs or is gone; whether it runs. */
static bool
wait_for(struct fixture *f)
{
	const uint64_t since = clock_now_ms();

	while (fake_server_count(0) > 0 && !fake_peer_runs(f->p)) {
		check(clock_now_ms() - since < PATIENCE_MS);
		usleep(2000);
		fake_server_turn(0);
	}
	fake_server_settle();
	return fake_server_count(0) > 0;
}

/* The frames after ClientInfo came while it was parked, and are not lost. */
static void
check_runs(struct fake_peer *p)
{
	struct derp_frame frame;

	check(fake_peer_frame(p, &frame) && frame.type == DERP_SERVER_KEY);
	check(fake_peer_frame(p, &frame) && frame.type == DERP_SERVER_INFO);
	check(fake_peer_frame(p, &frame) && frame.type == DERP_RECV_PACKET);
}

static void
admission_lets_in_who_is_listed(void **state)
{
	struct fixture *f = *state;

	list(f, &f->p->key);
	start(f);
	check(wait_for(f));
	check_runs(f->p);
	check_size(fake_server.workers[0]->counters->rejected, 0);
}

/* Success, then the end: no frame tells. */
static void
admission_turns_away_who_is_not(void **state)
{
	struct fixture *f = *state;
	struct derp_frame frame;

	list(f, &fake_server.public_key);
	start(f);
	check(!wait_for(f));
	check(!fake_peer_read(f->p));
	check(fake_peer_frame(f->p, &frame) && frame.type == DERP_SERVER_KEY);
	check(!fake_peer_frame(f->p, &frame));
	check_size(fake_server.workers[0]->counters->rejected, 1);
	check_size(registry_count(fake_server.shared.registry, &f->p->key), 0);
}

/* Parked: nothing more is read, and nobody can reach it. */
static void
admission_parks_while_it_asks(void **state)
{
	struct fixture *f = *state;

	f->config.ask_ms = PATIENCE_MS;
	start(f);
	check(waits(f->p));
	fake_server_settle();
	check(waits(f->p));
	check_size(registry_count(fake_server.shared.registry, &f->p->key), 0);
	check(!f->p->conn->stream.reading);
	hang_up(f);
	check(!wait_for(f));
	check_size(fake_server.workers[0]->counters->rejected, 1);
}

/* The answer finds nobody, or another one in the slot. */
static void
admission_answers_nobody_who_has_gone(void **state)
{
	struct fixture *f = *state;
	struct fake_peer *next;
	const uint64_t since = clock_now_ms();

	f->config.ask_ms = 200;
	f->config.sources[0].outage = VERIFY_OUTAGE_OPEN;
	start(f);
	check(waits(f->p));
	fake_peer_leave(f->p);
	fake_server_settle();
	check_size(fake_server_count(0), 0);
	next = calloc(1, sizeof *next);
	next->conn = fake_server_conn(0, &next->fd);
	check_int(next->conn->addr.slot, 0);
	while (clock_now_ms() - since < 500) {
		usleep(5000);
		fake_server_turn(0);
	}
	check(!next->conn->ended);
	check(!fake_peer_runs(next));
	check_int(next->conn->protocol->max_reads, 0); /* HTTP still */
	fake_peer_free(next);
}

/* A URL that takes the question and says nothing is unreachable when the time
 * is up. The relay's own limit must leave it that time, or nobody is let in. */
static void
admission_fails_open_when_the_url_hangs(void **state)
{
	struct fixture *f = *state;

	check(SESSION_ADMISSION_MS > VERIFY_ASK_MS); /* no race */
	f->config.sources[0].outage = VERIFY_OUTAGE_OPEN;
	/* as much less than the relay's limit as a busy machine may need */
	f->config.ask_ms = SESSION_ADMISSION_MS - 5000;
	start(f);
	check(waits(f->p));
	check(wait_for(f));
	check_runs(f->p);
}

static void
admission_survives_lack_of_memory(void **state)
{
	struct fixture *f = *state;
	struct verify_current *verify;
	bool failed = true;

	list(f, &f->p->key);
	start(f);
	check(wait_for(f));
	verify = fake_server.shared.verify;
	check(verify != NULL);
	for (size_t n = 1; failed; n++) {
		fake_peer_leave(f->p);
		fake_server_settle();
		f->p->conn = fake_server_conn(0, &f->p->fd);
		f->p->n = 0;
		fake_peer_say_hello(f->p);
		fake_alloc_fail_at(n);
		fake_server_turn(0);
		usleep(20000);
		fake_server_settle();
		failed = fake_alloc_failed();
		check(fake_server_count(0) <= 1);
	}
	check(fake_peer_runs(f->p));
}

/* Starts the engine with the relay's own functions as its watch. */
static void
watch(struct fixture *f)
{
	f->config.watch = (struct verify_watch){ admission_is_connected,
		admission_revoked, &fake_server.shared, NULL };
	f->config.context.refresh_ms = 20;
}

/* Who is connected, and from where: the engine asks about them with that. */
static void
admission_tells_who_is_connected(void **state)
{
	struct fixture *f = *state;
	struct verify_client *clients = NULL;
	struct netaddr remote;
	size_t count = 0;

	check_int(
	    admission_connected(&fake_server.shared, &clients, &count), 0);
	check_size(count, 0);
	free(clients);
	clients = NULL;
	check_int(netaddr_parse_ip(&remote, slice_str("192.0.2.7")), 0);
	f->p->conn = fake_server_conn(0, &f->p->fd);
	f->p->conn->remote = remote;
	fake_peer_say_hello(f->p);
	fake_server_turn(0);
	check(fake_peer_runs(f->p));
	check_int(
	    admission_connected(&fake_server.shared, &clients, &count), 0);
	check_size(count, 1);
	check_bytes(clients[0].key.b, f->p->key.b, sizeof f->p->key.b);
	check(clients[0].addr.is_set && clients[0].addr.is_v4);
	check_bytes(clients[0].addr.ip, remote.ip, sizeof remote.ip);
	free(clients);
}

/* Another list, without the client, is in force when this returns. */
static void
unlist(struct fixture *f)
{
	struct verify_current *v = fake_server.shared.verify;
	const uint64_t epoch = verify_current_epoch(v);
	char text[DERP_KEY_TEXT];
	FILE *file = fopen(f->nodes, "w");

	derp_key_format(&fake_server.public_key, text);
	fprintf(file, "%s\n", text);
	fclose(file);
	for (unsigned i = 0; verify_current_epoch(v) == epoch; i++) {
		check(i < PATIENCE_MS);
		usleep(1000);
	}
}

static void
admission_ends_who_is_not_listed_any_more(void **state)
{
	struct fixture *f = *state;

	list(f, &f->p->key);
	watch(f);
	start(f);
	check(wait_for(f));
	unlist(f);
	for (unsigned i = 0; fake_server_count(0) > 0; i++) {
		check(i < PATIENCE_MS);
		usleep(1000);
		fake_server_turn(0);
	}
	check_size(fake_server.workers[0]->counters->revoked, 1);
	check_size(registry_count(fake_server.shared.registry, &f->p->key), 0);
}

/* A connection that speaks WebSocket is still there while it waits for the
 * peer to close, and has left: the revocation finds nobody. */
static void
admission_ends_nobody_who_is_closing(void **state)
{
	struct fixture *f = *state;

	fake_peer_login(f->p, 0);
	check_int(conn_websocket_begin(f->p->conn), 0);
	check_int(admission_revoked(
		      &fake_server.shared, &f->p->key, "a list", "not listed"),
	    0);
	conn_websocket_close(
	    f->p->conn, WS_CLOSE_PROTOCOL_ERROR, "a bad frame");
	fake_server_settle();
	check_size(fake_server_count(0), 1);
	check(!f->p->conn->ended);
	check_size(fake_server.workers[0]->counters->revoked, 0);
	check_size(registry_count(fake_server.shared.registry, &f->p->key), 0);
}

/* The answer is on its way, and allows; then the list changes; then the answer
 * arrives. Nobody would ever look at this client again. */
static void
admission_asks_again_when_overtaken(void **state)
{
	struct fixture *f = *state;
	struct fail why = { 0 };
	struct verify_source_config *url;
	struct verify_counters counters;

	list(f, &f->p->key);
	url = verify_config_add(&f->config, "url", f->url, &why);
	assert_non_null(url);
	url->outage = VERIFY_OUTAGE_OPEN;
	f->config.ask_ms = 200;
	watch(f);
	start(f);
	check(waits(f->p));
	do {
		usleep(5000);
		verify_current_get_counters(
		    fake_server.shared.verify, &counters);
	} while (counters.allowed == 0);
	usleep(20000); /* it is posted */
	unlist(f);
	for (unsigned i = 0; fake_server_count(0) > 0; i++) {
		check(i < PATIENCE_MS);
		usleep(1000);
		fake_server_turn(0);
	}
	check_size(fake_server.workers[0]->counters->accepts, 1);
	check_size(fake_server.workers[0]->counters->revoked, 1);
}

/* Whatever admission does, nobody waits for longer than that. */
static void
admission_has_a_deadline(void **state)
{
	struct fixture *f = *state;

	start(f);
	check(waits(f->p));
	check(fake_server_deadline(f->p->conn) <= SESSION_ADMISSION_MS);
	check(fake_server_deadline(f->p->conn) > SESSION_ADMISSION_MS - 50);
	fake_server_pass_deadline(f->p->conn);
	check_size(fake_server_count(0), 0);
	check_size(fake_server.workers[0]->counters->rejected, 1);
	check_size(fake_server.workers[0]->counters->accepts, 0);
}

static int
start_fetch(void **state)
{
	(void)state;
	return sodium_init() != -1 ? fetch_global_init() : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(admission_lets_in_who_is_listed),
		TEST(admission_turns_away_who_is_not),
		TEST(admission_parks_while_it_asks),
		TEST(admission_answers_nobody_who_has_gone),
		TEST(admission_fails_open_when_the_url_hangs),
		TEST(admission_has_a_deadline),
		TEST(admission_survives_lack_of_memory),
		TEST(admission_tells_who_is_connected),
		TEST(admission_ends_who_is_not_listed_any_more),
		TEST(admission_ends_nobody_who_is_closing),
		TEST(admission_asks_again_when_overtaken),
	};

	return cmocka_run_group_tests(tests, start_fetch, NULL);
}
