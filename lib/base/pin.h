/*
 * pin: the text by which a DERP map accepts exactly one certificate.
 *
 * "sha256-raw:" and the SHA-256 over the DER of the leaf certificate in
 * lower-case hex. Clients compare it as text, so that any other spelling
 * matches nothing. Source: tailscale net/tlsdial, v1.102.5.
 *
 * Threads: pure functions.
 */
#ifndef DERPKIT_PIN_H
#define DERPKIT_PIN_H

#include "bytes.h"

#define PIN_PREFIX "sha256-raw:"
#define PIN_HEX 64                             /* digits after the prefix */
#define PIN_TEXT (sizeof PIN_PREFIX + PIN_HEX) /* with NUL */

/* Whether clients can compare the text with a certificate. */
bool pin_is_valid(struct slice text);

/* Whether the text is meant as a pin, valid or not: it begins with sha256 in
 * any case, or is hex digits, with or without colons, too many for a name. */
bool pin_is_meant(struct slice text);

/* Writes the pin for a fingerprint of PIN_HEX lower-case digits and NUL. */
void pin_format(char out[static PIN_TEXT], const char *sha256_hex);

#endif
