/* tls: KeyUpdates, the client's and ours. */
#include "tls_peer.h"

/* KeyUpdates that the client received, by whether they asked for one. */
static unsigned updates[2];

static void
count_updates(int sent, int version, int type, const void *p, size_t n,
    SSL *ssl, void *arg)
{
	const uint8_t *message = p;

	(void)version, (void)ssl, (void)arg;
	if (!sent && type == SSL3_RT_HANDSHAKE && n == 5 &&
	    message[0] == SSL3_MT_KEY_UPDATE)
		updates[message[4]]++;
}

static void
start_counting(struct tls_peer *p)
{
	updates[0] = updates[1] = 0;
	SSL_set_msg_callback(p->client, count_updates);
}

static void
tls_follows_key_updates(void **state)
{
	static const int kinds[] = { SSL_KEY_UPDATE_NOT_REQUESTED,
		SSL_KEY_UPDATE_REQUESTED };
	struct tls_peer p;

	(void)state;
	for (size_t suite = 0; suite < 3; suite++) {
		tls_peer_start(&p, tls_peer_native);
		SSL_set_ciphersuites(p.client, tls_peer_suites[suite]);
		check(tls_peer_handshake(&p));
		start_counting(&p);
		for (unsigned i = 0; i < 12; i++) {
			check_int(SSL_key_update(p.client, kinds[i % 2]), 1);
			tls_peer_exchange(&p, 3000, i);
		}
		check(tls_is_native(p.tls));
		check_int(updates[0], 6); /* one answer per request */
		check_int(updates[1], 0);
		tls_peer_stop(&p);
	}
}

static void
check_limit(struct tls_server_config config)
{
	struct tls_peer p;

	tls_peer_start(&p, config);
	check(tls_peer_handshake(&p));
	for (unsigned i = 0; i < 80; i++) {
		check_int(
		    SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
		for (unsigned j = 0; j < 32; j++)
			tls_peer_exchange(&p, 1, j);
	}
	for (unsigned i = 0; i < 32; i++) {
		check_int(
		    SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
		check_int(SSL_do_handshake(p.client), 1);
		tls_peer_move(&p);
		check_int(p.status, TLS_OPEN);
	}
	check_int(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
	check_int(SSL_do_handshake(p.client), 1);
	tls_peer_move(&p);
	check_int(p.status, TLS_BROKEN);
	check_text(p.why.text, "tls: too many key updates");
	tls_peer_stop(&p);
}

/* Enough records earn any number of KeyUpdates; a flood of them does not,
 * whoever opens the records. */
static void
tls_limits_key_updates(void **state)
{
	(void)state;
	check_limit(tls_peer_native);
	check_limit(tls_peer_openssl);
}

/* The server's KeyUpdates, at a limit low enough to see them; the client,
 * asked, renews its key as well. */
static void
tls_renews_keys_at_the_limit(void **state)
{
	struct tls_server_config config = tls_peer_native;
	struct tls_peer p;

	(void)state;
	for (uint32_t max = 1; max < 40; max += 3) {
		config.key_records_max = max;
		tls_peer_start(&p, config);
		check(tls_peer_handshake(&p));
		start_counting(&p);
		for (unsigned i = 0; i < 20; i++)
			tls_peer_exchange(&p, 50000, i);
		for (unsigned i = 0; i < 40; i++)
			tls_peer_exchange(&p, 1, i);
		/* 120 records went each way; those of a KeyUpdate come on
		 * top */
		check(updates[0] + updates[1] >= 120 / (max + 2));
		check(updates[0] >= 1);
		check(updates[1] >= 120 / (max + 2) / 2);
		tls_peer_stop(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_follows_key_updates),
		cmocka_unit_test(tls_limits_key_updates),
		cmocka_unit_test(tls_renews_keys_at_the_limit),
	};

	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
