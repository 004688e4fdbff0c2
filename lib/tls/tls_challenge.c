/* tls_challenge: see tls_challenge.h. */
#include "tls_challenge.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>

#include "bytes.h"

struct tls_challenge {
	pthread_mutex_t lock;
	X509 *certificate; /* locked by lock; counted; NULL: none */
	EVP_PKEY *key;     /* likewise */
};

struct tls_challenge *
tls_challenge_new(void)
{
	struct tls_challenge *c = calloc(1, sizeof *c);

	if (c != NULL)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
tls_challenge_free(struct tls_challenge *c)
{
	if (c == NULL)
		return;
	tls_challenge_clear(c);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void
tls_challenge_set(struct tls_challenge *c, X509 *certificate, EVP_PKEY *key)
{
	tls_challenge_clear(c);
	pthread_mutex_lock(&c->lock);
	if (X509_up_ref(certificate) == 1)
		c->certificate = certificate;
	if (EVP_PKEY_up_ref(key) == 1)
		c->key = key;
	pthread_mutex_unlock(&c->lock);
}

void
tls_challenge_clear(struct tls_challenge *c)
{
	pthread_mutex_lock(&c->lock);
	X509_free(c->certificate);
	EVP_PKEY_free(c->key);
	c->certificate = NULL;
	c->key = NULL;
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

bool
tls_challenge_use(struct tls_challenge *c, SSL *ssl)
{
	bool used = false;

	if (!offers_it(ssl))
		return false;
	pthread_mutex_lock(&c->lock);
	if (c->certificate != NULL && c->key != NULL) {
		SSL_certs_clear(ssl); /* with the chain */
		used = SSL_use_certificate(ssl, c->certificate) == 1 &&
		    SSL_use_PrivateKey(ssl, c->key) == 1;
	}
	pthread_mutex_unlock(&c->lock);
	ERR_clear_error();
	return used;
}
