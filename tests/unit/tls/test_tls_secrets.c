/* tls: traffic secrets and keys lie where they must and nowhere else; nothing
 * of them is left once the connection is. The client is another process, which
 * tells what they are, masked. */
#include "tls_peer.h"

#include "memory_scan.h"

#include "aead.h"
#include "tls_native.h"

#include <malloc.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* What must not be left, each masked. */
enum {
	CLIENT_SECRET,
	SERVER_SECRET,
	CLIENT_KEY,
	SERVER_KEY,
	SECRETS,
};

static const char *const names[SECRETS] = { "the client's secret",
	"the server's secret", "the client's key", "the server's key" };

struct told {
	uint8_t masked[SECRETS][TLS_RECORD_SECRET_MAX];
};

/* The client's process: its traffic secrets come by the key log. */
static uint8_t child_secrets[2][TLS_RECORD_SECRET_MAX];

static void
on_key_log(const SSL *ssl, const char *line)
{
	static const char *const labels[] = { "CLIENT_TRAFFIC_SECRET_0 ",
		"SERVER_TRAFFIC_SECRET_0 " };

	(void)ssl;
	for (size_t i = 0; i < 2; i++)
		if (strncmp(line, labels[i], strlen(labels[i])) == 0) {
			const char *hex = strrchr(line, ' ') + 1;

			for (size_t k = 0; 2 * k < strlen(hex); k++) {
				const char byte[] = { hex[2 * k],
					hex[2 * k + 1], '\0' };

				child_secrets[i][k] =
				    (uint8_t)strtoul(byte, NULL, 16);
			}
		}
}

static void
tell(int to, enum aead_kind kind)
{
	struct tls_record_key key;
	struct told told = { 0 };

	for (size_t i = 0; i < 2; i++) {
		if (tls_record_key_set(&key, kind, child_secrets[i]) == -1)
			_exit(3);
		memcpy(told.masked[CLIENT_SECRET + i], child_secrets[i],
		    TLS_RECORD_SECRET_MAX);
		memcpy(told.masked[CLIENT_KEY + i], key.key, AEAD_KEY_MAX);
	}
	memory_scan_mask((uint8_t *)&told, sizeof told);
	if (write(to, &told, sizeof told) != sizeof told)
		_exit(4);
}

/* Does the handshake, tells, has its word echoed, and ends when the server
 * does. */
static void
be_client(int wire, int to, size_t suite)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;
	char back[4];

	SSL_CTX_set_keylog_callback(ctx, on_key_log);
	SSL_CTX_set_ciphersuites(ctx, tls_peer_suites[suite]);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, wire);
	if (SSL_connect(ssl) != 1)
		_exit(2);
	tell(to, (enum aead_kind)suite);
	if (SSL_write(ssl, "word", 4) != 4 || SSL_read(ssl, back, 4) != 4 ||
	    memcmp(back, "word", 4) != 0)
		_exit(5);
	_exit(read(wire, back, 1) == 0 ? 0 : 6);
}

struct session {
	struct tls_context *ctx;
	struct tls *tls;
	int wire, from;
	pid_t client;
	struct told told;
	uint8_t in[4096];
	size_t in_n;
};

/* Forks before the server has any secret of it. */
static void
start(struct session *s, struct tls_server_config config, size_t suite)
{
	int wire[2], pipes[2];

	*s = (struct session){ 0 };
	config.cert_file = tls_peer_cert;
	config.key_file = tls_peer_key;
	check_int(socketpair(AF_UNIX, SOCK_STREAM, 0, wire), 0);
	check_int(pipe(pipes), 0);
	s->client = fork();
	if (s->client == 0) {
		close(wire[0]);
		close(pipes[0]);
		be_client(wire[1], pipes[1], suite);
	}
	close(wire[1]);
	close(pipes[1]);
	s->wire = wire[0];
	s->from = pipes[0];
	s->ctx = tls_context_new(&config, NULL);
	check(s->ctx != NULL);
	s->tls = tls_accept(s->ctx);
	check(s->tls != NULL);
}

/* Takes what has come, sends what is due; bytes of plaintext. */
static size_t
take_turn(struct session *s)
{
	static uint8_t wire_bytes[TLS_WIRE_ROOM],
	    plain_bytes[2 * TLS_RECORD_MAX];
	struct writer wire = writer_of(wire_bytes, sizeof wire_bytes);
	struct writer plain = writer_of(plain_bytes, sizeof plain_bytes);
	const ssize_t n =
	    read(s->wire, s->in + s->in_n, sizeof s->in - s->in_n);
	struct slice in;
	size_t before;

	check(n > 0);
	in = slice_of(s->in, s->in_n + (size_t)n);
	do {
		before = in.n;
		check_int(
		    tls_input(s->tls, &in, &plain, &wire, NULL), TLS_OPEN);
	} while (in.n > 0 && in.n < before);
	memmove(s->in, in.p, in.n);
	s->in_n = in.n;
	if (plain.n > 0)
		check_int(tls_output(s->tls, writer_slice(&plain), &wire), 0);
	if (wire.n > 0)
		check_int(write(s->wire, wire.p, wire.n), wire.n);
	return plain.n;
}

/* The same far down the stack: what is left there is not overwritten by those
 * who look for it. */
static size_t
turn(struct session *s)
{
	volatile uint8_t above[1 << 16];
	size_t plain;

	above[0] = 0;
	plain = take_turn(s);
	above[sizeof above - 1] = 0;
	return plain;
}

static void
check_copies(const struct session *s, int which, size_t least, size_t most)
{
	const struct memory_scan scan = { .masked = s->told.masked[which] };
	const size_t n = memory_scan(&scan);

	if (n < least || n > most)
		fail_msg("%zu copies of %s, not %zu to %zu", n, names[which],
		    least, most);
}

/* Copies of our structs, on the stack too, which are known by two secrets that
 * lie so far apart. */
static void
check_structs(
    const struct session *s, int which, int other, size_t apart, size_t want)
{
	const struct memory_scan scan = {
		.masked = s->told.masked[which],
		.masked_after = s->told.masked[other],
		.behind = apart,
		.stack = true,
	};
	const size_t n = memory_scan(&scan);

	if (n != want)
		fail_msg("%zu copies of %s with %s, not %zu", n, names[which],
		    names[other], want);
}

/* The keys of a connection on native records are where they belong, so often;
 * what they were made of is nowhere. */
static void
check_native(const struct session *s, size_t want)
{
	const size_t key = offsetof(struct tls_record_key, key) -
	    offsetof(struct tls_record_key, secret);

	check_structs(s, CLIENT_SECRET, SERVER_SECRET,
	    offsetof(struct tls_native_secrets, server) -
		offsetof(struct tls_native_secrets, client),
	    0);
	check_structs(s, CLIENT_SECRET, CLIENT_KEY, key, want);
	check_structs(s, SERVER_SECRET, SERVER_KEY, key, want);
}

static void
stop(struct session *s)
{
	int status;

	close(s->wire);
	close(s->from);
	check_int(waitpid(s->client, &status, 0), s->client);
	check_int(status, 0);
}

static void
check_session(struct tls_server_config config, size_t suite)
{
	const bool native = config.records == TLS_RECORDS_NATIVE;
	struct session s;
	size_t plain = 0;

	start(&s, config, suite);
	while (!tls_established(s.tls))
		plain += turn(&s);
	check_int(read(s.from, &s.told, sizeof s.told), sizeof s.told);
	check_int(tls_is_native(s.tls), native);
	if (native)
		check_native(&s, 1);
	if (native && plain == 0)
		for (int i = 0; i < SECRETS; i++)
			check_copies(&s, i, 1, 1);
	while (plain == 0)
		plain += turn(&s);
	if (native)
		/* the keys are expanded now, once for the thread */
		for (int i = 0; i < SECRETS; i++)
			check_copies(&s, i, 1, i < CLIENT_KEY ? 1 : 4);
	tls_free(s.tls);
	if (native)
		check_native(&s, 0);
	for (int i = 0; i < SECRETS; i++)
		check_copies(&s, i, 0, 0);
	tls_context_release(s.ctx);
	stop(&s);
}

static void
tls_leaves_no_secret_in_memory(void **state)
{
	(void)state;
	for (int maker = AEAD_EVP; maker <= AEAD_IPSEC_MB; maker++) {
		if (aead_select((enum aead_maker)maker) == -1)
			continue;
		for (size_t suite = 0; suite < 3; suite++)
			check_session(tls_peer_native, suite);
	}
	check_int(aead_select(AEAD_BEST), 0);
	for (size_t suite = 0; suite < 3; suite++)
		check_session(tls_peer_openssl, suite);
}

/* OpenSSL 3.0 frees an SSL object without wiping the two traffic secrets that
 * it keeps. That is not what is tested: here its memory is wiped for it. */
static void *
ssl_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return malloc(n);
}

static void
ssl_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	if (p != NULL)
		OPENSSL_cleanse(p, malloc_usable_size(p));
	free(p);
}

static void *
ssl_realloc(void *p, size_t n, const char *file, int line)
{
	const size_t before = p != NULL ? malloc_usable_size(p) : 0;
	void *more = malloc(n);

	if (more != NULL && before > 0)
		memcpy(more, p, before < n ? before : n);
	if (more != NULL)
		ssl_free(p, file, line);
	return more;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_leaves_no_secret_in_memory),
	};

	if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
		return 1;
	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
