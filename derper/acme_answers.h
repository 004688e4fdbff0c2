/*
 * acme_answers: what the relay shows a certificate authority that looks for a
 * proof, on its own ports.
 *
 * Written by the thread that orders, read by the workers. Life:
 * acme_answers_new -> acme_answers_show, acme_answers_hide ... ->
 * acme_answers_free, after the workers. Threads: any; locked inside.
 */
#ifndef DERPKIT_ACME_ANSWERS_H
#define DERPKIT_ACME_ANSWERS_H

#include "acme_client.h"
#include "tls_challenge.h"

struct acme_answers;

/* Returns owned; NULL when memory is short. */
struct acme_answers *acme_answers_new(void);
void acme_answers_free(struct acme_answers *a);

/* What the TLS contexts show; borrowed. */
struct tls_challenge *acme_answers_tls(struct acme_answers *a);

/* Shows the key authorization for the name, in the way of that kind, until
 * acme_answers_hide. -1 and the reason. */
int acme_answers_show(struct acme_answers *a, const char *name,
    enum acme_kind kind, const char *token, const char *key_authorization,
    struct fail *why);
void acme_answers_hide(struct acme_answers *a);

/* Writes the key authorization of an http-01 token; false when it is not one
 * that is shown. ctx is a struct acme_answers. */
bool acme_answers_find(void *ctx, struct slice token, struct writer *w);

#endif
