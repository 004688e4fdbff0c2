/* tls: see tls.h. A connection is a context until its first record is whole,
 * an SSL object until its keys are taken over, and two raw keys afterwards. */
#include "tls.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "tls_context.h"
#include "tls_handshake.h"
#include "tls_native.h"

#define FIRST_VERSION_MAX 0x1000 /* no TLS version is that high */

enum phase {
	PHASE_FIRST, /* of the first record */
	PHASE_OPENSSL,
	PHASE_NATIVE,
	PHASE_NOT_TLS, /* the first bytes were something else */
};

struct tls {
	uint8_t phase;  /* enum phase */
	bool take_over; /* native records are wanted */
	bool saw_http;  /* with PHASE_NOT_TLS */
	union {
		struct tls_context *ctx; /* PHASE_FIRST: held */
		struct {
			struct tls_handshake *handshake; /* owned */
			uint32_t key_records_max;
		};
		struct tls_native native;
	};
};

static enum tls_status start_handshake(
    struct tls *t, struct slice in, struct fail *why);
static int take_over(struct tls *t);

struct tls *
tls_accept(struct tls_context *ctx)
{
	struct tls *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->phase = PHASE_FIRST;
	t->ctx = tls_context_hold(ctx);
	return t;
}

struct tls *
tls_adopt(struct ssl_st *ssl)
{
	struct tls *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	t->phase = PHASE_OPENSSL;
	t->handshake = tls_handshake_adopt(ssl);
	if (t->handshake != NULL)
		return t;
	free(t);
	return NULL;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	switch ((enum phase)t->phase) {
	case PHASE_FIRST:
		tls_context_release(t->ctx);
		break;
	case PHASE_OPENSSL:
		tls_handshake_free(t->handshake);
		break;
	case PHASE_NATIVE:
		tls_native_wipe(&t->native);
		break;
	case PHASE_NOT_TLS:
		break;
	}
	free(t);
}

static enum tls_status
input_openssl(struct tls *t, struct slice *in, struct writer *plain,
    struct writer *wire, struct fail *why)
{
	enum tls_status status =
	    tls_handshake_input(t->handshake, in, plain, wire, why);

	if (status == TLS_OPEN && t->take_over &&
	    tls_handshake_done(t->handshake) && take_over(t) == -1)
		return TLS_NO_MEMORY;
	return status;
}

enum tls_status
tls_input(struct tls *t, struct slice *in, struct writer *plain,
    struct writer *wire, struct fail *why)
{
	enum tls_status status;

	switch ((enum phase)t->phase) {
	case PHASE_FIRST:
		status = start_handshake(t, *in, why);
		if (t->phase != PHASE_OPENSSL)
			return status;
		return input_openssl(t, in, plain, wire, why);
	case PHASE_OPENSSL:
		return input_openssl(t, in, plain, wire, why);
	case PHASE_NATIVE:
		return tls_native_input(&t->native, in, plain, wire, why);
	case PHASE_NOT_TLS:
		break;
	}
	return TLS_BROKEN;
}

/* The prefixes by which Go's HTTP server knows a request. */
static bool
looks_like_http(struct slice first)
{
	static const char *const methods[] = { "GET /", "HEAD ", "POST ",
		"PUT /", "OPTIO" };

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
		if (slice_starts(first, methods[i]))
			return true;
	return false;
}

/* The first bytes of a connection may be anything. Go's rule: an alert or a
 * handshake message of a version that can be. */
static bool
is_tls(struct slice header)
{
	struct reader r = { .rest = header };
	const uint8_t type = reader_u8(&r);
	const uint16_t version = reader_u16(&r);

	return (type == TLS_RECORD_ALERT || type == TLS_RECORD_HANDSHAKE) &&
	    version < FIRST_VERSION_MAX;
}

static enum tls_status
not_tls(struct tls *t, struct slice first, struct fail *why)
{
	tls_context_release(t->ctx);
	t->phase = PHASE_NOT_TLS;
	t->saw_http = looks_like_http(first);
	fail_set(why, "first record does not look like a TLS handshake");
	return TLS_BROKEN;
}

/* Makes OpenSSL's objects as soon as there is a record for them: a whole one,
 * or a header that promises more than any may hold, which they answer. */
static enum tls_status
start_handshake(struct tls *t, struct slice in, struct fail *why)
{
	const size_t n = tls_record_peek(in);
	struct tls_context *ctx = t->ctx;
	struct tls_handshake *handshake;

	if (n == 0)
		return TLS_OPEN;
	if (!is_tls(in))
		return not_tls(t, in, why);
	if (n > in.n && n <= TLS_RECORD_MAX)
		return TLS_OPEN;
	handshake = tls_handshake_new(ctx);
	if (handshake == NULL)
		return TLS_NO_MEMORY;
	t->phase = PHASE_OPENSSL;
	t->handshake = handshake;
	t->take_over = tls_context_native(ctx);
	t->key_records_max = tls_context_key_records_max(ctx);
	tls_context_release(ctx);
	return TLS_OPEN;
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
			t->phase = PHASE_NATIVE;
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
	return t->phase == PHASE_NATIVE ||
	    (t->phase == PHASE_OPENSSL && tls_handshake_done(t->handshake));
}

bool
tls_in_handshake(const struct tls *t)
{
	return t->phase == PHASE_OPENSSL && !tls_handshake_over(t->handshake);
}

size_t
tls_held(const struct tls *t)
{
	if (t->phase != PHASE_OPENSSL)
		return 0;
	return tls_in_handshake(t) ? TLS_HELD_HANDSHAKE : TLS_HELD_OPENSSL;
}

int
tls_output(struct tls *t, struct slice plain, struct writer *wire)
{
	if (t->phase == PHASE_NATIVE)
		return tls_native_output(&t->native, plain, wire);
	if (t->phase == PHASE_OPENSSL)
		return tls_handshake_output(t->handshake, plain, wire);
	return -1;
}

void
tls_close(struct tls *t, struct writer *wire)
{
	if (t->phase == PHASE_NATIVE)
		tls_native_close(&t->native, wire);
	else if (t->phase == PHASE_OPENSSL)
		tls_handshake_close(t->handshake, wire);
}

bool
tls_saw_http(const struct tls *t)
{
	return t->phase == PHASE_NOT_TLS && t->saw_http;
}

bool
tls_saw_no_name(const struct tls *t)
{
	return t->phase == PHASE_OPENSSL &&
	    tls_handshake_saw_no_name(t->handshake);
}

const char *
tls_version(const struct tls *t)
{
	if (t->phase == PHASE_NATIVE)
		return "1.3";
	return t->phase == PHASE_OPENSSL ? tls_handshake_version(t->handshake)
					 : "";
}

bool
tls_is_native(const struct tls *t)
{
	return t->phase == PHASE_NATIVE;
}
