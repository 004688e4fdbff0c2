/*
 * relay_peers: what the tests of the relay share: a server of two workers for
 * each, and what a peer got.
 *
 * Header only, because every test is one source file.
 */
#ifndef DERPKIT_TEST_RELAY_PEERS_H
#define DERPKIT_TEST_RELAY_PEERS_H

#include "fake_server.h"

enum { WORKERS = 2 };

static inline int
setup(void **state)
{
	struct fake_config config = fake_server_config();

	(void)state;
	config.workers = WORKERS;
	fake_server_open(&config);
	return 0;
}

static const struct counters *
counters(unsigned worker)
{
	return fake_server.workers[worker]->counters;
}

static inline void
check_nothing(struct fake_peer *p)
{
	struct derp_frame f;

	check(!fake_peer_frame(p, &f));
}

static inline void
check_packet(
    struct fake_peer *p, const struct fake_peer *from, struct slice packet)
{
	struct derp_frame f;
	struct derp_key src;
	struct slice got;

	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_RECV_PACKET);
	check_int(derp_recv_packet_parse(f.body, &src, &got), 0);
	check(derp_key_eq(&src, &from->key));
	check_slice(got, packet);
}

static inline void
check_gone(
    struct fake_peer *p, const struct derp_key *who, enum derp_gone reason)
{
	struct derp_frame f;

	check(fake_peer_frame(p, &f));
	check_int(f.type, DERP_PEER_GONE);
	check_size(f.body.n, DERP_KEY + 1);
	check_bytes(f.body.p, who->b, DERP_KEY);
	check_int(f.body.p[DERP_KEY], reason);
}

static inline struct slice
text(const char *s)
{
	return slice_str(s);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, fake_server_teardown)

#endif
