/* connect_target: see connect_target.h. */
#include "connect_target.h"

#include "dns_name.h"

#include <string.h>

static bool
ends_with(struct slice s, const char *end)
{
	const size_t n = strlen(end);

	return s.n > n && memcmp(s.p + s.n - n, end, n) == 0;
}

/* DIFFERS: upstream heeds the case, which the name service does not. */
static bool
contains_derp(struct slice s)
{
	for (size_t i = 0; i + 4 <= s.n; i++)
		if (slice_is_nocase(slice_of(s.p + i, 4), "derp"))
			return true;
	return false;
}

int
connect_target_parse(struct connect_target *target, struct slice text)
{
	struct slice host, port;

	/* where the name is resolved nothing else must be looked up: no
	 * address, no other kind of name */
	if (!slice_cut(text, ':', &host, &port) ||
	    (!slice_is(port, "443") && !slice_is(port, "80")) ||
	    host.n >= sizeof target->host || !dns_name_is_plain(host) ||
	    !ends_with(host, ".tailscale.com") || contains_derp(host))
		return -1;
	*target =
	    (struct connect_target){ .port = slice_is(port, "443") ? 443 : 80 };
	memcpy(target->host, host.p, host.n);
	return 0;
}
