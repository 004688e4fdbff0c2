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
	struct tls_challenge *tls; /* owned */
	pthread_mutex_t lock;
	/* locked by lock; "": none */
	char token[ACME_TOKEN_MAX];
	char text[ACME_AUTHORIZATION_TEXT];
};

struct acme_answers *
acme_answers_new(void)
{
	struct acme_answers *a = calloc(1, sizeof *a);

	if (a == NULL)
		return NULL;
	a->tls = tls_challenge_new();
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
	snprintf(a->token, sizeof a->token, "%s", token);
	snprintf(a->text, sizeof a->text, "%s", text);
	pthread_mutex_unlock(&a->lock);
}

static int
show_certificate(struct acme_answers *a, const char *name, const char *text,
    struct fail *why)
{
	struct acme_key *key = acme_key_make(why);
	X509 *x = key != NULL ? acme_proof_make(key, name, text, clock_wall_s())
			      : NULL;

	if (x != NULL)
		tls_challenge_set(a->tls, x, acme_key_pkey(key));
	else
		fail_set(why, "the certificate of a challenge cannot be made");
	acme_key_free(key);
	X509_free(x);
	return x != NULL ? 0 : -1;
}

int
acme_answers_show(struct acme_answers *a, const char *name, enum acme_kind kind,
    const char *token, const char *key_authorization, struct fail *why)
{
	if (kind == ACME_TLS_ALPN_01)
		return show_certificate(a, name, key_authorization, why);
	show_text(a, token, key_authorization);
	return 0;
}

void
acme_answers_hide(struct acme_answers *a)
{
	show_text(a, "", "");
	tls_challenge_clear(a->tls);
}

bool
acme_answers_find(void *ctx, struct slice token, struct writer *w)
{
	struct acme_answers *a = ctx;
	bool found;

	pthread_mutex_lock(&a->lock);
	found = token.n > 0 && slice_is(token, a->token);
	if (found)
		writer_bytes(w, a->text, strlen(a->text));
	pthread_mutex_unlock(&a->lock);
	return found;
}
