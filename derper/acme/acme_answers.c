/* acme_answers: see acme_answers.h. */
#include "acme_answers.h"

#include "acme_proof.h"
#include "clock.h"

#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct acme_answers {
	const struct acme_folder *folder; /* borrowed */
	struct tls_challenge *tls;        /* owned */
	pthread_mutex_t lock;
	/* locked by lock */
	struct acme_proof_text own; /* token "": none */
	bool shows_certificate;     /* of its own */
	struct acme_proofs shared;
};

struct acme_answers *
acme_answers_new(const struct acme_folder *folder)
{
	struct acme_answers *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	a->folder = folder;
	a->tls = tls_challenge_new(folder->name);
	if (a->tls == NULL) {
		free(a);
		return NULL;
	}
	pthread_mutex_init(&a->lock, NULL);
	return a;
}

void
acme_answers_free(struct acme_answers *a)
{
	if (a == NULL)
		return;
	acme_proofs_clear(&a->shared);
	tls_challenge_free(a->tls);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

struct tls_challenge *
acme_answers_tls(struct acme_answers *a)
{
	return a->tls;
}

static void
show_text(struct acme_answers *a, const char *token, const char *text)
{
	pthread_mutex_lock(&a->lock);
	snprintf(a->own.token, sizeof a->own.token, "%s", token);
	snprintf(a->own.text, sizeof a->own.text, "%s", text);
	pthread_mutex_unlock(&a->lock);
}

static int
show_certificate(struct acme_answers *a, const char *text,
    struct fail *unshared, struct fail *why)
{
	struct acme_key *key = acme_key_make(why);
	X509 *x = key != NULL
	    ? acme_proof_make(key, a->folder->name, text, clock_wall_s())
	    : NULL;

	if (x != NULL) {
		pthread_mutex_lock(&a->lock);
		a->shows_certificate = true;
		pthread_mutex_unlock(&a->lock);
		tls_challenge_set(
		    a->tls, TLS_CHALLENGE_OWN, x, acme_key_pkey(key));
		(void)acme_proofs_put_certificate(a->folder, key, x, unshared);
	} else {
		fail_set(why, "the certificate of a challenge cannot be made");
	}
	acme_key_free(key);
	X509_free(x);
	return x != NULL ? 0 : -1;
}

int
acme_answers_show(struct acme_answers *a, enum acme_kind kind,
    const char *token, const char *key_authorization, struct fail *unshared,
    struct fail *why)
{
	if (kind == ACME_TLS_ALPN_01)
		return show_certificate(a, key_authorization, unshared, why);
	show_text(a, token, key_authorization);
	(void)acme_proofs_put_text(
	    a->folder, token, key_authorization, unshared);
	return 0;
}

void
acme_answers_hide(struct acme_answers *a)
{
	struct acme_proof_text own;
	bool had_certificate;

	pthread_mutex_lock(&a->lock);
	own = a->own;
	had_certificate = a->shows_certificate;
	a->own.token[0] = '\0';
	a->shows_certificate = false;
	pthread_mutex_unlock(&a->lock);
	if (own.token[0] != '\0')
		acme_proofs_remove_text(a->folder, own.token);
	if (had_certificate) {
		acme_proofs_remove_certificate(a->folder);
		tls_challenge_clear(a->tls, TLS_CHALLENGE_OWN);
	}
}

void
acme_answers_share(struct acme_answers *a, struct acme_proofs *proofs)
{
	struct acme_proofs old;

	pthread_mutex_lock(&a->lock);
	old = a->shared;
	a->shared = *proofs;
	pthread_mutex_unlock(&a->lock);
	if (proofs->certificate != NULL)
		tls_challenge_set(a->tls, TLS_CHALLENGE_OTHER,
		    proofs->certificate, proofs->key);
	else
		tls_challenge_clear(a->tls, TLS_CHALLENGE_OTHER);
	acme_proofs_clear(&old);
	*proofs = (struct acme_proofs){ 0 };
}

/* What is shown for the token; NULL: nothing. */
static const char *
text_of(const struct acme_answers *a, struct slice token)
{
	if (token.n == 0)
		return NULL;
	if (slice_is(token, a->own.token))
		return a->own.text;
	for (size_t i = 0; i < a->shared.count; i++)
		if (slice_is(token, a->shared.texts[i].token))
			return a->shared.texts[i].text;
	return NULL;
}

bool
acme_answers_find(void *ctx, struct slice token, struct writer *w)
{
	struct acme_answers *a = ctx;
	const char *text;

	pthread_mutex_lock(&a->lock);
	text = text_of(a, token);
	if (text != NULL)
		writer_bytes(w, text, strlen(text));
	pthread_mutex_unlock(&a->lock);
	return text != NULL;
}
