/* tls: memory that is short within OpenSSL, at every place of a connection's
 * life: it works or it ends, and nothing leaks (the sanitizer watches). */
#include "tls.h"

#include <pthread.h>

/* Only what the server allocates is counted, so that the client lives. */
static enum tls_status counted_input(struct tls *t, struct slice *in,
    struct writer *plain, struct writer *wire, struct fail *why);
static int counted_output(
    struct tls *t, struct slice plain, struct writer *wire);

/* The context is the same for all, and made before memory is short. */
static struct tls_context *shared_context(
    const struct tls_server_config *config, struct fail *why);

#define tls_context_new shared_context
#define tls_input counted_input
#define tls_output counted_output
#include "tls_peer.h"
#undef tls_context_new
#undef tls_input
#undef tls_output

static size_t left;   /* allocations up to the failing one; 0: none fails */
static bool counting; /* the server is at work */
static bool failed;

static bool
must_fail(void)
{
	if (!counting || left == 0 || --left > 0)
		return false;
	failed = true;
	return true;
}

static void *
ssl_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return must_fail() ? NULL : malloc(n);
}

static void *
ssl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return must_fail() ? NULL : realloc(p, n);
}

static void
ssl_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	free(p);
}

static struct tls_context *shared;

static struct tls_context *
shared_context(const struct tls_server_config *config, struct fail *why)
{
	if (shared == NULL)
		shared = tls_context_new(config, why);
	return tls_context_hold(shared);
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

static int
counted_output(struct tls *t, struct slice plain, struct writer *wire)
{
	int result;

	counting = true;
	result = tls_output(t, plain, wire);
	counting = false;
	return result;
}

/* How far a connection came. */
enum came {
	NO_HANDSHAKE,
	NOT_RECEIVED,
	NOT_SENT,
	DONE,
};

struct attempt {
	struct tls_server_config config;
	int version;
	enum came came;
};

static const uint8_t word[3000] = { 1, 2, 3 };

/* The client sends, the server answers, twice, with a KeyUpdate between. */
static enum came
exchange(struct tls_peer *p, int version)
{
	for (int i = 0; i < 2; i++) {
		if (i == 1 && version == TLS1_3_VERSION)
			check_int(
			    SSL_key_update(p->client, SSL_KEY_UPDATE_REQUESTED),
			    1);
		p->plain_n = 0;
		check_int(SSL_write(p->client, word, sizeof word), sizeof word);
		tls_peer_move(p);
		if (p->status != TLS_OPEN)
			return NOT_RECEIVED;
		check_slice(slice_of(p->plain, p->plain_n),
		    slice_of(word, sizeof word));
		if (tls_peer_send(p, word, sizeof word) == -1)
			return NOT_SENT;
		tls_peer_expect(p, word, sizeof word);
	}
	return DONE;
}

static enum came
connect_once(struct tls_peer *p, int version)
{
	uint8_t bye_bytes[64];
	struct writer bye = writer_of(bye_bytes, sizeof bye_bytes);
	enum came came;

	tls_free(p->tls);
	/* takes nothing of OpenSSL's; test_stream has its own shortage */
	p->tls = tls_accept(p->ctx);
	check(p->tls != NULL);
	SSL_set_max_proto_version(p->client, version);
	if (!tls_peer_handshake(p)) {
		/* told, not hanging */
		check(p->status == TLS_BROKEN || p->status == TLS_NO_MEMORY);
		return NO_HANDSHAKE;
	}
	came = exchange(p, version);
	counting = true;
	tls_close(p->tls, &bye);
	counting = false;
	return came;
}

/* In a thread of its own, so that its keys are expanded anew each time. */
static void *
attempt(void *arg)
{
	struct attempt *a = arg;
	struct tls_peer p;

	tls_peer_start(&p, a->config);
	a->came = connect_once(&p, a->version);
	tls_peer_stop(&p);
	OPENSSL_thread_stop();
	return NULL;
}

static void
try_each_allocation(struct tls_server_config config, int version)
{
	struct attempt a = { .config = config, .version = version };
	unsigned came[DONE + 1] = { 0 };
	size_t n = 0;

	do {
		pthread_t thread;
		const size_t want = n++; /* 0: to warm up */

		left = want;
		failed = false;
		check_int(pthread_create(&thread, NULL, attempt, &a), 0);
		check_int(pthread_join(thread, NULL), 0);
		came[a.came]++;
		if (!failed)
			check_int(a.came, DONE);
	} while (failed || n == 1);
	left = 0;
	tls_context_release(shared);
	shared = NULL;
	/* it was short everywhere */
	check(n > 100);
	check(came[NO_HANDSHAKE] > 0);
}

static void
tls_survives_shortage_on_native_records(void **state)
{
	(void)state;
	try_each_allocation(tls_peer_native, TLS1_3_VERSION);
}

static void
tls_survives_shortage_on_openssl_records(void **state)
{
	(void)state;
	try_each_allocation(tls_peer_openssl, TLS1_3_VERSION);
	try_each_allocation(tls_peer_native, TLS1_2_VERSION);
}

static void
tls_context_survives_shortage(void **state)
{
	struct tls_server_config config = { .cert_file = tls_peer_cert,
		.key_file = tls_peer_key };
	size_t n = 0;

	(void)state;
	do {
		struct fail why = { 0 };
		struct tls_context *ctx;

		left = ++n;
		failed = false;
		counting = true;
		ctx = tls_context_new(&config, &why);
		counting = false;
		check(ctx != NULL || (failed && why.text[0] != '\0'));
		tls_context_release(ctx);
		ERR_clear_error();
	} while (failed);
	left = 0;
	check(n > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_survives_shortage_on_native_records),
		cmocka_unit_test(tls_survives_shortage_on_openssl_records),
		cmocka_unit_test(tls_context_survives_shortage),
	};

	if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
		return 1;
	return cmocka_run_group_tests(
	    tests, tls_peer_files, tls_peer_files_gone);
}
