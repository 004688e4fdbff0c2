/* Unit tests of verify/engine/verify_tailnet: a scripted tailscaled whose bus
 * opens, tells, breaks off, or is not there. */
#include "fetch.h"
#include "unit/http/http_stub.h"
#include "unit/verify/engine.h"
#include "verify_kinds.h"
#include "verify_nodes.h"
#include "verify_tailnet.h"
#include "verify_tally.h"

#define OK "HTTP/1.1 200 OK\r\n\r\n"
#define KEY(n)                                                             \
	"nodekey:11000000000000000000000000000000000000000000000000000000" \
	"0000000" n
#define PEER(n)                         \
	"\"" KEY(n) "\":{\"NodeID\":" n \
		    ",\"PublicKey\":\"" KEY(n) "\",\"DNSName\":\"p.x.\"}"
#define STATUS(state, peers)                                              \
	"{\"BackendState\":\"" state "\",\"HaveNodeKey\":true,\"Self\":{" \
	"\"NodeID\":1,\"PublicKey\":\"" KEY(                              \
	    "1") "\",\"DNSName\":\"s.x.\"},\"Peer\":{" peers "}}"
#define FIRST_LINE(state) "{\"State\":6,\"InitialStatus\":" state "}\n"

struct daemon {
	struct http_stub stub;
	struct http_stub_reply bus; /* the first one; then it hangs silent */
	_Atomic(const char *) status;
	atomic_uint opened, read; /* the bus; the status */
};

static void
answer(struct http_stub *s, const char *request, struct http_stub_reply *reply)
{
	struct daemon *d = s->ctx;

	if (strstr(request, "/localapi/v0/watch-ipn-bus?mask=") != NULL) {
		*reply = atomic_fetch_add(&d->opened, 1) == 0
		    ? d->bus
		    : (struct http_stub_reply){ .bytes = OK,
			      .then = STUB_HANG };
		return;
	}
	check(strncmp(request, "GET /localapi/v0/status ", 24) == 0);
	atomic_fetch_add(&d->read, 1);
	reply->bytes = d->status;
	reply->then = STUB_CLOSE;
}

static const char *
socket_path(void)
{
	static char path[108];

	snprintf(path, sizeof path, "%s/sock", engine_dir());
	return path;
}

/* A daemon, and a feed that follows it on a thread. */
struct following {
	struct daemon daemon;
	struct verify_config config;
	struct verify_tailnet tailnet;
	struct verify_feed *feed;
	struct engine_notices notices;
	atomic_bool stop, has_bus;
	pthread_t thread;
	struct verify_tally tally;
};

static void *
push(void *ctx)
{
	struct following *f = ctx;

	f->has_bus = verify_tailnet_push(&f->tailnet, f->feed);
	return NULL;
}

static struct following *
follow(const char *bus, enum http_stub_then then, const char *status)
{
	static struct following f;
	struct verify_source_context context = { .now_ms = clock_now_ms,
		.wall_s = engine_wall_s,
		.notice = engine_notice,
		.notice_ctx = &f.notices };

	memset(&f, 0, sizeof f);
	f.has_bus = true; /* unless it says otherwise */
	pthread_mutex_init(&f.notices.lock, NULL);
	f.daemon.bus.bytes = bus;
	f.daemon.bus.then = then;
	f.daemon.status = status;
	f.daemon.stub.answer = answer;
	f.daemon.stub.ctx = &f.daemon;
	http_stub_open_unix(&f.daemon.stub, socket_path());
	f.tailnet = (struct verify_tailnet){ .socket = socket_path(),
		.client = fetch_client_new(1),
		.now_ms = clock_now_ms };
	f.feed =
	    verify_feed_new(&(struct verify_feed_config){ .label = "tailscaled",
		.row = engine_add(&f.config, "tailscaled", socket_path()),
		.context = &context,
		.stop = &f.stop,
		.tally = &f.tally });
	assert_non_null(f.feed);
	check_int(pthread_create(&f.thread, NULL, push, &f), 0);
	return &f;
}

static void
unfollow(struct following *f)
{
	f->stop = true;
	verify_feed_wake(f->feed, false);
	pthread_join(f->thread, NULL);
	verify_feed_free(f->feed);
	fetch_client_free(f->tailnet.client);
	verify_config_clear(&f->config);
	http_stub_close(&f->daemon.stub);
}

/* Waits until so many keys are in force. */
static void
await_keys(struct following *f, size_t keys)
{
	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;
	struct verify_feed_stats stats;

	for (;;) {
		verify_feed_stats(f->feed, &stats);
		if (stats.has_set && stats.keys == keys)
			return;
		if (clock_now_ms() > until_ms)
			fail_msg("%zu keys, want %zu", stats.keys, keys);
		usleep(2000);
	}
}

static void
tailnet_without_a_bus(void **state)
{
	struct following *f =
	    follow("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		STUB_CLOSE, OK STATUS("Running", ""));

	(void)state;
	pthread_join(f->thread, NULL);
	check(!f->has_bus);
	check_int(pthread_create(&f->thread, NULL, push, f), 0);
	unfollow(f);
}

static void
tailnet_reads_the_status_first(void **state)
{
	/* the bus tells less than the status, which counts */
	struct following *f = follow(OK FIRST_LINE(STATUS("Running", "")),
	    STUB_HANG, OK STATUS("Running", PEER("2") "," PEER("3")));

	(void)state;
	await_keys(f, 3);
	check(f->daemon.read >= 1);
	unfollow(f);
	check(f->has_bus);
}

static void
tailnet_follows_what_comes(void **state)
{
	struct following *f =
	    follow(OK FIRST_LINE(STATUS("Running", "")) /* and then */
		"{\"PeersChanged\":[{\"ID\":4,\"Name\":\"q.x.\",\"Key\":\"" KEY(
		    "4") "\"}]}\n",
		STUB_HANG, OK STATUS("Running", PEER("2") "," PEER("3")));

	(void)state;
	await_keys(f, 3); /* what came before the status is in it, or not */
	f->daemon.status =
	    OK STATUS("Running", PEER("2") "," PEER("3") "," PEER("5"));
	verify_feed_wake(f->feed, true); /* a key that is not in the set */
	await_keys(f, 4);
	unfollow(f);
}

static void
tailnet_that_is_not_connected_is_lost(void **state)
{
	struct following *f =
	    follow(OK FIRST_LINE(STATUS("Running", PEER("2"))) /* and then */
		"{\"State\":4}\n",
		STUB_HANG, OK STATUS("Running", PEER("2")));

	(void)state;
	engine_await_notice(&f->notices, "is not connected to its tailnet");
	unfollow(f);
}

static void
tailnet_opens_the_bus_again(void **state)
{
	struct following *f =
	    follow(OK FIRST_LINE(STATUS("Running", PEER("2"))), STUB_CLOSE,
		OK STATUS("Running", PEER("2")));

	const uint64_t until_ms = clock_now_ms() + ENGINE_WAIT_MS;

	(void)state;
	while (f->daemon.opened < 2) {
		check(clock_now_ms() < until_ms);
		usleep(2000);
	}
	unfollow(f);
	check(f->has_bus);
}

static void
tailnet_lists_a_status(void **state)
{
	struct following *f = follow(
	    OK, STUB_HANG, OK STATUS("Running", PEER("2") "," PEER("3")));
	struct verify_listing listing = { .stop = &f->stop,
		.set = verify_set_new() };
	struct fetch_client *client = fetch_client_new(1);
	const struct verify_tailnet tailnet = { .socket = socket_path(),
		.client = client,
		.now_ms = clock_now_ms };
	struct fail why = { 0 };

	(void)state;
	check_int(verify_tailnet_list(&tailnet, &listing, &why), VERIFY_LISTED);
	check_int(verify_set_count(listing.set), 3);
	f->daemon.status = "HTTP/1.1 503 no backend\r\nContent-Length: "
			   "0\r\n\r\n";
	check_int(
	    verify_tailnet_list(&tailnet, &listing, &why), VERIFY_LIST_BAD);
	verify_set_drop(listing.set);
	fetch_client_free(client);
	unfollow(f);
}

static int
end(void **state)
{
	(void)state;
	return engine_remove((const char *const[]){ "sock", NULL });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tailnet_without_a_bus),
		cmocka_unit_test(tailnet_reads_the_status_first),
		cmocka_unit_test(tailnet_follows_what_comes),
		cmocka_unit_test(tailnet_that_is_not_connected_is_lost),
		cmocka_unit_test(tailnet_opens_the_bus_again),
		cmocka_unit_test(tailnet_lists_a_status),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
