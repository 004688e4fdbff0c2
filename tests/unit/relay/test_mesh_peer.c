/* mesh_peer, presence, watchers: who knows the mesh key watches, forwards and
 * closes; and what that costs in a turn. */
#include "relay_peers.h"

#include "presence.h"
#include "watchers.h"

enum { MANY = 10000, WATCHING = 4 };

static int
setup_mesh(void **state)
{
	struct fake_config config = fake_server_config();

	(void)state;
	config.workers = WORKERS;
	config.max_connections = 2 * MANY;
	config.mesh = true;
	fake_server_open(&config);
	return 0;
}

static struct presence *
presence(void)
{
	return fake_server.shared.presence;
}

static struct fake_peer *
mesh_peer_new(unsigned worker)
{
	struct fake_peer *p = calloc(1, sizeof *p);

	check(p != NULL);
	p->mesh = true;
	fake_peer_key(p);
	fake_peer_login(p, worker);
	return p;
}

static void
send_frame(struct fake_peer *p, enum derp_frame_type type, struct slice body)
{
	uint8_t bytes[DERP_MAX_FRAME];
	struct writer w = writer_of(bytes, sizeof bytes);

	derp_header_write(&w, type, body.n);
	writer_bytes(&w, body.p, body.n);
	fake_peer_send(p, writer_slice(&w));
	fake_server_settle();
}

static void
watch(struct fake_peer *p)
{
	send_frame(p, DERP_WATCH_CONNS, slice_of(NULL, 0));
}

/* It is told that the key has come, by a connection of that kind. */
static void
check_present(
    struct fake_peer *p, const struct derp_key *who, uint8_t want_flags)
{
	struct netaddr addr;
	struct derp_key key;
	struct derp_frame f;
	char ip[NETADDR_TEXT];
	uint8_t flags;

	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_PEER_PRESENT);
	check_size(f.body.n, DERP_PEER_PRESENT_BODY);
	check_int(derp_peer_present_parse(f.body, &key, &addr, &flags), 0);
	check_bytes(key.b, who->b, DERP_KEY);
	check_int(flags, want_flags);
	netaddr_format_ip(&addr, ip);
	check_text(ip, "192.0.2.7");
}

/* Upstream's case: each watcher sees itself, who is there and who comes. */
static void
mesh_peer_watches(void **state)
{
	struct fake_peer *a = mesh_peer_new(0), *c, *b;

	(void)state;
	watch(a);
	check_present(a, &a->key, DERP_PRESENT_MESH);
	c = fake_peer_new(1);
	fake_server_settle();
	check_present(a, &c->key, DERP_PRESENT_REGULAR);
	b = mesh_peer_new(1);
	fake_server_settle();
	check_present(a, &b->key, DERP_PRESENT_MESH);
	watch(b);
	check_present(b, &a->key, DERP_PRESENT_MESH);
	check_present(b, &c->key, DERP_PRESENT_REGULAR);
	check_present(b, &b->key, DERP_PRESENT_MESH);
	check_int(counters(0)->watchers, 1);
	fake_peer_leave(c);
	fake_server_settle();
	check_gone(a, &c->key, DERP_GONE_DISCONNECTED);
	check_gone(b, &c->key, DERP_GONE_DISCONNECTED);
	check_nothing(a);
	check_nothing(b);
	/* again: all that is there */
	watch(b);
	check_present(b, &a->key, DERP_PRESENT_MESH);
	check_present(b, &b->key, DERP_PRESENT_MESH);
	check_nothing(b);
	fake_peer_free(a);
	fake_server_settle();
	check_int(counters(0)->watchers, 0);
	check_size(presence_watchers(presence()), 1);
	fake_peer_free(b);
	fake_peer_free(c);
}

/* Gone comes with the last connection of a key, present with each. */
static void
mesh_peer_is_told_of_each_connection(void **state)
{
	struct fake_peer *a = mesh_peer_new(0), *c = fake_peer_new(1);
	struct fake_peer *again = calloc(1, sizeof *again);

	(void)state;
	watch(a);
	check_present(a, &a->key, DERP_PRESENT_MESH);
	check_present(a, &c->key, DERP_PRESENT_REGULAR);
	again->private_key = c->private_key;
	again->key = c->key;
	fake_peer_login(again, 0);
	fake_server_settle();
	check_present(a, &c->key, DERP_PRESENT_REGULAR);
	fake_peer_leave(c);
	fake_server_settle();
	check_nothing(a);
	fake_peer_leave(again);
	fake_server_settle();
	check_gone(a, &again->key, DERP_GONE_DISCONNECTED);
	fake_peer_free(a);
	fake_peer_free(c);
	fake_peer_free(again);
}

static void
forward(struct fake_peer *p, const struct derp_key *src,
    const struct derp_key *dst, struct slice packet)
{
	uint8_t bytes[DERP_MAX_FRAME];
	struct writer w = writer_of(bytes, sizeof bytes);

	derp_forward_packet_put(&w, src, dst, packet);
	fake_peer_send(p, writer_slice(&w));
	fake_server_settle();
}

static void
mesh_peer_forwards(void **state)
{
	struct fake_peer *a = mesh_peer_new(0), *b = fake_peer_new(0),
			 *c = fake_peer_new(1);
	uint8_t disco[62] = { 0x54, 0x53, 0xf0, 0x9f, 0x92, 0xac };
	const struct derp_key nobody = { { 1 } };
	struct fake_peer far = { .key = { { 9 } } };

	(void)state;
	forward(a, &far.key, &b->key, text("to b"));
	check_packet(b, &far, text("to b"));
	forward(a, &far.key, &c->key, text("to c"));
	check_packet(c, &far, text("to c"));
	forward(a, &far.key, &c->key, text(""));
	check_packet(c, &far, text(""));
	check_int(counters(0)->packets_forwarded_in, 3);
	check_int(counters(0)->packets_received, 0);
	/* who is not here: it is said of disco only */
	forward(a, &far.key, &nobody, text("x"));
	check_nothing(a);
	forward(a, &far.key, &nobody, slice_of(disco, sizeof disco));
	check_gone(a, &nobody, DERP_GONE_NOT_HERE);
	check_int(counters(0)->dropped_unknown_dest_on_fwd, 2);
	check_int(counters(0)->dropped_unknown_dest_on_fwd_disco, 1);
	fake_peer_free(a);
	fake_peer_free(b);
	fake_peer_free(c);
}

/* One hop only: a key that is at another relay is not here. */
static void
mesh_peer_does_not_forward_further(void **state)
{
	struct fake_peer *a = mesh_peer_new(0), *link = mesh_peer_new(1);
	const struct derp_key src = { { 9 } }, dst = { { 8 } };
	struct registry *r = fake_server.shared.registry;

	(void)state;
	registry_open_link(r, 1, link->conn->addr);
	check_int(registry_add_link(r, &dst, 1), FORWARDERS_FIRST);
	forward(a, &src, &dst, text("x"));
	check_nothing(link);
	check_int(counters(0)->dropped_unknown_dest_on_fwd, 1);
	fake_peer_free(a);
	fake_peer_free(link);
}

static void
mesh_peer_closes(void **state)
{
	struct fake_peer *a = mesh_peer_new(0), *b = fake_peer_new(1);
	struct fake_peer *again = calloc(1, sizeof *again);

	(void)state;
	again->private_key = b->private_key;
	again->key = b->key;
	fake_peer_login(again, 0);
	send_frame(a, DERP_CLOSE_PEER, slice_of(b->key.b, DERP_KEY));
	check(!fake_peer_read(b));
	check(!fake_peer_read(again));
	check_int(counters(0)->closed_by_mesh + counters(1)->closed_by_mesh, 2);
	check(fake_peer_runs(a));
	fake_peer_free(a);
	fake_peer_free(b);
	fake_peer_free(again);
}

/* An ordinary client may do nothing of that. */
static void
mesh_peer_must_know_the_key(void **state)
{
	static const enum derp_frame_type types[] = { DERP_WATCH_CONNS,
		DERP_FORWARD_PACKET, DERP_CLOSE_PEER };
	uint8_t keys[2 * DERP_KEY] = { 1 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct fake_peer *p = fake_peer_new(0);
		const size_t n[] = { 0, sizeof keys, DERP_KEY };

		send_frame(p, types[i], slice_of(keys, n[i]));
		check(!fake_peer_read(p));
		fake_peer_free(p);
	}
	check_int(counters(0)->bad_frames, 3);
	check_int(counters(0)->watchers, 0);
}

static void
add_keys(uint32_t count)
{
	struct netaddr addr = { .is_set = false };

	for (uint32_t i = 0; i < count; i++) {
		struct derp_key key = { { 0 } };

		bytes_put_u32(key.b, i + 1);
		check_int(presence_join(presence(), &key, &addr, 1), 0);
	}
}

static void
remove_keys(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct derp_key key = { { 0 } };

		bytes_put_u32(key.b, i + 1);
		presence_leave(presence(), &key);
	}
}

static size_t
frames_of(struct fake_peer *p)
{
	struct derp_frame f;
	size_t count = 0;

	while (fake_peer_frame(p, &f))
		count++;
	return count;
}

/* 10,000 keys for four watchers: so many frames in a turn and no more, and all
 * of them in the end. */
static void
mesh_peer_floods_turn_by_turn(void **state)
{
	struct fake_peer *all[WATCHING];
	size_t got[WATCHING] = { 0 }, total = 0, turns = 0;
	uint64_t before = 0, now;

	(void)state;
	for (size_t i = 0; i < WATCHING; i++)
		all[i] = mesh_peer_new(0);
	add_keys(MANY);
	for (size_t i = 0; i < WATCHING; i++) {
		uint8_t frame[DERP_HEADER];
		struct writer w = writer_of(frame, sizeof frame);

		derp_watch_conns_put(&w);
		fake_peer_send(all[i], writer_slice(&w));
	}
	while (total < WATCHING * (MANY + WATCHING)) {
		fake_server_turn(0);
		now = counters(0)->peer_present_frames;
		check(now - before <= WATCHERS_PER_TURN);
		before = now;
		turns++;
		check(turns < 1000);
		total = 0;
		for (size_t i = 0; i < WATCHING; i++)
			total += got[i] += frames_of(all[i]);
	}
	check_size(total, WATCHING * (MANY + WATCHING));
	/* all are told at the same pace */
	for (size_t i = 0; i < WATCHING; i++) {
		check_size(got[i], MANY + WATCHING);
		fake_peer_free(all[i]);
	}
	fake_server_settle();
	remove_keys(MANY);
}

/* One that does not read makes nothing grow: what it was not told it is told
 * when it reads, and of a key that came and left often, the end of it. */
static void
mesh_peer_may_be_slow(void **state)
{
	struct fake_peer *slow = mesh_peer_new(0);
	size_t frames = 0, queued = 0;

	(void)state;
	watch(slow);
	for (int round = 0; round < 20; round++) {
		add_keys(MANY);
		fake_server_settle();
		if (round == 0)
			queued = slow->conn->out.bytes;
		check(slow->conn->out.bytes <= queued + WATCHERS_PER_TURN * 64);
		remove_keys(MANY);
		fake_server_settle();
	}
	add_keys(1);
	for (int i = 0; i < 4 * MANY / WATCHERS_PER_TURN; i++) {
		fake_server_settle();
		frames += frames_of(slow);
	}
	check(frames > MANY);
	check(frames <= 3 * MANY);
	check(fake_peer_runs(slow));
	remove_keys(1);
	fake_peer_free(slow);
}

/* One that does not keep up is ended, and then nothing is kept for it. */
static void
mesh_peer_is_given_up(void **state)
{
	struct fake_peer *slow = mesh_peer_new(0), *good = mesh_peer_new(1);
	struct netaddr addr = { .is_set = false };

	(void)state;
	watch(slow);
	watch(good);
	for (uint32_t i = 0; i < PRESENCE_GONE_MAX + 20000; i++) {
		struct derp_key key = { { 0 } };

		bytes_put_u32(key.b, i + 1);
		check_int(presence_join(presence(), &key, &addr, 1), 0);
		presence_leave(presence(), &key);
		if (i % 128 == 0) {
			fake_server_turn(0);
			fake_server_turn(1);
			frames_of(good);
		}
	}
	fake_server_settle();
	check_int(counters(0)->watchers_given_up, 1);
	check_size(fake_server_count(0), 0);
	check(fake_peer_runs(good));
	fake_peer_free(slow);
	fake_peer_free(good);
}

static void
mesh_peer_watchers_are_limited(void **state)
{
	struct fake_peer *all[PRESENCE_WATCHERS_MAX + 1];

	(void)state;
	for (size_t i = 0; i <= PRESENCE_WATCHERS_MAX; i++) {
		all[i] = mesh_peer_new(i % 2);
		watch(all[i]);
	}
	check_int(
	    counters(0)->watchers_refused + counters(1)->watchers_refused, 1);
	check_size(presence_watchers(presence()), PRESENCE_WATCHERS_MAX);
	for (size_t i = 0; i <= PRESENCE_WATCHERS_MAX; i++)
		fake_peer_free(all[i]);
}

/* A relay's own key is that of a link to itself. */
static void
mesh_peer_is_not_told_of_itself(void **state)
{
	struct fake_peer *p = calloc(1, sizeof *p);

	(void)state;
	p->mesh = true;
	p->private_key = fake_server.private_key;
	p->key = fake_server.public_key;
	fake_peer_login(p, 0);
	watch(p);
	check_nothing(p);
	check(fake_peer_runs(p));
	check_int(counters(0)->watchers, 0);
	fake_peer_free(p);
}

#define MESH_TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup_mesh, fake_server_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MESH_TEST(mesh_peer_watches),
		MESH_TEST(mesh_peer_is_told_of_each_connection),
		MESH_TEST(mesh_peer_forwards),
		MESH_TEST(mesh_peer_does_not_forward_further),
		MESH_TEST(mesh_peer_closes),
		MESH_TEST(mesh_peer_must_know_the_key),
		MESH_TEST(mesh_peer_floods_turn_by_turn),
		MESH_TEST(mesh_peer_may_be_slow),
		MESH_TEST(mesh_peer_is_given_up),
		MESH_TEST(mesh_peer_watchers_are_limited),
		MESH_TEST(mesh_peer_is_not_told_of_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
