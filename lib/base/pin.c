/* pin: see pin.h. */
#include "pin.h"

#include <stdio.h>
#include <string.h>

#define HEX_LIKELY 40 /* this many hex digits are not a name */

bool
pin_is_valid(struct slice text)
{
	size_t prefix = strlen(PIN_PREFIX);

	if (!slice_starts(text, PIN_PREFIX) || text.n != prefix + PIN_HEX)
		return false;
	for (size_t i = prefix; i < text.n; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') &&
		    !(text.p[i] >= 'a' && text.p[i] <= 'f'))
			return false;
	return true;
}

bool
pin_is_meant(struct slice text)
{
	size_t digits = 0;

	if (text.n >= 6 && slice_is_nocase(slice_of(text.p, 6), "sha256"))
		return true;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == ':')
			continue;
		if (text.p[i] == 0 ||
		    strchr("0123456789abcdefABCDEF", text.p[i]) == NULL)
			return false;
		digits++;
	}
	return digits >= HEX_LIKELY;
}

void
pin_format(char out[static PIN_TEXT], const char *sha256_hex)
{
	snprintf(out, PIN_TEXT, PIN_PREFIX "%.*s", PIN_HEX, sha256_hex);
}
