/* derp_key: see derp_key.h. */
#include "derp_key.h"

#include "encode.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define PUBLIC_PREFIX "nodekey:"
#define PRIVATE_PREFIX "privkey:"
#define PREFIX_LEN 8

static_assert(sizeof PUBLIC_PREFIX == PREFIX_LEN + 1, "prefix length");
static_assert(sizeof PRIVATE_PREFIX == PREFIX_LEN + 1, "prefix length");
static_assert(DERP_KEY_TEXT == PREFIX_LEN + 2 * DERP_KEY + 1, "text length");
static_assert(DERP_KEY == crypto_box_PUBLICKEYBYTES, "key length");
static_assert(DERP_KEY == crypto_box_SECRETKEYBYTES, "key length");

bool
derp_key_eq(const struct derp_key *a, const struct derp_key *b)
{
	return memcmp(a->b, b->b, DERP_KEY) == 0;
}

bool
derp_key_is_zero(const struct derp_key *k)
{
	return sodium_is_zero(k->b, DERP_KEY) == 1;
}

/* PREFIX and exactly 64 hex digits. */
static int
parse_prefixed(uint8_t out[static DERP_KEY], struct slice text,
    const char prefix[static PREFIX_LEN])
{
	struct reader r = { .rest = text };
	struct slice head = reader_take(&r, PREFIX_LEN);

	if (r.failed || !slice_is(head, prefix)) {
		memset(out, 0, DERP_KEY);
		return -1;
	}
	return decode_hex(out, DERP_KEY, r.rest);
}

static void
format_prefixed(char out[static DERP_KEY_TEXT], const uint8_t *key,
    const char prefix[static PREFIX_LEN])
{
	memcpy(out, prefix, PREFIX_LEN);
	encode_hex(out + PREFIX_LEN, slice_of(key, DERP_KEY));
}

int
derp_key_parse(struct derp_key *k, struct slice text)
{
	return parse_prefixed(k->b, text, PUBLIC_PREFIX);
}

int
derp_key_parse_hex(struct derp_key *k, struct slice text)
{
	return decode_hex(k->b, DERP_KEY, text);
}

void
derp_key_format(const struct derp_key *k, char out[static DERP_KEY_TEXT])
{
	format_prefixed(out, k->b, PUBLIC_PREFIX);
}

void
derp_key_format_hex(
    const struct derp_key *k, char out[static DERP_KEY_HEX_TEXT])
{
	encode_hex(out, slice_of(k->b, DERP_KEY));
}

void
derp_key_format_short(
    const struct derp_key *k, char out[static DERP_KEY_SHORT_TEXT])
{
	char text[9]; /* of 4 bytes: enough for five characters */

	out[0] = '\0';
	if (derp_key_is_zero(k) ||
	    encode_base64(text, sizeof text, slice_of(k->b, 4)) == -1)
		return;
	out[0] = '[';
	memcpy(out + 1, text, 5);
	out[6] = ']';
	out[7] = '\0';
}

void
derp_private_key_generate(struct derp_private_key *k)
{
	randombytes_buf(k->b, DERP_KEY);
	k->b[0] &= 248;
	k->b[DERP_KEY - 1] = (uint8_t)((k->b[DERP_KEY - 1] & 127) | 64);
}

int
derp_private_key_parse(struct derp_private_key *k, struct slice text)
{
	return parse_prefixed(k->b, text, PRIVATE_PREFIX);
}

void
derp_private_key_format(
    const struct derp_private_key *k, char out[static DERP_KEY_TEXT])
{
	format_prefixed(out, k->b, PRIVATE_PREFIX);
}

int
derp_private_key_public(const struct derp_private_key *k, struct derp_key *out)
{
	/* clamping would make a usable-looking key of it, known to all */
	if (sodium_is_zero(k->b, DERP_KEY) == 1) {
		memset(out, 0, sizeof *out);
		return -1;
	}
	return crypto_scalarmult_base(out->b, k->b);
}

void
derp_private_key_clear(struct derp_private_key *k)
{
	sodium_memzero(k, sizeof *k);
}

int
derp_mesh_key_parse(uint8_t out[static DERP_KEY], struct slice text)
{
	return decode_hex(out, DERP_KEY, text);
}
