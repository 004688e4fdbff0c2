/* status_collector: snapshots of real workers, whose loops are stepped; and the
 * pages that are made of them. */
#include "fake_server.h"

#include "mailbox.h"
#include "status_batch.h"
#include "status_collector.h"
#include "status_facts.h"
#include "status_html.h"
#include "status_json.h"

enum { WORKERS = 2, MANY = STATUS_BATCH_MAX + 22 };

static struct {
	struct loop *loop;
	struct mailbox *mailbox;
	struct status_collector *collector;
	const struct status_snapshot *snapshot;
	unsigned ready;
} asker;

static void
ready(void *ctx, const struct status_snapshot *snapshot)
{
	(void)ctx;
	asker.ready++;
	asker.snapshot = snapshot;
}

static int
setup(void **state)
{
	struct fake_config config = fake_server_config();
	struct fail why = { 0 };

	(void)state;
	config.workers = WORKERS;
	fake_server_open(&config);
	asker.loop = loop_new(&why);
	asker.mailbox = mailbox_new(asker.loop, &asker, &why);
	asker.collector = status_collector_new(
	    &(struct status_collector_config){ .loop = asker.loop,
		.mailbox = asker.mailbox,
		.workers = fake_server.crossing.mailboxes,
		.worker_count = WORKERS,
		.ready = ready });
	check(asker.collector != NULL);
	asker.ready = 0;
	asker.snapshot = NULL;
	return 0;
}

static int
teardown(void **state)
{
	mailbox_free(asker.mailbox);
	status_collector_free(asker.collector);
	loop_free(asker.loop);
	return fake_server_teardown(state);
}

static void
asker_turn(void)
{
	loop_again(asker.loop);
	loop_turn(asker.loop);
}

/* Turns until the collector is ready; the base is a second old then. */
static void
collect(void)
{
	asker.ready = 0;
	check(status_collector_get(asker.collector) == NULL);
	while (asker.ready == 0) {
		fake_server_settle();
		asker_turn();
	}
	check(asker.snapshot != NULL);
}

static void
status_collector_tells_clients_of_all_workers(void **state)
{
	struct fake_peer *a = fake_peer_new(0), *b = fake_peer_new(1);
	int fd;

	(void)state;
	/* neither is a client */
	check(fake_server_conn(0, &fd) != NULL);
	collect();
	check_size(asker.snapshot->count, 2);
	check(asker.snapshot->rates_ms >= STATUS_COLLECTOR_BASE_MS);
	check(derp_key_eq(&asker.snapshot->clients[0].key, &a->key));
	check(derp_key_eq(&asker.snapshot->clients[1].key, &b->key));
	check_int(asker.snapshot->clients[1].addr.worker, 1);
	/* it is used again, and nobody is asked */
	check_ptr(status_collector_get(asker.collector), asker.snapshot);
	close(fd);
	fake_peer_free(a);
	fake_peer_free(b);
}

/* What came back last. */
static struct status_batch *back;

static void
filled(void *ctx, struct status_batch *b)
{
	(void)ctx;
	back = b;
}

/* The batch goes to the worker, whose turn fills it, and comes back. */
static void
go_and_come(struct status_batch *b)
{
	back = NULL;
	status_batch_post(b);
	fake_server_turn(0);
	asker_turn();
	check_ptr(back, b);
}

static void
status_batch_is_bounded_in_each_turn(void **state)
{
	static struct fake_peer *peers[MANY];
	struct status_batch *b =
	    status_batch_new(fake_server.workers[0]->mailbox, asker.mailbox);

	(void)state;
	b->filled = filled;
	for (size_t i = 0; i < MANY; i++)
		peers[i] = fake_peer_new(0);
	go_and_come(b);
	check_size(b->count, STATUS_BATCH_MAX);
	check(!b->done);
	go_and_come(b);
	check_size(b->count, MANY - STATUS_BATCH_MAX);
	check(b->done);
	status_batch_free(b);
	for (size_t i = 0; i < MANY; i++)
		fake_peer_free(peers[i]);
}

static void
status_collector_ends_with_batches_under_way(void **state)
{
	struct fake_peer *a = fake_peer_new(0);

	(void)state;
	/* in the mailboxes of the workers, and of the asker */
	check(status_collector_get(asker.collector) == NULL);
	fake_server_turn(0);
	fake_peer_free(a);
}

static struct status_relay relay = {
	.hostname = "a<b>.example", .started_ms = 5000, .workers = WORKERS
};

static void
gather(struct status_facts *f, struct status_ring *ring)
{
	const struct counter_values now = counters_sum(fake_server.counters);

	relay.shared = &fake_server.shared;
	relay.counters = fake_server.counters;
	status_ring_start(ring, &now, 0);
	status_ring_add(ring, &now, STATUS_RING_SLOT_MS);
	status_facts_gather(f, &relay, ring, asker.snapshot, 65000);
}

static void
status_pages_tell_the_facts(void **state)
{
	struct fake_peer *a = fake_peer_new(0), *b = fake_peer_new(1);
	struct status_query query = { .by_traffic = true, .limit = 1 };
	static uint8_t page[STATUS_HTML_MAX + 1];
	struct writer w = writer_of(page, STATUS_HTML_MAX);
	struct status_facts facts;
	struct status_ring ring;
	char key[DERP_KEY_TEXT];
	char *json;

	(void)state;
	collect();
	gather(&facts, &ring);
	status_html(&w, &facts, &query);
	check(!w.failed);
	page[w.n] = '\0';
	check_contains((char *)page, "<h1>a&lt;b&gt;.example</h1>");
	check_contains((char *)page, "1 of 2, from number 1 on");
	check_contains(
	    (char *)page, "offset=1&amp;limit=1&amp;refresh=0\">next");
	check_contains((char *)page, "Everybody may use this relay");
	query = (struct status_query){ .form = STATUS_QUERY_JSON, .limit = 9 };
	json = status_json(&facts, &query);
	derp_key_format(&b->key, key);
	check_contains(json, key);
	check_contains(json, "\"clients_total\":2");
	/* by the monotonic clock, whatever the other one did */
	check_contains(json, "\"uptime_s\":60,");
	/* a page beyond the last client */
	free(json);
	query.offset = 7;
	json = status_json(&facts, &query);
	check_contains(json, "\"clients\":[],");
	free(json);
	/* a page that does not fit fails */
	w = writer_of(page, 1000);
	status_html(&w, &facts, &query);
	check(w.failed);
	status_facts_clear(&facts);
	fake_peer_free(a);
	fake_peer_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    status_collector_tells_clients_of_all_workers, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    status_batch_is_bounded_in_each_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    status_collector_ends_with_batches_under_way, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    status_pages_tell_the_facts, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
