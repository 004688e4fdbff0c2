/* Targets of a CONNECT: what is taken is a plain name below tailscale.com, not
 * that of a relay, and is taken again as it was written down. */
#include "connect_target.h"
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct connect_target t, again;
	char text[CONNECT_TARGET_HOST + 8];
	const char *end;

	if (connect_target_parse(&t, slice_of(data, n)) == -1)
		return 0;
	FUZZ_CHECK(t.port == 443 || t.port == 80);
	FUZZ_CHECK(memchr(t.host, '\0', sizeof t.host) != NULL);
	FUZZ_CHECK(strspn(t.host,
		       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		       "0123456789-_.") == strlen(t.host));
	FUZZ_CHECK(strcasestr(t.host, "derp") == NULL);
	end = strstr(t.host, ".tailscale.com");
	FUZZ_CHECK(end != NULL && end != t.host);
	snprintf(text, sizeof text, "%s:%u", t.host, t.port);
	FUZZ_CHECK(strlen(text) == n && memcmp(text, data, n) == 0);
	FUZZ_CHECK(connect_target_parse(&again, slice_str(text)) == 0);
	FUZZ_CHECK(strcmp(again.host, t.host) == 0 && again.port == t.port);
	return 0;
}
