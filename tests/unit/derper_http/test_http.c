/* http and routes: pages, errors, redirects, what closes, bad requests. */
#include "fake_alloc.h"
#include "fake_server.h"
#include "http1.h"

static struct counters *
counters(void)
{
	return fake_server.workers[0]->counters;
}

static struct fake_peer *
dial(void)
{
	struct fake_peer *p = calloc(1, sizeof *p);

	p->conn = fake_server_conn(0, &p->fd);
	check(p->conn != NULL);
	return p;
}

/* What came as text; *open tells whether the connection is. */
static const char *
text_of(struct fake_peer *p, bool *open)
{
	fake_server_settle();
	*open = fake_peer_read(p);
	p->in[p->n] = '\0';
	return (const char *)p->in;
}

/* Sends a request on a connection of its own: the answer holds all the parts
 * (NULL ends them), and the connection is open or closed afterwards. */
static void
asks_on(bool on_http_port, const char *request, bool stays,
    const char *const *parts)
{
	struct fake_peer *p;
	const char *text;
	bool open;

	fake_server.port.plain_port = on_http_port;
	p = dial();
	fake_peer_send(p, slice_str(request));
	text = text_of(p, &open);
	for (; *parts != NULL; parts++)
		check_contains(text, *parts);
	check_int(open, stays);
	fake_peer_free(p);
	fake_server_settle();
	check_size(fake_server_count(0), 0);
}

#define asks(request, stays, ...) \
	asks_on(                  \
	    false, request, stays, (const char *const[]){ __VA_ARGS__, NULL })
#define asks_80(request, ...) \
	asks_on(true, request, true, (const char *const[]){ __VA_ARGS__, NULL })
#define LONG_13 "aaaaaaaaaaaaa"
#define LONG_65 LONG_13 LONG_13 LONG_13 LONG_13 LONG_13
#define HOST " HTTP/1.1\r\nHost: h\r\n"

static void
http_answers_probes(void **state)
{
	(void)state;
	fake_server.site.derp = false; /* served all the same */
	asks("GET /derp/probe" HOST "\r\n", true, "HTTP/1.1 200 OK\r\n",
	    "\r\nAccess-Control-Allow-Origin: *\r\n",
	    "\r\nContent-Length: 0\r\n", "\r\nDate: ");
	asks("HEAD /derp/latency-check?x=1" HOST "\r\n", true,
	    "HTTP/1.1 200 OK\r\n", "\r\nAccess-Control-Allow-Origin: *\r\n");
	asks("POST /derp/probe" HOST "\r\n", true,
	    "HTTP/1.1 405 Method Not Allowed\r\n", "\r\nContent-Length: 19\r\n",
	    "\r\n\r\nbogus probe method\n");
	asks("GET /derp" HOST "Upgrade: DERP\r\n\r\n", true, "404 Not Found",
	    "\r\n\r\nderp server disabled\n");
}

static void
http_echoes_good_challenges_only(void **state)
{
	static const char *const bad[] = { "", "a b", "a/b", "a\tb", "\x80",
		LONG_65 };
	char request[512];

	(void)state;
	asks("GET /generate_204" HOST
	     "X-Tailscale-Challenge: ts_derp99b.tailscale.com:1-A\r\n\r\n",
	    true, "HTTP/1.1 204 No Content\r\n",
	    "\r\nCache-Control: no-cache, no-store, must-revalidate, "
	    "no-transform, max-age=0\r\n",
	    "\r\nX-Tailscale-Response: response "
	    "ts_derp99b.tailscale.com:1-A\r\n");
	asks_80("GET /generate_204" HOST "X-Tailscale-Challenge: x\r\n\r\n",
	    "204 No Content", "X-Tailscale-Response: response x\r\n");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct fake_peer *p = dial();
		const char *text;
		bool open;

		snprintf(request, sizeof request,
		    "GET /generate_204" HOST
		    "X-Tailscale-Challenge: %s\r\n\r\n",
		    bad[i]);
		fake_peer_send(p, slice_str(request));
		text = text_of(p, &open);
		check_contains(text, "HTTP/1.1 204 No Content\r\n");
		check_null(strstr(text, "X-Tailscale-Response"));
		check_null(strstr(text, "Content-Length"));
		fake_peer_free(p);
	}
}

static void
http_serves_pages(void **state)
{
	(void)state;
	asks("GET /" HOST "\r\n", true, "HTTP/1.1 200 OK\r\n",
	    "\r\nContent-Type: text/html; charset=utf-8\r\n",
	    "\r\nStrict-Transport-Security: max-age=63072000; "
	    "includeSubDomains\r\n",
	    "\r\nX-Frame-Options: DENY\r\n", "</html>\n");
	asks("PUT /whatever" HOST "\r\n", true, "200 OK", "</html>\n");
	asks("GET /derp/" HOST "Upgrade: DERP\r\n\r\n", true, "200 OK",
	    "</html>\n");
	asks("GET /robots.txt" HOST "\r\n", true, "200 OK",
	    "text/plain; charset=utf-8",
	    "\r\n\r\nUser-agent: *\nDisallow: /\n");
	asks("GET /bootstrap-dns?q=x" HOST "\r\n", false, "200 OK",
	    "\r\nContent-Type: application/json\r\n",
	    "\r\nConnection: close\r\n", "\r\nContent-Length: 0\r\n");
	fake_server.site.derp = false;
	asks("GET /" HOST "\r\n", true, "disabled");
	fake_server.site.home_blank = true;
	asks("GET /" HOST "\r\n", true, "200 OK", "Content-Length: 0\r\n");
	fake_server.site.home_url = "https://example.net/a?b=\"<c>";
	asks("GET /" HOST "\r\n", true, "302 Found",
	    "\r\nLocation: https://example.net/a?b=\"<c>\r\n",
	    "<a href=\"https://example.net/a?b=&#34;&lt;c&gt;\">");
}

static void
http_wants_an_upgrade_on_derp(void **state)
{
	(void)state;
	asks("GET /derp" HOST "\r\n", true, "HTTP/1.1 426 Upgrade Required",
	    "\r\nX-Content-Type-Options: nosniff\r\n",
	    "\r\n\r\nDERP requires connection upgrade\n");
	asks("GET /derp" HOST "Upgrade: h2c\r\n\r\n", true, "426 Upgrade");
	/* so do ancient clients say, and speak raw DERP */
	asks("GET /derp" HOST "Upgrade: WebSocket\r\n\r\n", true,
	    "HTTP/1.1 101 Switching Protocols\r\n");
	asks("CONNECT h:443" HOST "\r\n", true, "403 Forbidden",
	    "CONNECT not enabled\n");
	check_size(counters()->derp_without_upgrade, 2);
}

#define WEBSOCKET                                  \
	HOST "Connection: keep-alive, Upgrade\r\n" \
	     "Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
#define WEBSOCKET_KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define WEBSOCKET_DERP "Sec-WebSocket-Protocol: derp\r\n"

/* The key and its answer are those of RFC 6455 section 1.3. */
static void
http_upgrades_to_websocket(void **state)
{
	(void)state;
	asks("GET /derp" WEBSOCKET WEBSOCKET_KEY
	     "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	     "Origin: null\r\nSec-WebSocket-Protocol: chat, derp\r\n\r\n",
	    true, "HTTP/1.1 101 Switching Protocols\r\n",
	    "\r\nUpgrade: websocket\r\n", "\r\nConnection: Upgrade\r\n",
	    "\r\nSec-WebSocket-Protocol: derp\r\n",
	    "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
	check_size(counters()->websocket_accepts, 1);
	/* another spelling is answered, and closed with 1008 */
	asks("GET /derp" WEBSOCKET WEBSOCKET_KEY
	     "Sec-WebSocket-Protocol: xderp,DERP\r\n\r\n",
	    false, "HTTP/1.1 101 Switching Protocols\r\n",
	    "\r\nSec-WebSocket-Protocol: DERP\r\n",
	    "client must speak the derp subprotocol");
	check_size(counters()->websocket_accepts, 1);
	check_size(counters()->websocket_refused, 1);
}

static void
http_refuses_bad_websocket_handshakes(void **state)
{
	(void)state;
	asks("GET /derp HTTP/1.0\r\nUpgrade: websocket\r\n" WEBSOCKET_DERP
	     "\r\n",
	    false, "426 Upgrade Required", "must be at least HTTP/1.1");
	asks("GET /derp" HOST "Upgrade: websocket\r\n" WEBSOCKET_DERP "\r\n",
	    true, "426 Upgrade Required", "\r\nUpgrade: websocket\r\n",
	    "\r\nX-Content-Type-Options: nosniff\r\n",
	    "Connection header \"\" does not contain Upgrade\n");
	asks("POST /derp" WEBSOCKET WEBSOCKET_DERP "\r\n", true,
	    "405 Method Not Allowed", "is not GET but \"POST\"\n");
	asks("GET /derp" HOST "Connection: upgrade\r\nUpgrade: websocket\r\n"
	     "Sec-WebSocket-Version: 8\r\n" WEBSOCKET_DERP "\r\n",
	    true, "400 Bad Request", "\r\nSec-WebSocket-Version: 13\r\n",
	    "(only 13 is supported): \"8\"\n");
	asks("GET /derp" WEBSOCKET WEBSOCKET_DERP "\r\n", true,
	    "400 Bad Request", "missing Sec-WebSocket-Key\n");
	asks("GET /derp" WEBSOCKET WEBSOCKET_DERP WEBSOCKET_KEY WEBSOCKET_KEY
	     "\r\n",
	    true, "400 Bad Request", "multiple Sec-WebSocket-Key headers\n");
	asks("GET /derp" WEBSOCKET WEBSOCKET_DERP
	     "Sec-WebSocket-Key: c2hvcnQ=\r\n\r\n",
	    true, "400 Bad Request", "invalid Sec-WebSocket-Key \"c2hvcnQ=\"");
	asks("GET /derp" WEBSOCKET WEBSOCKET_DERP WEBSOCKET_KEY
	     "Origin: http://[::1\r\n\r\n",
	    true, "403 Forbidden", "failed to parse Origin header");
	check_size(counters()->websocket_refused, 8);
	check_size(counters()->derp_without_upgrade, 0);
	/* without a protocol it is not a WebSocket handshake */
	asks("GET /derp" WEBSOCKET WEBSOCKET_KEY "\r\n", true,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: DERP\r\n");
}

static void
http_tells_its_health(void **state)
{
	(void)state;
	asks("GET /healthz" HOST "\r\n", true, "HTTP/1.1 200 OK\r\n",
	    "\r\nContent-Type: text/plain; charset=utf-8\r\n",
	    "\r\nCache-Control: no-store\r\n", "\r\nContent-Length: 2\r\n",
	    "\r\n\r\nok");
	asks_80("GET /healthz" HOST "\r\n", "200 OK", "\r\n\r\nok");
	service_drain(fake_server.services[0], 1000);
	fake_server_settle();
	asks("GET /healthz" HOST "\r\n", true,
	    "HTTP/1.1 503 Service Unavailable\r\n", "\r\n\r\nshutting down");
	asks_80("HEAD /healthz" HOST "\r\n", "503 Service Unavailable");
}

/* "*" is the server as a whole; an absolute target names another host than
 * Host, and goes before it. */
static void
http_answers_every_form_of_target(void **state)
{
	(void)state;
	asks("OPTIONS *" HOST "\r\n", true, "HTTP/1.1 200 OK\r\n",
	    "\r\nContent-Length: 0\r\n");
	asks("GET *" HOST "\r\n", false, "HTTP/1.1 400 Bad Request\r\n",
	    "\r\nContent-Length: 0\r\n", "\r\nConnection: close\r\n");
	asks_80("OPTIONS *" HOST "\r\n", "HTTP/1.1 200 OK\r\n");
	asks("GET http://other/derp/probe?x" HOST "\r\n", true, "200 OK",
	    "Access-Control-Allow-Origin");
	asks("GET http://other//a?z" HOST "\r\n", true,
	    "\r\nLocation: /a?z\r\n");
	asks_80("GET http://other:81/x?y=1" HOST "\r\n", "302 Found",
	    "\r\nLocation: https://other:81/x?y=1\r\n");
	asks_80("GET http://other?y" HOST "\r\n", "302 Found",
	    "\r\nLocation: https://other/?y\r\n");
	asks_80("GET https://other" HOST "\r\n", "302 Found",
	    "\r\nLocation: https://other/\r\n");
	asks_80("GET http://other/generate_204" HOST "\r\n", "204 No");
}

static void
http_cleans_paths(void **state)
{
	(void)state;
	asks("GET //derp" HOST "\r\n", true, "301 Moved",
	    "\r\nLocation: /derp\r\n");
	asks("GET /a/../derp/./probe" HOST "\r\n", true,
	    "\r\nLocation: /derp/probe\r\n");
	asks("GET /../../" HOST "\r\n", true, "\r\nLocation: /\r\n");
	asks("GET /debug" HOST "\r\n", true, "301 Moved",
	    "\r\nLocation: /debug/\r\n");
	/* as Go's: the query stays */
	asks("GET //derp?x=1&y" HOST "\r\n", true, "301 Moved",
	    "\r\nLocation: /derp?x=1&y\r\n");
}

static void
http_sends_port_80_to_https(void **state)
{
	(void)state;
	asks_80("GET /x?y=1" HOST "\r\n", "302 Found",
	    "\r\nLocation: https://h/x?y=1\r\n");
	asks_80("GET /derp" HOST "Upgrade: DERP\r\n\r\n", "302 Found",
	    "\r\nLocation: https://h/derp\r\n");
	asks_80("POST /x" HOST "\r\n", "400 Bad Request", "Use HTTPS\n");
	/* as upstream: the clean path first */
	asks_80(
	    "GET /a/../x?y" HOST "\r\n", "301 Moved", "\r\nLocation: /x?y\r\n");
	asks_80("GET /debug" HOST "\r\n", "\r\nLocation: /debug/\r\n");
	/* no host to send it to */
	asks_80("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	    "400 Bad Request", "Use HTTPS\n");
}

/* Several requests in one read, and one in many. */
static void
http_keeps_the_connection(void **state)
{
	static const char two[] =
	    "GET /derp/probe" HOST "\r\nGET /robots.txt" HOST "\r\n";
	struct fake_peer *p = dial();
	const char *text;
	bool open;

	(void)state;
	fake_peer_send(p, slice_str(two));
	text = text_of(p, &open);
	check(open);
	check_contains(strstr(text, "Access-Control"), "Disallow: /\n");
	p->n = 0;
	for (size_t i = 0; i + 1 < sizeof two; i++) {
		fake_peer_send(p, slice_of(two + i, 1));
		fake_server_turn(0);
	}
	text = text_of(p, &open);
	check(open);
	check_contains(strstr(text, "Access-Control"), "Disallow: /\n");
	check_size(counters()->http_requests, 4);
	fake_peer_free(p);
}

/* A request whose body is, byte for byte, another one: that is not answered,
 * as somebody in front of the relay may take it for a body (request
 * smuggling). */
static void
check_answers_once(const char *request)
{
	struct fake_peer *p = dial();
	const char *text;
	bool open;

	fake_peer_send(p, slice_str(request));
	text = text_of(p, &open);
	check_contains(text, "HTTP/1.1 200 OK\r\n");
	check_contains(text, "\r\nConnection: close\r\n");
	check_null(strstr(text + 1, "HTTP/1.1 "));
	check(!open);
	fake_peer_free(p);
	fake_server_settle();
}

static void
http_closes_when_it_must(void **state)
{
	(void)state;
	asks("GET / HTTP/1.0\r\n\r\n", false, "200 OK",
	    "\r\nConnection: close\r\n");
	asks("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true, "200");
	asks("GET /" HOST "Connection: close\r\n\r\n", false, "200 OK");
	/* what follows a body's announcement is not a request */
	check_answers_once("POST /" HOST "Content-Length: 30\r\n\r\n"
			   "GET /derp/probe" HOST "\r\n");
	check_answers_once("POST /" HOST "Transfer-Encoding: chunked\r\n\r\n"
			   "GET /derp/probe" HOST "\r\n");
	check_answers_once(
	    "POST /" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
	asks("garbage\r\n\r\n", false, "HTTP/1.1 400 Bad Request\r\n");
	check_size(counters()->accepts, 0);
}

static void
http_limits_heads(void **state)
{
	struct fake_peer *p = dial();
	static char line[HTTP1_HEAD_MAX];
	const char *text;
	bool open;

	(void)state;
	memset(line, 'a', sizeof line);
	fake_peer_send(p, slice_str("GET /" HOST "X: "));
	fake_peer_send(p, slice_of(line, sizeof line));
	text = text_of(p, &open);
	check_contains(
	    text, "HTTP/1.1 431 Request Header Fields Too Large\r\n");
	check(!open);
	fake_peer_free(p);
}

/* What no request came of is counted; a connection that only waits for another
 * one is not. */
static void
http_counts_what_is_no_use(void **state)
{
	struct fake_peer *p;
	bool open;

	(void)state;
	asks("garbage\r\n\r\n", false, "400 Bad Request");
	check_size(counters()->http_refused, 1);
	p = dial();
	p->conn->timer.fire(p->conn);
	check_size(counters()->http_refused, 2);
	fake_peer_free(p);
	p = dial();
	fake_peer_send(p, slice_str("GET / HTTP"));
	fake_server_settle();
	p->conn->timer.fire(p->conn);
	check_size(counters()->http_refused, 3);
	fake_peer_free(p);
	p = dial();
	fake_peer_send(p, slice_str("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
	(void)text_of(p, &open);
	p->conn->timer.fire(p->conn);
	(void)text_of(p, &open);
	check(!open);
	check_size(counters()->http_refused, 3);
	fake_peer_free(p);
}

static void
http_survives_lack_of_memory(void **state)
{
	struct fake_peer *p = dial();
	bool open;

	(void)state;
	fake_peer_send(p, slice_str("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
	fake_alloc_fail_at(1);
	check_text(text_of(p, &open), "");
	check(fake_alloc_failed());
	check(!open);
	check_size(counters()->refused_memory, 1);
	fake_peer_free(p);
}

/* Who asks for pages and reads none is not served for ever. */
static void
http_ends_who_reads_nothing(void **state)
{
	static const char request[] = "GET /" HOST "\r\n";
	struct fake_peer *p = dial();
	const int size = 1;
	int asked = 0;

	(void)state;
	check_int(setsockopt(p->conn->stream.watch.fd, SOL_SOCKET, SO_SNDBUF,
		      &size, sizeof size),
	    0);
	while (fake_server_count(0) > 0 && asked++ < 10000) {
		check(stream_unsent(&p->conn->stream) <
		    HTTP_SERVER_UNREAD_MAX + 4096);
		(void)!write(p->fd, request, sizeof request - 1);
		fake_server_turn(0);
	}
	check(asked > 10 && asked < 1000);
	fake_peer_free(p);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, fake_server_setup, fake_server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(http_answers_probes),
		TEST(http_echoes_good_challenges_only),
		TEST(http_serves_pages),
		TEST(http_wants_an_upgrade_on_derp),
		TEST(http_upgrades_to_websocket),
		TEST(http_refuses_bad_websocket_handshakes),
		TEST(http_tells_its_health),
		TEST(http_answers_every_form_of_target),
		TEST(http_cleans_paths),
		TEST(http_sends_port_80_to_https),
		TEST(http_keeps_the_connection),
		TEST(http_closes_when_it_must),
		TEST(http_limits_heads),
		TEST(http_counts_what_is_no_use),
		TEST(http_survives_lack_of_memory),
		TEST(http_ends_who_reads_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
