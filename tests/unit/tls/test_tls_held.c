/* tls: how much memory OpenSSL's objects take in each phase of a connection,
 * as against what tls_held says. */
#include "tls.h"

#include <malloc.h>

/* Only what the server allocates is counted. */
static enum tls_status counted_input(struct tls *t, struct slice *in,
    struct writer *plain, struct writer *wire, struct fail *why);

#define tls_input counted_input
#include "tls_peer.h"
#undef tls_input

static bool counting;        /* the server is at work */
static size_t held, at_most; /* bytes of the server; at most in between */

static void *
counted(void *p)
{
	if (p != NULL && counting)
		held += malloc_usable_size(p);
	if (held > at_most)
		at_most = held;
	return p;
}

static void
uncounted(void *p)
{
	if (p != NULL && counting)
		held -= malloc_usable_size(p);
}

static void *
ssl_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return counted(malloc(n));
}

static void *
ssl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	uncounted(p);
	return counted(realloc(p, n));
}

static void
ssl_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	uncounted(p);
	free(p);
}

static enum tls_status
counted_input(struct tls *t, struct slice *in, struct writer *plain,
    struct writer *wire, struct fail *why)
{
	enum tls_status status;

	counting = true;
	status = tls_input(t, in, plain, wire, why);
	counting = false;
	return status;
}

static void
begin(struct tls_peer *p, const struct tls_server_config *config)
{
	/* OpenSSL keeps some things for each thread from its first use on */
	tls_peer_start(p, *config);
	check(tls_peer_handshake(p));
	tls_peer_stop(p);
	tls_peer_start(p, *config);
	held = at_most = 0;
}

static void
tls_holds_nothing_for_part_of_a_record(void **state)
{
	static const uint8_t part[TLS_RECORD_HEADER + 16383] = { 22, 3, 1, 64,
		0 };
	struct tls_peer p;

	(void)state;
	begin(&p, &tls_peer_native);
	tls_peer_give(&p, part, 4);
	tls_peer_give(&p, part + 4, sizeof part - 4);
	check_int(p.status, TLS_OPEN);
	check_size(p.in_n, sizeof part);
	check_size(at_most, 0);
	check_size(tls_held(p.tls), 0);
	check(!tls_in_handshake(p.tls));
	tls_peer_stop(&p);
}

/* The bound is one, and not much more than that. */
static void
check_bound(size_t bytes, size_t bound)
{
	print_message("%zu bytes of %zu\n", bytes, bound);
	check(bytes <= bound && bytes > bound / 2);
}

static void
tls_holds_as_much_as_it_says(void **state)
{
	struct tls_peer p;

	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION;
	     version++) {
		begin(&p, &tls_peer_openssl);
		SSL_set_max_proto_version(p.client, version);
		check_int(SSL_do_handshake(p.client), -1);
		tls_peer_move(&p);
		check(tls_in_handshake(p.tls));
		check_size(tls_held(p.tls), TLS_HELD_HANDSHAKE);
		check_bound(held, TLS_HELD_HANDSHAKE);
		check(tls_peer_handshake(&p));
		check(!tls_in_handshake(p.tls));
		tls_peer_exchange(&p, 100, 0);
		check_size(tls_held(p.tls), TLS_HELD_OPENSSL);
		check_bound(held, TLS_HELD_OPENSSL);
		tls_peer_stop(&p);
	}
}

static void
tls_holds_nothing_on_native_records(void **state)
{
	struct tls_peer p;

	(void)state;
	begin(&p, &tls_peer_native);
	check(tls_peer_handshake(&p));
	check(tls_is_native(p.tls));
	check(!tls_in_handshake(p.tls));
	check_size(tls_held(p.tls), 0);
	check_size(held, 0);
	tls_peer_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_holds_nothing_for_part_of_a_record),
		cmocka_unit_test(tls_holds_as_much_as_it_says),
		cmocka_unit_test(tls_holds_nothing_on_native_records),
	};

	if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
		return 1;
	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
