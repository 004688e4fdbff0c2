/*
 * encode: hex and base64, strict.
 *
 * Thin over libsodium, whose codecs are constant time, so that keys may pass
 * through them. Threads: pure functions.
 */
#ifndef DERPKIT_ENCODE_H
#define DERPKIT_ENCODE_H

#include "bytes.h"

/* Lower-case hex of in and a NUL; out has 2 * in.n + 1 bytes. */
void encode_hex(char *out, struct slice in);

/* Exactly 2 * n hex digits, in either case, to n bytes. -1 otherwise; out is
 * then zeroed. */
int decode_hex(uint8_t *out, size_t n, struct slice text);

/* Standard base64 with padding and a NUL; -1 when cap is too small. */
int encode_base64(char *out, size_t cap, struct slice in);

/* Strict standard base64 with padding to at most cap bytes; *n is set to how
 * many. -1 on anything else. */
int decode_base64(uint8_t *out, size_t cap, size_t *n, struct slice text);

/* The same with the alphabet of URLs and without padding (RFC 4648 5). */
int encode_base64url(char *out, size_t cap, struct slice in);
int decode_base64url(uint8_t *out, size_t cap, size_t *n, struct slice text);
/* Whether all bytes are of its alphabet, and there are some: tokens and nonces
 * need not be the base64url of anything. */
bool encode_is_base64url(struct slice text);

#endif
