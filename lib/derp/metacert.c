/* metacert: see metacert.h. */
#include "metacert.h"

#include <stdio.h>

#define PROTOCOL_VERSION 2 /* of DERP, as the serial number */
#define DAYS 30            /* valid before and after now */

int
metacert_make(const struct derp_key *server, uint8_t der[static METACERT_MAX],
    size_t *n, struct fail *why)
{
	char hex[DERP_KEY_HEX_TEXT], name[sizeof "derpkey" + sizeof hex];

	derp_key_format_hex(server, hex);
	snprintf(name, sizeof name, "derpkey%s", hex);
	return cert_make_named(name, PROTOCOL_VERSION, DAYS, der, n, why);
}
