/* tls: see tls.h. A connection is an SSL object until its keys are taken over,
 * and two raw keys afterwards. */
#include "tls.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "tls_context.h"
#include "tls_handshake.h"
#include "tls_native.h"

struct tls {
	bool is_native; /* which of the two it is */
	bool take_over; /* native records are wanted */
	union {
		struct {
			struct tls_handshake *handshake; /* owned */
			uint32_t key_records_max;
		};
		struct tls_native native;
	};
};

static int take_over(struct tls *t);

struct tls *
tls_accept(struct tls_context *ctx)
{
	struct tls *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->handshake = tls_handshake_new(ctx);
	if (t->handshake == NULL) {
		free(t);
		return NULL;
	}
	t->take_over = tls_context_native(ctx);
	t->key_records_max = tls_context_key_records_max(ctx);
	return t;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	if (t->is_native)
		tls_native_wipe(&t->native);
	else
		tls_handshake_free(t->handshake);
	free(t);
}

enum tls_status
tls_input(struct tls *t, struct slice *in, struct writer *plain,
    struct writer *wire, struct fail *why)
{
	enum tls_status status;

	if (t->is_native)
		return tls_native_input(&t->native, in, plain, wire, why);
	status = tls_handshake_input(t->handshake, in, plain, wire, why);
	if (status == TLS_OPEN && t->take_over &&
	    tls_handshake_done(t->handshake) && take_over(t) == -1)
		return TLS_NO_MEMORY;
	return status;
}

/* Directly after the handshake: neither side has used its traffic key. */
static int
take_over(struct tls *t)
{
	struct tls_native_secrets secrets = { .key_records_max =
						  t->key_records_max };
	struct tls_handshake *handshake = t->handshake;
	struct tls_native native;
	int result = 0;

	t->take_over = false;
	if (tls_handshake_secrets(handshake, &secrets)) {
		result = tls_native_start(&native, &secrets);
		if (result == 0) {
			t->native = native;
			t->is_native = true;
			tls_handshake_free(handshake);
		}
		OPENSSL_cleanse(&native, sizeof native);
	}
	OPENSSL_cleanse(&secrets, sizeof secrets);
	return result;
}

bool
tls_established(const struct tls *t)
{
	return t->is_native || tls_handshake_done(t->handshake);
}

int
tls_output(struct tls *t, struct slice plain, struct writer *wire)
{
	return t->is_native ? tls_native_output(&t->native, plain, wire)
			    : tls_handshake_output(t->handshake, plain, wire);
}

void
tls_close(struct tls *t, struct writer *wire)
{
	if (t->is_native)
		tls_native_close(&t->native, wire);
	else
		tls_handshake_close(t->handshake, wire);
}

bool
tls_saw_http(const struct tls *t)
{
	return !t->is_native && tls_handshake_saw_http(t->handshake);
}

const char *
tls_version(const struct tls *t)
{
	return t->is_native ? "1.3" : tls_handshake_version(t->handshake);
}

bool
tls_is_native(const struct tls *t)
{
	return t->is_native;
}
