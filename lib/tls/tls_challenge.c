/* tls_challenge: see tls_challenge.h. */
#include "tls_challenge.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "bytes.h"

#define MAKERS (TLS_CHALLENGE_OTHER + 1)

struct tls_challenge {
	const char *name; /* borrowed */
	pthread_mutex_t lock;
	/* locked by lock; counted; NULL: none */
	struct {
		X509 *certificate;
		EVP_PKEY *key;
	} proofs[MAKERS];
};

struct tls_challenge *
tls_challenge_new(const char *name)
{
	struct tls_challenge *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->name = name;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
tls_challenge_free(struct tls_challenge *c)
{
	if (c == NULL)
		return;
	tls_challenge_clear(c, TLS_CHALLENGE_OWN);
	tls_challenge_clear(c, TLS_CHALLENGE_OTHER);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void
tls_challenge_set(struct tls_challenge *c, enum tls_challenge_maker maker,
    X509 *certificate, EVP_PKEY *key)
{
	tls_challenge_clear(c, maker);
	pthread_mutex_lock(&c->lock);
	if (X509_up_ref(certificate) == 1)
		c->proofs[maker].certificate = certificate;
	if (EVP_PKEY_up_ref(key) == 1)
		c->proofs[maker].key = key;
	pthread_mutex_unlock(&c->lock);
}

void
tls_challenge_clear(struct tls_challenge *c, enum tls_challenge_maker maker)
{
	pthread_mutex_lock(&c->lock);
	X509_free(c->proofs[maker].certificate);
	EVP_PKEY_free(c->proofs[maker].key);
	c->proofs[maker].certificate = NULL;
	c->proofs[maker].key = NULL;
	pthread_mutex_unlock(&c->lock);
}

/* Whether the ClientHello offers the protocol, and no other (RFC 8737 3). */
static bool
offers_it(SSL *ssl)
{
	const unsigned char *p;
	struct reader r;
	struct slice name;
	size_t n;

	if (SSL_client_hello_get0_ext(ssl,
		TLSEXT_TYPE_application_layer_protocol_negotiation, &p,
		&n) != 1)
		return false;
	r = (struct reader){ .rest = slice_of(p, n) };
	if (reader_u16(&r) != r.rest.n)
		return false;
	name = reader_take(&r, reader_u8(&r));
	return !r.failed && r.rest.n == 0 &&
	    slice_is(name, TLS_CHALLENGE_PROTOCOL);
}

/* Whether the ClientHello asks for the name (RFC 6066 3: one name, of type 0).
 */
static bool
asks_for(SSL *ssl, const char *host)
{
	const unsigned char *p;
	struct reader r;
	struct slice name;
	size_t n;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &n) !=
	    1)
		return false;
	r = (struct reader){ .rest = slice_of(p, n) };
	if (reader_u16(&r) != r.rest.n || reader_u8(&r) != 0)
		return false;
	name = reader_take(&r, reader_u16(&r));
	return !r.failed && slice_is_nocase(name, host);
}

/* The certificate to show, if there is one. */
static bool
show(struct tls_challenge *c, SSL *ssl)
{
	for (unsigned i = 0; i < MAKERS; i++) {
		if (c->proofs[i].certificate == NULL ||
		    c->proofs[i].key == NULL)
			continue;
		SSL_certs_clear(ssl); /* with the chain */
		return SSL_use_certificate(ssl, c->proofs[i].certificate) ==
		    1 &&
		    SSL_use_PrivateKey(ssl, c->proofs[i].key) == 1;
	}
	return false;
}

bool
tls_challenge_use(struct tls_challenge *c, SSL *ssl)
{
	bool used;

	if (!offers_it(ssl) || !asks_for(ssl, c->name))
		return false;
	pthread_mutex_lock(&c->lock);
	used = show(c, ssl);
	pthread_mutex_unlock(&c->lock);
	ERR_clear_error();
	return used;
}

/* Locked, so that the thread that drops the certificate has it after us or
 * before us: OpenSSL's own counts say so as well, but to no tool that looks for
 * races. */
void
tls_challenge_end(struct tls_challenge *c, SSL *ssl)
{
	pthread_mutex_lock(&c->lock);
	SSL_free(ssl);
	pthread_mutex_unlock(&c->lock);
}
