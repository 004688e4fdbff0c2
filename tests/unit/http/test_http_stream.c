/* http_server: streamed answers: chunks, what holds them up, how they end. */
#include "http_owner.h"

#define HOST " HTTP/1.1\r\nHost: h\r\n"

/* Starts a stream; the test goes on from there. */
static void
start(struct owner *o, const struct http1_request *req, struct slice body)
{
	const struct http_server_promise promise = owner_promise(o);

	(void)req;
	(void)body;
	(void)http_server_stream(&o->server,
	    &(struct http_server_answer){ .status = 200, .type = "text/plain" },
	    &promise);
}

/* A whole stream within the handler. */
static void
whole(struct owner *o, const struct http1_request *req, struct slice body)
{
	start(o, req, body);
	(void)http_server_chunk(&o->server, slice_str("all"));
	http_server_stream_end(&o->server);
}

static void
later(struct owner *o, const struct http1_request *req, struct slice body)
{
	const struct http_server_promise promise = owner_promise(o);

	(void)req;
	(void)body;
	http_server_later(&o->server, &promise);
}

static enum http_server_room
chunk(struct owner *o, const char *text)
{
	return http_server_chunk(&o->server, slice_str(text));
}

static void
http_server_streams_chunks(void **state)
{
	struct owner *o = owner_open(start);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\nGET /next" HOST "\r\n");
	check_contains(owner_text(o),
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: ");
	check_contains(
	    owner_text(o), "GMT\r\nTransfer-Encoding: chunked\r\n\r\n");
	check_null(strstr(owner_text(o), "Content-Length"));
	check_size(o->deadline_ms, 0);
	check(o->paused);
	owner_read(o);
	check_int(chunk(o, "hello"), HTTP_SERVER_ROOM);
	check_int(chunk(o, ""), HTTP_SERVER_ROOM); /* would be the end */
	check_int(chunk(o, "0123456789abcdef"), HTTP_SERVER_ROOM);
	check_text(owner_text(o), "5\r\nhello\r\n10\r\n0123456789abcdef\r\n");
	check_size(o->writes, 2);
	check_size(o->requests, 1);
	owner_read(o);
	http_server_stream_end(&o->server);
	check_text(owner_text(o), "0\r\n\r\n");
	check_size(o->deadline_ms, HTTP_SERVER_REQUEST_MS);
	check(!o->paused);
	owner_run(o);
	check_size(o->requests, 2);
	/* nothing belongs to a stream that has ended */
	http_server_stream_end(&o->server);
	owner_read(o);
	http_server_stream_end(&o->server);
	check_int(chunk(o, "x"), HTTP_SERVER_GONE);
	check_size(o->out_n, 0);
	check_size(o->gones, 0);
	owner_close(o);
}

static void
http_server_streams_within_the_handler(void **state)
{
	struct owner *o = owner_open(whole);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\nGET /" HOST "\r\n");
	check_size(o->requests, 2);
	check_size(owner_count(o, "\r\n\r\n3\r\nall\r\n0\r\n\r\n"), 2);
	check_size(o->pauses, 0);
	check(!o->finished);
	owner_close(o);
}

static void
http_server_cuts_big_chunks(void **state)
{
	static uint8_t bytes[40000];
	struct owner *o = owner_open(start);

	(void)state;
	memset(bytes, 'x', sizeof bytes);
	owner_feed(o, "GET /" HOST "\r\n");
	owner_read(o);
	check_int(http_server_chunk(&o->server, slice_of(bytes, sizeof bytes)),
	    HTTP_SERVER_ROOM);
	check_size(o->writes, 3);
	check_size(owner_count(o, "4000\r\nxx"), 2);
	check_size(owner_count(o, "1c40\r\nxx"), 1); /* 40000 - 32768 */
	check_size(o->out_n, 40000 + 3 * 8);
	owner_close(o);
}

/* HTTP/1.0 knows no chunks: the connection's end is the body's. */
static void
http_server_streams_to_http10_until_it_closes(void **state)
{
	struct owner *o = owner_open(start);

	(void)state;
	owner_feed(o, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	check_contains(owner_text(o), "\r\nConnection: close\r\n\r\n");
	check_null(strstr(owner_text(o), "Transfer-Encoding"));
	owner_read(o);
	check_int(chunk(o, "hello"), HTTP_SERVER_ROOM);
	check_text(owner_text(o), "hello");
	check(!o->finished);
	http_server_stream_end(&o->server);
	check_text(owner_text(o), "hello");
	check(o->finished && !o->paused);
	owner_close(o);
}

static void
http_server_streams_nothing_to_head(void **state)
{
	struct owner *o = owner_open(whole);

	(void)state;
	owner_feed(o, "HEAD /" HOST "\r\n");
	check_contains(
	    owner_text(o), "GMT\r\nTransfer-Encoding: chunked\r\n\r\n");
	check_null(strstr(owner_text(o), "all"));
	check_size(o->writes, 1);
	check(!o->finished);
	owner_close(o);
}

static void
http_server_waits_for_room(void **state)
{
	struct owner *o = owner_open(start);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\n");
	http_server_writable(&o->server);
	check_size(o->rooms, 1);
	o->unsent = 1;
	check_int(chunk(o, "a"), HTTP_SERVER_FULL);
	http_server_writable(&o->server);
	check_size(o->rooms, 1); /* some of it is still unsent */
	o->unsent = 0;
	http_server_writable(&o->server);
	check_size(o->rooms, 2);
	check_int(chunk(o, "b"), HTTP_SERVER_ROOM);
	http_server_stream_end(&o->server);
	http_server_writable(&o->server);
	check_size(o->rooms, 2);
	owner_close(o);
}

/* A handler that does not stop when it is told loses its client, not the
 * memory of the others. */
static void
http_server_limits_unread_streams(void **state)
{
	struct owner *o = owner_open(start);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\n");
	o->unsent = HTTP_SERVER_UNREAD_MAX;
	check_int(chunk(o, "a"), HTTP_SERVER_FULL);
	o->unsent++;
	owner_read(o);
	check_int(chunk(o, "b"), HTTP_SERVER_GONE);
	check_size(o->writes, 0);
	check_text(o->aborted, "the client reads no answers");
	check_int(chunk(o, "c"), HTTP_SERVER_GONE);
	/* it was told by the result */
	http_server_close(&o->server);
	check_size(o->gones, 0);
	owner_close(o);
}

static void
http_server_tells_a_stream_that_its_reader_is_gone(void **state)
{
	struct owner *o = owner_open(start);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\n");
	http_server_close(&o->server);
	check_size(o->gones, 1);
	owner_read(o);
	check_int(chunk(o, "a"), HTTP_SERVER_GONE);
	http_server_stream_end(&o->server);
	check_size(o->writes, 0);
	check(!o->finished);
	owner_close(o);
	/* lost within a call: by its result only */
	o = owner_open(start);
	owner_feed(o, "GET /" HOST "\r\n");
	o->close_in_write = true;
	check_int(chunk(o, "a"), HTTP_SERVER_GONE);
	check_size(o->gones, 0);
	owner_close(o);
	o = owner_open(start);
	o->write_fails = true;
	owner_feed(o, "GET /" HOST "\r\n");
	http_server_close(&o->server);
	check_size(o->gones, 0);
	owner_close(o);
}

static void
http_server_streams_later(void **state)
{
	struct owner *o = owner_open(later);

	(void)state;
	owner_feed(o, "GET /" HOST "Connection: close\r\n\r\n");
	check(o->paused);
	start(o, NULL, slice_of(NULL, 0));
	check(o->paused);
	check_contains(owner_text(o),
	    "\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
	check_int(chunk(o, "a"), HTTP_SERVER_ROOM);
	check(!o->finished);
	http_server_stream_end(&o->server);
	check(o->finished && !o->paused);
	http_server_close(&o->server);
	check_size(o->gones, 0);
	owner_close(o);
}

/* A stream has no deadline of its own; the owner's timer may be late. */
static void
http_server_lets_streams_take_their_time(void **state)
{
	struct owner *o = owner_open(start);

	(void)state;
	owner_feed(o, "GET /" HOST "\r\n");
	owner_read(o);
	(void)http_server_timed_out(&o->server);
	check_size(o->writes, 0);
	check_size(o->gones, 0);
	check_int(chunk(o, "a"), HTTP_SERVER_ROOM);
	owner_close(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_server_streams_chunks),
		cmocka_unit_test(http_server_streams_within_the_handler),
		cmocka_unit_test(http_server_cuts_big_chunks),
		cmocka_unit_test(http_server_streams_to_http10_until_it_closes),
		cmocka_unit_test(http_server_streams_nothing_to_head),
		cmocka_unit_test(http_server_waits_for_room),
		cmocka_unit_test(http_server_limits_unread_streams),
		cmocka_unit_test(
		    http_server_tells_a_stream_that_its_reader_is_gone),
		cmocka_unit_test(http_server_streams_later),
		cmocka_unit_test(http_server_lets_streams_take_their_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
