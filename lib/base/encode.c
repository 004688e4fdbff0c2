/* encode: see encode.h. */
#include "encode.h"

#include <sodium.h>
#include <string.h>

void
encode_hex(char *out, struct slice in)
{
	sodium_bin2hex(out, 2 * in.n + 1, in.p, in.n);
}

int
decode_hex(uint8_t *out, size_t n, struct slice text)
{
	size_t got = 0;

	if (text.n == 2 * n &&
	    sodium_hex2bin(
		out, n, (const char *)text.p, text.n, NULL, &got, NULL) == 0 &&
	    got == n)
		return 0;
	memset(out, 0, n);
	return -1;
}

static int
encode(char *out, size_t cap, struct slice in, int variant)
{
	if (cap < sodium_base64_encoded_len(in.n, variant))
		return -1;
	sodium_bin2base64(out, cap, in.p, in.n, variant);
	return 0;
}

int
encode_base64(char *out, size_t cap, struct slice in)
{
	return encode(out, cap, in, sodium_base64_VARIANT_ORIGINAL);
}

int
encode_base64url(char *out, size_t cap, struct slice in)
{
	return encode(out, cap, in, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* libsodium 1.0.18 reads some bytes above ASCII as letters of its alphabet. */
static bool
is_ascii(struct slice s)
{
	uint8_t all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= s.p[i];
	return all < 0x80;
}

static int
decode(uint8_t *out, size_t cap, size_t *n, struct slice text, int variant)
{
	if (!is_ascii(text))
		return -1;
	return sodium_base642bin(
	    out, cap, (const char *)text.p, text.n, NULL, n, NULL, variant);
}

int
decode_base64(uint8_t *out, size_t cap, size_t *n, struct slice text)
{
	return decode(out, cap, n, text, sodium_base64_VARIANT_ORIGINAL);
}

int
decode_base64url(uint8_t *out, size_t cap, size_t *n, struct slice text)
{
	return decode(
	    out, cap, n, text, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

bool
encode_is_base64url(struct slice text)
{
	return text.n > 0 &&
	    slice_has_only(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz"
		"0123456789-_");
}
