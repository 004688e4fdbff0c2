/*
 * acme_answers: what the relay shows a certificate authority that looks for a
 * proof, on its own ports: its own, and those of others with the same folder.
 *
 * Its own go before the others'. Written by the threads that order and that
 * watch the folder, read by the workers. Life: acme_answers_new ->
 * acme_answers_show, acme_answers_hide, acme_answers_share ... ->
 * acme_answers_free, after the workers. Threads: any; locked inside.
 */
#ifndef DERPKIT_ACME_ANSWERS_H
#define DERPKIT_ACME_ANSWERS_H

#include "acme_proofs.h"
#include "tls_challenge.h"

struct acme_answers;

/* The folder is borrowed. Returns owned; NULL when memory is short. */
struct acme_answers *acme_answers_new(const struct acme_folder *folder);
void acme_answers_free(struct acme_answers *a);

/* What the TLS contexts show; borrowed. */
struct tls_challenge *acme_answers_tls(struct acme_answers *a);

/* Shows the key authorization in the way of that kind, until
 * acme_answers_hide, also as a file. -1 and the reason; without the file it is
 * shown all the same, and *unshared, "" otherwise, says why. Blocking. */
int acme_answers_show(struct acme_answers *a, enum acme_kind kind,
    const char *token, const char *key_authorization, struct fail *unshared,
    struct fail *why);
void acme_answers_hide(struct acme_answers *a);

/* Shows what others have put into the folder, in place of what they had
 * before. Takes what the proofs hold. */
void acme_answers_share(struct acme_answers *a, struct acme_proofs *proofs);

/* Writes the key authorization of an http-01 token; false when it is not one
 * that is shown. ctx is a struct acme_answers. */
bool acme_answers_find(void *ctx, struct slice token, struct writer *w);

#endif
