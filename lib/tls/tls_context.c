/* tls_context: see tls_context.h. */
#include "tls_context.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "aead.h"
#include "tls_challenge.h"
#include "tls_kdf.h"

/* Ciphers of TLS 1.2: forward secret AEADs only. */
#define CIPHERS_12 "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20"
#define SUITES_AES                                                    \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_" \
	"POLY1305_SHA256"
#define SUITES_NO_AES                                          \
	"TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:" \
	"TLS_AES_256_GCM_SHA384"
#define GROUPS "X25519:P-256:P-384"
#define QUOTED_MAX 200 /* bytes of foreign text in a reason */

struct tls_context {
	atomic_uint owners;
	SSL_CTX *ssl; /* owned */
	char *sni;    /* owned; NULL: any */
	bool sni_any_case;
	bool has_certificate;
	struct tls_challenge *challenge; /* borrowed, or NULL */
	bool native;
	uint32_t key_records_max;
};

static int set_policy(struct tls_context *c, struct fail *why);
static int load_pair(
    SSL_CTX *ssl, const struct tls_server_config *config, struct fail *why);
static int add_extra(SSL_CTX *ssl, struct slice der, struct fail *why);
static int on_hello(SSL *ssl, int *alert, void *arg);
static int on_sni(SSL *ssl, int *alert, void *arg);
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
    const unsigned char *in, unsigned in_n, void *arg);

/* OpenSSL's context, with our key derivation; NULL when memory is short. */
static SSL_CTX *
new_ssl(void)
{
	OSSL_LIB_CTX *library = tls_kdf_library();

	if (library == NULL)
		return NULL;
	return SSL_CTX_new_ex(library, TLS_KDF_PROPERTIES, TLS_server_method());
}

struct tls_context *
tls_context_new(const struct tls_server_config *config, struct fail *why)
{
	struct tls_context *c = calloc(1, sizeof *c);

	if (c == NULL) {
		fail_set(why, "out of memory");
		return NULL;
	}
	atomic_init(&c->owners, 1);
	c->native = config->records == TLS_RECORDS_NATIVE;
	c->key_records_max = config->key_records_max;
	c->sni_any_case = config->sni_any_case;
	c->has_certificate = config->cert_file != NULL;
	c->challenge = config->challenge;
	c->ssl = new_ssl();
	if (config->sni != NULL) {
		c->sni = strdup(config->sni);
		if (c->sni == NULL)
			goto no_memory;
	}
	if (c->ssl == NULL)
		goto no_memory;
	if (set_policy(c, why) == -1 ||
	    (c->has_certificate &&
		(load_pair(c->ssl, config, why) == -1 ||
		    add_extra(c->ssl, config->extra_cert, why) == -1)))
		goto release;
	ERR_clear_error();
	return c;

no_memory:
	fail_set(why, "out of memory");
release:
	ERR_clear_error();
	tls_context_release(c);
	return NULL;
}

struct tls_context *
tls_context_hold(struct tls_context *ctx)
{
	atomic_fetch_add_explicit(&ctx->owners, 1, memory_order_relaxed);
	return ctx;
}

void
tls_context_release(struct tls_context *ctx)
{
	if (ctx == NULL ||
	    atomic_fetch_sub_explicit(&ctx->owners, 1, memory_order_acq_rel) !=
		1)
		return;
	SSL_CTX_free(ctx->ssl);
	free(ctx->sni);
	free(ctx);
}

SSL_CTX *
tls_context_ssl(const struct tls_context *ctx)
{
	return ctx->ssl;
}

struct tls_challenge *
tls_context_challenge(const struct tls_context *ctx)
{
	return ctx->challenge;
}

bool
tls_context_native(const struct tls_context *ctx)
{
	return ctx->native;
}

uint32_t
tls_context_key_records_max(const struct tls_context *ctx)
{
	return ctx->key_records_max;
}

/* Tickets, sessions and early data are off: clients do not resume, and after
 * our Finished nothing may be sent before the keys are taken over. */
static int
set_policy(struct tls_context *c, struct fail *why)
{
	SSL_CTX *ssl = c->ssl;

	SSL_CTX_set_options(ssl,
	    SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ssl,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ssl, 0);
	if (SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_max_proto_version(ssl, 0) != 1 ||
	    SSL_CTX_set_num_tickets(ssl, 0) != 1 ||
	    SSL_CTX_set_max_early_data(ssl, 0) != 1 ||
	    SSL_CTX_set_cipher_list(ssl, CIPHERS_12) != 1 ||
	    SSL_CTX_set_ciphersuites(
		ssl, aead_aes_is_fast() ? SUITES_AES : SUITES_NO_AES) != 1 ||
	    SSL_CTX_set1_groups_list(ssl, GROUPS) != 1)
		return fail_set(why, "OpenSSL refuses our TLS settings: %s",
		    ERR_reason_error_string(ERR_peek_last_error()));
	SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
	if (c->challenge != NULL || !c->has_certificate)
		SSL_CTX_set_client_hello_cb(ssl, on_hello, c);
	if (c->sni != NULL) {
		SSL_CTX_set_tlsext_servername_callback(ssl, on_sni);
		SSL_CTX_set_tlsext_servername_arg(ssl, c);
	}
	return 0;
}

/* Why the last call failed: the system's reason for a file, OpenSSL's else. */
static int
fail_file(struct fail *why, const char *what, const char *file)
{
	const unsigned long e = ERR_peek_error();

	if (ERR_GET_LIB(e) == ERR_LIB_SYS)
		return fail_set(
		    why, "open %s: %s", file, strerror(ERR_GET_REASON(e)));
	if (ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
		return fail_set(why, "no %s in PEM form in %s", what, file);
	return fail_set(why, "%s in %s: %s", what, file,
	    e != 0 ? ERR_reason_error_string(e) : "unusable");
}

static int
load_pair(
    SSL_CTX *ssl, const struct tls_server_config *config, struct fail *why)
{
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ssl, config->cert_file) != 1)
		return fail_file(why, "certificate", config->cert_file);
	if (SSL_CTX_use_PrivateKey_file(
		ssl, config->key_file, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_error()) ==
		    X509_R_KEY_VALUES_MISMATCH)
			goto mismatch;
		return fail_file(why, "private key", config->key_file);
	}
	if (SSL_CTX_check_private_key(ssl) == 1)
		return 0;
mismatch:
	return fail_set(why, "private key %s does not belong to certificate %s",
	    config->key_file, config->cert_file);
}

/* The chain is complete before the first handshake and shared by all. */
static int
add_extra(SSL_CTX *ssl, struct slice der, struct fail *why)
{
	const unsigned char *p = der.p;
	X509 *x;

	if (der.n == 0)
		return 0;
	x = d2i_X509(NULL, &p, (long)der.n);
	if (x != NULL && SSL_CTX_add0_chain_cert(ssl, x) == 1)
		return 0;
	X509_free(x);
	return fail_set(why, "cannot append a certificate to the chain: %s",
	    ERR_reason_error_string(ERR_peek_error()));
}

/* Foreign bytes in quotes, safe for a line of a log. */
static void
quote(struct writer *w, struct slice s)
{
	struct reader r = { .rest = s };

	writer_u8(w, '"');
	while (r.rest.n > 0 && w->n < w->cap) {
		const uint8_t c = reader_u8(&r);

		if (c == '"' || c == '\\')
			writer_printf(w, "\\%c", c);
		else if (c >= ' ' && c < 0x7f)
			writer_u8(w, c);
		else
			writer_printf(w, "\\x%02x", c);
	}
	writer_u8(w, '"');
}

/* The first callback of a handshake, before a certificate is chosen. */
static int
on_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls_context_report *report = SSL_get_app_data(ssl);
	struct tls_context *c = arg;

	report->challenge =
	    c->challenge != NULL && tls_challenge_use(c->challenge, ssl);
	if (report->challenge || c->has_certificate)
		return SSL_CLIENT_HELLO_SUCCESS;
	fail_set(&report->why, "there is no certificate yet");
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_CLIENT_HELLO_ERROR;
}

static bool
is_our_name(const struct tls_context *c, const char *name)
{
	return c->sni_any_case ? strcasecmp(name, c->sni) == 0
			       : strcmp(name, c->sni) == 0;
}

/* Also called when the client sent no name at all. */
static int
on_sni(SSL *ssl, int *alert, void *arg)
{
	struct tls_context_report *report = SSL_get_app_data(ssl);
	const char *got = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	char text[QUOTED_MAX];
	struct writer w = writer_of(text, sizeof text);

	report->no_name = got == NULL;
	if (got == NULL)
		got = "";
	if (is_our_name(arg, got))
		return SSL_TLSEXT_ERR_OK;
	quote(&w, slice_str(got));
	fail_set(&report->why, "cert mismatch with hostname: %.*s%s", (int)w.n,
	    text, report->no_name ? " (the client sent no server name)" : "");
	*alert = SSL_AD_INTERNAL_ERROR;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Called when the client offers protocols, as length-prefixed names. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
    const unsigned char *in, unsigned in_n, void *arg)
{
	struct tls_context_report *report = SSL_get_app_data(ssl);
	struct reader r = { .rest = slice_of(in, in_n) };
	char text[QUOTED_MAX];
	struct writer w = writer_of(text, sizeof text);

	(void)arg;
	while (!r.failed && r.rest.n > 0) {
		struct slice name = reader_take(&r, reader_u8(&r));

		if (slice_is(name,
			report->challenge ? TLS_CHALLENGE_PROTOCOL
					  : "http/1.1")) {
			*out = name.p;
			*out_n = (unsigned char)name.n;
			return SSL_TLSEXT_ERR_OK;
		}
		if (w.n > 0)
			writer_u8(&w, ' ');
		quote(&w, name);
	}
	fail_set(&report->why,
	    "tls: client requested unsupported application protocols ([%.*s])",
	    (int)w.n, text);
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}
