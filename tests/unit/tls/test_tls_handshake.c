/* tls_handshake: connections whose keys cannot be taken over stay with OpenSSL
 * and work. Some of its functions are wrapped to bring that about. */
#include "tls_peer.h"

#include "tls_handshake.h"
#include "tls_kdf.h"

/* see ld(1), --wrap */
int __real_SSL_has_pending(const SSL *ssl);
int __wrap_SSL_has_pending(const SSL *ssl);
int __real_SSL_do_handshake(SSL *ssl);
int __wrap_SSL_do_handshake(SSL *ssl);
uint16_t __real_SSL_CIPHER_get_protocol_id(const SSL_CIPHER *cipher);
uint16_t __wrap_SSL_CIPHER_get_protocol_id(const SSL_CIPHER *cipher);

static bool pending;
static bool elsewhere;    /* the server's secrets go to another place */
static uint16_t suite_id; /* of the cipher suite; 0: as it is */

int
__wrap_SSL_has_pending(const SSL *ssl)
{
	return pending ? 1 : __real_SSL_has_pending(ssl);
}

int
__wrap_SSL_do_handshake(SSL *ssl)
{
	static struct tls_kdf_secrets other;

	if (elsewhere && SSL_is_server(ssl) == 1)
		tls_kdf_watch(&other);
	return __real_SSL_do_handshake(ssl);
}

uint16_t
__wrap_SSL_CIPHER_get_protocol_id(const SSL_CIPHER *cipher)
{
	return suite_id != 0 ? suite_id
			     : __real_SSL_CIPHER_get_protocol_id(cipher);
}

/* Whether the keys are taken over; the connection works either way. */
static bool
is_taken_over(size_t suite)
{
	static const size_t sizes[] = { 1, 16384, 50000 };
	struct tls_peer p;
	bool native;

	tls_peer_start(&p, tls_peer_native);
	SSL_set_ciphersuites(p.client, tls_peer_suites[suite]);
	check(tls_peer_handshake(&p));
	for (size_t i = 0; i < 3; i++)
		tls_peer_exchange(&p, sizes[i], (unsigned)i);
	native = tls_is_native(p.tls);
	/* it is decided once, directly after the handshake */
	check(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED) == 1);
	tls_peer_exchange(&p, 100, 0);
	check_int(tls_is_native(p.tls), native);
	check_text(tls_version(p.tls), "1.3");
	tls_peer_stop(&p);
	return native;
}

static void
tls_handshake_keeps_what_has_bytes_pending(void **state)
{
	(void)state;
	for (size_t suite = 0; suite < 3; suite++) {
		pending = true;
		check(!is_taken_over(suite));
		pending = false;
		check(is_taken_over(suite));
	}
}

static void
tls_handshake_keeps_what_has_no_secrets(void **state)
{
	(void)state;
	for (size_t suite = 0; suite < 3; suite++) {
		elsewhere = true;
		check(!is_taken_over(suite));
		elsewhere = false;
		check(is_taken_over(suite));
	}
}

/* Secrets of another hash's length than the suite's, and suites without an AEAD
 * of ours. */
static void
tls_handshake_keeps_what_has_other_suites(void **state)
{
	static const struct {
		size_t suite;
		uint16_t id;
	} cases[] = { { 0, 0x1302 }, { 1, 0x1301 }, { 1, 0x1303 },
		{ 2, 0x1302 }, { 0, 0x1304 }, { 1, 0x1305 }, { 2, 0x0001 } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		suite_id = cases[i].id;
		check(!is_taken_over(cases[i].suite));
	}
	suite_id = 0;
	check(is_taken_over(0));
}

/* What was agreed on stays so when the peer breaks a record afterwards: who
 * counts clients by it asks when they come and when they go. */
static void
tls_handshake_keeps_its_version(void **state)
{
	static const uint8_t record[] = { TLS_RECORD_DATA, 3, 3, 0, 32, 'x' };
	struct slice in;
	uint8_t bytes[5 + 32] = { 0 };
	uint8_t out[1024];
	struct writer plain = writer_of(out, sizeof out / 2);
	struct writer wire = writer_of(out + sizeof out / 2, sizeof out / 2);
	struct fail why = { 0 };
	struct tls_peer p;

	(void)state;
	pending = true;
	tls_peer_start(&p, tls_peer_native);
	check(tls_peer_handshake(&p));
	pending = false;
	check(!tls_is_native(p.tls));
	memcpy(bytes, record, sizeof record);
	in = slice_of(bytes, sizeof bytes);
	check_int(tls_input(p.tls, &in, &plain, &wire, &why), TLS_BROKEN);
	check_text(tls_version(p.tls), "1.3");
	check(!tls_in_handshake(p.tls) && !tls_established(p.tls));
	check_int(tls_output(p.tls, slice_str("x"), &wire), -1);
	tls_peer_stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_handshake_keeps_what_has_bytes_pending),
		cmocka_unit_test(tls_handshake_keeps_what_has_no_secrets),
		cmocka_unit_test(tls_handshake_keeps_what_has_other_suites),
		cmocka_unit_test(tls_handshake_keeps_its_version),
	};

	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
