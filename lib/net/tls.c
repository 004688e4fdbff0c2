/* tls: see tls.h. A connection is an SSL object until its keys are taken over,
 * and two raw keys afterwards. */
#include "tls.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "tls_context.h"
#include "tls_own.h"
#include "tls_shake.h"

struct tls {
	bool is_own;    /* which of the two it is */
	bool take_over; /* own records are wanted */
	union {
		struct {
			struct tls_shake *shake; /* owned */
			uint32_t key_records_max;
		};
		struct tls_own own;
	};
};

static int take_over(struct tls *t);

struct tls *
tls_accept(struct tls_context *ctx)
{
	struct tls *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->shake = tls_shake_new(ctx);
	if (t->shake == NULL) {
		free(t);
		return NULL;
	}
	t->take_over = tls_context_own(ctx);
	t->key_records_max = tls_context_key_records_max(ctx);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	if (t->is_own)
		tls_own_wipe(&t->own);
	else
		tls_shake_free(t->shake);
	free(t);
}

enum tls_status
tls_input(struct tls *t, struct slice *in, struct writer *plain,
    struct writer *wire, struct fail *why)
{
	enum tls_status status;

	if (t->is_own)
		return tls_own_input(&t->own, in, plain, wire, why);
	status = tls_shake_input(t->shake, in, plain, wire, why);
	if (status == TLS_OPEN && t->take_over && tls_shake_done(t->shake) &&
	    take_over(t) == -1)
		return TLS_NO_MEMORY;
	return status;
}

/* Directly after the handshake: neither side has used its traffic key. */
static int
take_over(struct tls *t)
{
	struct tls_own_secrets secrets = { .key_records_max =
					       t->key_records_max };
	struct tls_shake *shake = t->shake;
	struct tls_own own;
	int result = 0;

	t->take_over = false;
	if (tls_shake_secrets(shake, &secrets)) {
		result = tls_own_start(&own, &secrets);
		if (result == 0) {
			t->own = own;
			t->is_own = true;
			tls_shake_free(shake);
		}
		OPENSSL_cleanse(&own, sizeof own);
	}
	OPENSSL_cleanse(&secrets, sizeof secrets);
	return result;
}

bool
tls_established(const struct tls *t)
{
	return t->is_own || tls_shake_done(t->shake);
}

int
tls_output(struct tls *t, struct slice plain, struct writer *wire)
{
	return t->is_own ? tls_own_output(&t->own, plain, wire)
			 : tls_shake_output(t->shake, plain, wire);
}

void
tls_close(struct tls *t, struct writer *wire)
{
	if (t->is_own)
		tls_own_close(&t->own, wire);
	else
		tls_shake_close(t->shake, wire);
}

bool
tls_saw_http(const struct tls *t)
{
	return !t->is_own && tls_shake_saw_http(t->shake);
}

const char *
tls_version(const struct tls *t)
{
	return t->is_own ? "1.3" : tls_shake_version(t->shake);
}

bool
tls_is_own(const struct tls *t)
{
	return t->is_own;
}
