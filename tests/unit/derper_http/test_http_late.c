/* http: answers that take a while: what comes meanwhile, and how it goes on.
 * The test is linked in the place of routes.c. */
#include "fake_server.h"

#include "http_conn.h"
#include "routes.h"

static struct {
	struct http_server *server; /* of the request put off last */
	unsigned requests, rooms, gones;
} late;

static void
room(void *arg)
{
	(void)arg;
	late.rooms++;
}

static void
gone(void *arg)
{
	(void)arg;
	late.gones++;
}

static const struct http_server_promise promise = { .room = room,
	.gone = gone };

void
routes_handle(struct conn *c, struct http_server *s,
    const struct http1_request *req, struct slice body)
{
	(void)c;
	(void)body;
	late.server = s;
	late.requests++;
	if (slice_is(req->path, "/now"))
		http_server_error(s, 404, "nothing");
	else
		http_server_later(s, &promise);
}

static int
setup(void **state)
{
	memset(&late, 0, sizeof late);
	return fake_server_setup(state);
}

static struct fake_peer *
ask(const char *text)
{
	struct fake_peer *p = calloc(1, sizeof *p);

	p->conn = fake_server_conn(0, &p->fd);
	check(p->conn != NULL);
	fake_peer_send(p, slice_str(text));
	fake_server_settle();
	return p;
}

static const char *
text_of(struct fake_peer *p)
{
	fake_server_settle();
	(void)fake_peer_read(p);
	p->in[p->n] = '\0';
	return (const char *)p->in;
}

static void
answer(const char *text)
{
	http_server_answer(late.server,
	    &(struct http_server_answer){
		.status = 200, .body = slice_str(text) });
}

static uint64_t
deadline_in_ms(const struct fake_peer *p)
{
	return p->conn->timer.due_ms -
	    loop_now_ms(fake_server.workers[0]->loop);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

/* Requests behind one that is not answered yet wait, in the order they came
 * in, and nothing is read for them. */
static void
http_answers_late_in_order(void **state)
{
	struct fake_peer *p = ask(GET("/a") GET("/now") GET("/b"));

	(void)state;
	check_size(late.requests, 1);
	check_int(p->conn->paused, CONN_PAUSE_ANSWER);
	fake_peer_send(p, slice_str(GET("/now")));
	check_text(text_of(p), "");
	check_size(late.requests, 1);
	answer("first");
	check_size(late.requests, 1); /* not inside of who answers */
	check_contains(text_of(p), "\r\n\r\nfirstHTTP/1.1 404 Not Found");
	check_size(late.requests, 3);
	answer("second");
	check_contains(
	    text_of(p), "\r\n\r\nnothing\nHTTP/1.1 200 OK\r\nDate: ");
	check_contains(strstr(text_of(p), "second"), "secondHTTP/1.1 404 ");
	check_size(late.requests, 4);
	check_int(p->conn->paused, 0);
	check(deadline_in_ms(p) > HTTP_SERVER_REQUEST_MS - 2000 &&
	    deadline_in_ms(p) <= HTTP_SERVER_REQUEST_MS);
	/* also when nothing follows */
	fake_peer_send(p, slice_str(GET("/c")));
	fake_server_settle();
	answer("third");
	check_contains(text_of(p), "third");
	check(deadline_in_ms(p) > HTTP_SERVER_REQUEST_MS - 2000);
	check_size(late.gones, 0);
	fake_peer_free(p);
	fake_server_settle();
	check_size(fake_server_count(0), 0);
	check_size(late.gones, 0);
}

static void
http_closes_after_a_late_answer(void **state)
{
	struct fake_peer *p = ask("GET /a HTTP/1.0\r\n\r\nGET /b");

	(void)state;
	answer("all");
	check_contains(text_of(p), "\r\nConnection: close\r\n\r\nall");
	check(p->conn->half_closed);
	fake_peer_free(p);
	fake_server_settle();
	check_size(fake_server_count(0), 0);
	check_size(late.requests, 1);
}

static void
http_tells_the_page_that_nobody_waits(void **state)
{
	struct fake_peer *p = ask(GET("/a"));

	(void)state;
	fake_peer_free(p);
	fake_server_settle();
	check_size(fake_server_count(0), 0);
	check_size(late.gones, 1);
}

static void
http_gives_up_on_a_late_page(void **state)
{
	struct fake_peer *p = ask(GET("/a") GET("/b"));

	(void)state;
	check(deadline_in_ms(p) > HTTP_SERVER_ANSWER_MS - 2000 &&
	    deadline_in_ms(p) <= HTTP_SERVER_ANSWER_MS);
	p->conn->timer.fire(p->conn);
	check_size(late.gones, 1);
	check_contains(text_of(p), "HTTP/1.1 503 Service Unavailable\r\n");
	check(p->conn->half_closed);
	check_size(late.requests, 1);
	fake_peer_free(p);
}

/* A stream waits for its reader, without a deadline of its own. */
static void
http_streams_as_it_is_read(void **state)
{
	static uint8_t bytes[1 << 16];
	struct fake_peer *p = ask(GET("/a"));
	enum http_server_room left;

	(void)state;
	check_int(http_server_stream(late.server,
		      &(struct http_server_answer){ .status = 200 }, &promise),
	    HTTP_SERVER_ROOM);
	check_size(p->conn->timer.place, 0);
	do {
		left = http_server_chunk(
		    late.server, slice_of(bytes, sizeof bytes));
	} while (left == HTTP_SERVER_ROOM);
	check_int(left, HTTP_SERVER_FULL);
	check_size(late.rooms, 0);
	while (late.rooms == 0) {
		(void)text_of(p);
		p->n = 0;
	}
	http_server_stream_end(late.server);
	check_contains(text_of(p) + p->n - 5, "0\r\n\r\n");
	fake_peer_send(p, slice_str(GET("/now")));
	check_contains(text_of(p), "\r\n\r\nHTTP/1.1 404 ");
	check_size(late.gones, 0);
	fake_peer_free(p);
}

/* An upgrade that was put off leads to DERP, and what came behind the request
 * is its. */
static void
http_upgrades_late(void **state)
{
	struct fake_peer *p = ask(GET("/a"));

	(void)state;
	http_server_upgrade(late.server);
	check_contains(text_of(p), "HTTP/1.1 101 Switching Protocols\r\n");
	fake_peer_send(p, slice_of("\x04\0\0\0\0", 5));
	fake_server_settle();
	check_size(fake_server.workers[0]->counters->login_failed, 1);
	fake_peer_free(p);
}

/* Between requests there is nothing to keep but the connection. */
static void
http_holds_no_memory_while_idle(void **state)
{
	struct fake_peer *p = calloc(1, sizeof *p);

	(void)state;
	p->conn = fake_server_conn(0, &p->fd);
	check_ptr(p->conn->session, &fake_server.ports[0]);
	fake_peer_send(p, slice_str("GET /now"));
	fake_server_settle();
	check(p->conn->session != &fake_server.ports[0]);
	fake_peer_send(p, slice_str(" HTTP/1.1\r\nHost: h\r\n\r\n"));
	fake_server_settle();
	check_ptr(p->conn->session, &fake_server.ports[0]);
	fake_peer_send(p, slice_str(GET("/now")));
	fake_server_settle();
	check_size(late.requests, 2);
	check_ptr(p->conn->session, &fake_server.ports[0]);
	fake_peer_free(p);
}

/* A first request that comes in pieces has the time that the connection has
 * left; one that follows has its own. */
static void
http_gives_the_first_request_no_more_time(void **state)
{
	struct fake_peer *p = calloc(1, sizeof *p);
	uint64_t due_ms;

	(void)state;
	p->conn = fake_server_conn(0, &p->fd);
	due_ms = p->conn->timer.due_ms;
	usleep(3000);
	fake_peer_send(p, slice_str("GET /now"));
	fake_server_settle();
	check_size(p->conn->timer.due_ms, due_ms);
	fake_peer_send(p, slice_str(" HTTP/1.1\r\nHost: h\r\n\r\n"));
	fake_server_settle();
	check(p->conn->timer.due_ms > due_ms);
	p->conn->timer.fire(p->conn);
	check_size(fake_server.workers[0]->counters->http_refused, 0);
	fake_server_settle();
	check_size(fake_server_count(0), 0);
	fake_peer_free(p);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, fake_server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(http_answers_late_in_order),
		TEST(http_closes_after_a_late_answer),
		TEST(http_tells_the_page_that_nobody_waits),
		TEST(http_gives_up_on_a_late_page),
		TEST(http_streams_as_it_is_read),
		TEST(http_upgrades_late),
		TEST(http_holds_no_memory_while_idle),
		TEST(http_gives_the_first_request_no_more_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
