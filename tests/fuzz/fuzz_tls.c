/* What comes to a fresh server: hellos, garbage, plain HTTP; whole and in
 * pieces. */
#include "cert.h"
#include "fuzz.h"
#include "tls.h"

#include <string.h>
#include <unistd.h>

static uint8_t plain_bytes[2 * TLS_RECORD_MAX + (1 << 17)];
static uint8_t wire_bytes[1 << 18];

static struct tls_context *
context(void)
{
	static char dir[] = "/tmp/derpkit-fuzz-XXXXXX";
	struct tls_server_config config = { .sni = "derp.example.com" };
	static struct tls_context *ctx;
	char cert[64], key[64];
	struct netaddr ip;

	if (ctx != NULL)
		return ctx;
	FUZZ_CHECK(mkdtemp(dir) != NULL);
	snprintf(cert, sizeof cert, "%s/c", dir);
	snprintf(key, sizeof key, "%s/k", dir);
	FUZZ_CHECK(netaddr_parse_ip(&ip, slice_str("::1")) == 0);
	FUZZ_CHECK(cert_make_self_signed(&ip, cert, key, NULL) == 0);
	config.cert_file = cert;
	config.key_file = key;
	ctx = tls_context_new(&config, NULL);
	unlink(cert);
	unlink(key);
	rmdir(dir);
	FUZZ_CHECK(ctx != NULL);
	return ctx;
}

/* Feeds everything; the last status. */
static enum tls_status
feed(struct tls *t, struct slice in, struct slice *rest)
{
	struct writer plain = writer_of(plain_bytes, sizeof plain_bytes);
	struct writer wire = writer_of(wire_bytes, sizeof wire_bytes);
	enum tls_status status = TLS_OPEN;
	struct fail why = { 0 };

	for (size_t before = in.n + 1; in.n < before && status == TLS_OPEN;) {
		before = in.n;
		status = tls_input(t, &in, &plain, &wire, &why);
	}
	FUZZ_CHECK(!wire.failed && !plain.failed);
	FUZZ_CHECK((status == TLS_BROKEN) == (why.text[0] != '\0'));
	FUZZ_CHECK(strchr(why.text, '\n') == NULL);
	/* nobody finishes a handshake without knowing our random */
	FUZZ_CHECK(!tls_established(t) && plain.n == 0);
	if (status == TLS_OPEN)
		FUZZ_CHECK(in.n <= TLS_RECORD_MAX);
	*rest = in;
	return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct tls *whole = tls_accept(context());
	struct tls *cut = tls_accept(context());
	const struct slice in = slice_of(data, n);
	enum tls_status a, b;
	struct slice rest;

	FUZZ_CHECK(whole != NULL && cut != NULL);
	a = feed(whole, in, &rest);
	b = feed(cut, slice_of(in.p, n / 2), &rest);
	if (b == TLS_OPEN)
		b = feed(cut, slice_of(rest.p, rest.n + n - n / 2), &rest);
	FUZZ_CHECK(a == b);
	FUZZ_CHECK(tls_saw_http(whole) == tls_saw_http(cut));
	tls_free(whole);
	tls_free(cut);
	return 0;
}
