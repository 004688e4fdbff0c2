/* mesh_link: the keys of a link come and go, turn by turn, with memory or
 * without. What connects is the test: it stands in for mesh_connect. */
#include "fake_alloc.h"
#include "relay_peers.h"

#include "mesh_link.h"

enum { KEYS = 20000, LINKS = 3 };

static const struct mesh_target target = { .host = "other.example" };

/* ---- instead of mesh_connect */

/* What was started last; the link holds its address. */
static struct mesh_connect {
	void (*connected)(void *ctx, struct mesh_connected *result);
	void *ctx;
	bool pending;
	unsigned reaps;
} started;
static unsigned abandoned;

struct mesh_connect *
mesh_connect_start(const struct mesh_connect_config *config, struct fail *why)
{
	(void)why;
	started = (struct mesh_connect){ .connected = config->connected,
		.ctx = config->ctx,
		.pending = true };
	return &started;
}

struct mesh_connect *
mesh_connect_abandon(struct mesh_connect *c)
{
	abandoned++;
	return c;
}

void
mesh_connect_join(struct mesh_connect *c)
{
	c->pending = false;
}

/* The first time, its thread has not ended. */
bool
mesh_connect_reap(struct mesh_connect *c)
{
	check(!c->pending);
	return c->reaps++ > 0;
}

/* ---- */

static int
setup_links(void **state)
{
	struct fake_config config = fake_server_config();

	(void)state;
	config.max_connections = 2 * KEYS;
	config.mesh = true;
	started.pending = false;
	abandoned = 0;
	fake_server_open(&config);
	return 0;
}

static struct relay *
relay(void)
{
	return fake_server.relays[0];
}

static struct registry *
registry(void)
{
	return fake_server.shared.registry;
}

static void
turn(void)
{
	loop_turn(fake_server.workers[0]->loop);
}

/* Turns until it is trying to connect, without the time it waits before. */
static void
wait_for_start(struct mesh_link *link)
{
	while (link->state != MESH_LINK_CONNECTING) {
		if (link->state == MESH_LINK_WAITING)
			check_int(loop_timer_set(fake_server.workers[0]->loop,
				      &link->timer, 0),
			    0);
		turn();
	}
	check(started.pending);
	check_ptr(started.ctx, link);
}

/* The attempt succeeds; *fd is the other relay's end of it. */
static void
connect_link(struct mesh_link *link, int *fd)
{
	struct mesh_connected result = { .tls = NULL };
	int fds[2];

	wait_for_start(link);
	check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*fd = fds[1];
	result.fd = fds[0];
	started.pending = false;
	started.connected(started.ctx, &result);
}

static void
open_link(struct mesh_link *link, uint8_t number)
{
	check_int(mesh_link_open(link, &target, relay(), number), 0);
	mesh_link_start(link);
}

static struct derp_key
key_of(unsigned link, uint32_t n)
{
	struct derp_key key = { { 0 } };

	bytes_put_u32(key.b, n + 1);
	key.b[7] = (uint8_t)n; /* spreads over the shards */
	key.b[8] = (uint8_t)link;
	return key;
}

static void
put_present(struct writer *w, const struct derp_key *key)
{
	const struct netaddr addr = { .is_set = false };

	derp_peer_present_put(w, key, &addr, DERP_PRESENT_REGULAR);
}

/* The other relay says that it has keys, as many as the link takes before it
 * ends. */
static void
tell_keys(struct mesh_link *link, int fd, uint32_t count)
{
	uint8_t bytes[64 * (DERP_HEADER + DERP_PEER_PRESENT_BODY)];

	for (uint32_t n = 0; n < count && link->state == MESH_LINK_UP;) {
		struct writer w = writer_of(bytes, sizeof bytes);

		for (int i = 0; i < 64 && n < count; i++, n++) {
			struct derp_key key = key_of(link->number, n);

			put_present(&w, &key);
		}
		check_int(send(fd, bytes, w.n, MSG_NOSIGNAL), (ssize_t)w.n);
		fake_server_turn(0);
	}
}

static uint64_t
keys(void)
{
	return counters(0)->mesh_keys;
}

/* Turns until all keys have been withdrawn; in none of them too many. Returns
 * how many these were. */
static size_t
withdraw_all(void)
{
	uint64_t before = keys();
	size_t turns = 0;

	while (before > 0) {
		turn();
		check(before - keys() <= MESH_LINK_PER_TURN);
		check(relay()->departures.count <= DEPARTURES_MAX);
		before = keys();
		turns++;
	}
	return turns;
}

static void
mesh_link_withdraws_keys_turn_by_turn(void **state)
{
	struct mesh_link link;
	int fd;

	(void)state;
	open_link(&link, 1);
	connect_link(&link, &fd);
	tell_keys(&link, fd, KEYS);
	check_int(keys(), KEYS);
	check_int(registry_stats(registry()).remote, KEYS);
	close(fd);
	check(withdraw_all() >= KEYS / MESH_LINK_PER_TURN);
	check_int(registry_stats(registry()).remote, 0);
	/* and then the link connects again, and the keys come back */
	connect_link(&link, &fd);
	tell_keys(&link, fd, 100);
	check_int(keys(), 100);
	close(fd);
	withdraw_all();
	wait_for_start(&link);
	mesh_link_close(&link);
}

/* All links of a worker together withdraw no more in a turn than one may. */
static void
mesh_link_shares_what_is_withdrawn_in_a_turn(void **state)
{
	struct mesh_link links[LINKS];
	int fds[LINKS];

	(void)state;
	for (uint8_t i = 0; i < LINKS; i++) {
		open_link(&links[i], (uint8_t)(i + 1));
		connect_link(&links[i], &fds[i]);
		tell_keys(&links[i], fds[i], KEYS / LINKS);
	}
	for (size_t i = 0; i < LINKS; i++)
		close(fds[i]);
	withdraw_all();
	check_int(relay()->links_withdrawing, 0);
	for (size_t i = 0; i < LINKS; i++)
		mesh_link_close(&links[i]);
}

/* The peer has got a packet from each of the keys. */
static void
note_keys(const struct fake_peer *p, uint32_t count)
{
	struct registry_entry to, from;

	check(registry_find(registry(), &p->key, &to));
	for (uint32_t n = 0; n < count; n++) {
		struct derp_key key = key_of(1, n);

		check_int(registry_note_key(registry(), &key, &to, &from),
		    NOTIFY_NOTED);
	}
}

static size_t
gone_of(struct fake_peer *p)
{
	struct derp_frame f;
	size_t count = 0;

	while (fake_peer_frame(p, &f))
		count += f.type == DERP_PEER_GONE;
	return count;
}

enum { RECEIVERS = 16, NOTED = 3000 };

/* The other relay says that all keys have left, in writes as long as may be. */
static void
tell_gone(int fd)
{
	static uint8_t bytes[NOTED * (DERP_HEADER + DERP_KEY + 1)];
	struct writer w = writer_of(bytes, sizeof bytes);

	for (uint32_t n = 0; n < NOTED; n++) {
		struct derp_key key = key_of(1, n);

		derp_peer_gone_put(&w, &key, DERP_GONE_DISCONNECTED);
	}
	check(!w.failed);
	check_int(send(fd, bytes, w.n, MSG_NOSIGNAL), (ssize_t)w.n);
}

/* Who has got packets from the keys is told of each that leaves, at the pace at
 * which that is told of clients: no more keys leave meanwhile than wait to be
 * told of. */
static void
check_pace(void (*leave)(int fd))
{
	struct fake_peer *all[RECEIVERS];
	struct mesh_link link;
	size_t got[RECEIVERS] = { 0 };
	uint64_t before = 0, now;
	int fd;

	for (size_t i = 0; i < RECEIVERS; i++)
		all[i] = fake_peer_new(0);
	open_link(&link, 1);
	connect_link(&link, &fd);
	tell_keys(&link, fd, NOTED);
	for (size_t i = 0; i < RECEIVERS; i++)
		note_keys(all[i], NOTED);
	leave(fd);
	while (keys() > 0 || relay()->departures.count > 0) {
		turn();
		now = counters(0)->peer_gone_disconnected_frames;
		check(now - before <= DEPARTURES_PER_TURN);
		check(relay()->departures.count <= DEPARTURES_MAX);
		before = now;
		for (size_t i = 0; i < RECEIVERS; i++)
			got[i] += gone_of(all[i]);
	}
	for (size_t i = 0; i < RECEIVERS; i++) {
		check_size(got[i] + gone_of(all[i]), NOTED);
		fake_peer_free(all[i]);
	}
	if (leave == tell_gone) {
		check_int(link.state, MESH_LINK_UP);
		close(fd);
		wait_for_start(&link);
	}
	mesh_link_close(&link);
}

static void
close_socket(int fd)
{
	close(fd);
}

static void
mesh_link_withdraws_at_the_pace_of_departures(void **state)
{
	(void)state;
	check_pace(close_socket);
}

static void
mesh_link_reads_at_the_pace_of_departures(void **state)
{
	(void)state;
	check_pace(tell_gone);
}

/* At each allocation that opening, connecting and the keys need: a link whose
 * keys are not all known connects again, and knows them then. */
static void
mesh_link_survives_lack_of_memory(void **state)
{
	enum { SOME = 100 };
	bool failed = true;

	(void)state;
	for (size_t n = 1; failed; n++) {
		struct mesh_link link;
		int fd, rc;

		fake_alloc_fail_at(n);
		rc = mesh_link_open(&link, &target, relay(), 1);
		if (rc == -1) {
			check(fake_alloc_failed());
			mesh_link_close(&link);
			continue;
		}
		mesh_link_start(&link);
		connect_link(&link, &fd);
		tell_keys(&link, fd, SOME);
		failed = fake_alloc_failed();
		if (keys() < SOME) {
			check(failed);
			close(fd);
			withdraw_all();
			connect_link(&link, &fd);
			tell_keys(&link, fd, SOME);
		}
		check_int(keys(), SOME);
		check_int(registry_stats(registry()).remote, SOME);
		close(fd);
		withdraw_all();
		wait_for_start(&link);
		mesh_link_close(&link);
		check_size(fake_server_count(0), 0);
	}
}

/* Its timer has a place for as long as the link lives, however many others take
 * one meanwhile. */
static void
mesh_link_always_has_its_timer(void **state)
{
	struct fail why = { .text = "refused" };
	struct mesh_connected result = { .failed = true, .why = why };
	struct mesh_link link;

	(void)state;
	open_link(&link, 1);
	for (int i = 0; i < 3; i++) {
		wait_for_start(&link);
		check(link.timer.place != 0);
		started.pending = false;
		started.connected(started.ctx, &result);
		check_int(link.state, MESH_LINK_WAITING);
		check(link.timer.place != 0);
	}
	mesh_link_close(&link);
	check_size(link.timer.place, 0);
}

static void
mesh_link_abandons_what_connects(void **state)
{
	struct mesh_link link;

	(void)state;
	open_link(&link, 1);
	mesh_link_abandon(&link);
	check_int(abandoned, 0);
	wait_for_start(&link);
	mesh_link_abandon(&link);
	check_int(abandoned, 1);
	check(started.pending);
	mesh_link_close(&link);
	check(!started.pending);
}

#define LINK_TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup_links, fake_server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LINK_TEST(mesh_link_withdraws_keys_turn_by_turn),
		LINK_TEST(mesh_link_shares_what_is_withdrawn_in_a_turn),
		LINK_TEST(mesh_link_withdraws_at_the_pace_of_departures),
		LINK_TEST(mesh_link_reads_at_the_pace_of_departures),
		LINK_TEST(mesh_link_survives_lack_of_memory),
		LINK_TEST(mesh_link_always_has_its_timer),
		LINK_TEST(mesh_link_abandons_what_connects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
