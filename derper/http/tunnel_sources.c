/* tunnel_sources: see tunnel_sources.h. */
#include "tunnel_sources.h"

#include <string.h>

/* How many the key has; *last is one of them. */
static size_t
count_of(const struct tunnel_sources *s, const uint8_t *key, size_t *last)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		if (memcmp(s->keys[i], key, KEYTABLE_KEY) == 0) {
			*last = i;
			n++;
		}
	return n;
}

bool
tunnel_sources_enter(struct tunnel_sources *s, const struct netaddr *from)
{
	uint8_t key[KEYTABLE_KEY];
	size_t last;

	ip_limit_key(key, from);
	if (s->count >= TUNNEL_MAX ||
	    count_of(s, key, &last) >= TUNNEL_PER_SOURCE)
		return false;
	memcpy(s->keys[s->count++], key, sizeof key);
	return true;
}

void
tunnel_sources_leave(struct tunnel_sources *s, const struct netaddr *from)
{
	uint8_t key[KEYTABLE_KEY];
	size_t last;

	ip_limit_key(key, from);
	if (count_of(s, key, &last) == 0)
		return;
	s->count--;
	memmove(s->keys[last], s->keys[s->count], sizeof key);
}
