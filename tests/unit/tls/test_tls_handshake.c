/* tls_handshake: connections whose keys cannot be taken over stay with OpenSSL
 * and work. Two of its functions are wrapped to bring that about. */
#include "tls_peer.h"

#include "tls_handshake.h"

/* see ld(1), --wrap */
int __real_SSL_has_pending(const SSL *ssl);
int __wrap_SSL_has_pending(const SSL *ssl);
void __real_SSL_CTX_set_keylog_callback(
    SSL_CTX *ctx, SSL_CTX_keylog_cb_func callback);
void __wrap_SSL_CTX_set_keylog_callback(
    SSL_CTX *ctx, SSL_CTX_keylog_cb_func callback);

/* What becomes of a line of the key log. */
enum change {
	AS_IT_IS,
	LEFT_OUT,
	WITHOUT_A_BYTE,
	WITHOUT_A_DIGIT,
	A_BYTE_MORE,
	MUCH_MORE, /* than any hash has */
	NO_HEX,
};

static bool pending;
static enum change change;
static const char *change_label; /* which line */
static SSL_CTX_keylog_cb_func on_secret;

int
__wrap_SSL_has_pending(const SSL *ssl)
{
	return pending ? 1 : __real_SSL_has_pending(ssl);
}

static void
change_line(const SSL *ssl, const char *line)
{
	char text[1024];
	size_t n = strlen(line);

	check(n + 200 < sizeof text);
	memset(text, '0', sizeof text);
	memcpy(text, line, n);
	switch (strncmp(line, change_label, strlen(change_label)) == 0
		? change
		: AS_IT_IS) {
	case AS_IT_IS:
		break;
	case LEFT_OUT:
		return;
	case WITHOUT_A_BYTE:
		n -= 2;
		break;
	case WITHOUT_A_DIGIT:
		n--;
		break;
	case A_BYTE_MORE:
		n += 2;
		break;
	case MUCH_MORE:
		n += 200;
		break;
	case NO_HEX:
		text[n - 1] = 'x';
		break;
	}
	text[n] = '\0';
	on_secret(ssl, text);
}

void
__wrap_SSL_CTX_set_keylog_callback(
    SSL_CTX *ctx, SSL_CTX_keylog_cb_func callback)
{
	on_secret = callback;
	__real_SSL_CTX_set_keylog_callback(ctx, change_line);
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
tls_handshake_keeps_what_has_other_secrets(void **state)
{
	static const char *const labels[] = { "CLIENT_TRAFFIC_SECRET_0 ",
		"SERVER_TRAFFIC_SECRET_0 " };

	(void)state;
	for (size_t suite = 0; suite < 3; suite++)
		for (size_t i = 0; i < 2; i++)
			for (change = AS_IT_IS; change <= NO_HEX; change++) {
				change_label = labels[i];
				check_int(
				    is_taken_over(suite), change == AS_IT_IS);
			}
	change = AS_IT_IS;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_handshake_keeps_what_has_bytes_pending),
		cmocka_unit_test(tls_handshake_keeps_what_has_other_secrets),
	};

	change_label = "";
	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
