/* forward_cache: see forward_cache.h. */
#include "forward_cache.h"

#include <stdlib.h>

struct pair {
	struct derp_key src, dst;
	struct registry_entry to, from; /* where they are */
	bool used;
};

struct forward_cache {
	struct pair pairs[FORWARD_CACHE_PAIRS];
};

/* The hash has no secret seed: only a peer that knows the mesh key could choose
 * keys that collide, and it would slow down nothing but its own packets. */
static struct pair *
place_of(struct forward_cache *c, const struct derp_key *src,
    const struct derp_key *dst)
{
	const uint32_t n = bytes_get_u32(src->b + 3) * UINT32_C(0x9e3779b1) ^
	    bytes_get_u32(dst->b + 3) * UINT32_C(0x85ebca6b);

	return &c->pairs[(n >> 16) & (FORWARD_CACHE_PAIRS - 1)];
}

static bool
is_good(const struct pair *pair, const struct derp_key *src,
    const struct derp_key *dst)
{
	return pair->used && derp_key_eq(&pair->dst, dst) &&
	    derp_key_eq(&pair->src, src) && registry_is_current(&pair->to) &&
	    registry_is_current(&pair->from);
}

/* Asks the registry; NULL when dst is not here. */
static bool
look_up(struct pair *pair, struct registry *r, const struct derp_key *src,
    const struct derp_key *dst)
{
	*pair = (struct pair){ .src = *src, .dst = *dst };
	if (!registry_find(r, dst, &pair->to) || pair->to.link != 0)
		return false;
	switch (registry_note_key(r, src, &pair->to, &pair->from)) {
	case NOTIFY_NOTED:
	case NOTIFY_FULL: /* not to be tried with every packet */
		pair->used = true;
		break;
	case NOTIFY_GONE:
	case NOTIFY_NO_MEMORY:
		break;
	}
	return true;
}

bool
forward_cache_find(struct forward_cache **c, struct registry *r,
    const struct derp_key *src, const struct derp_key *dst,
    struct conn_addr *addr)
{
	struct pair spare, *pair = &spare;
	bool found = true;

	if (*c == NULL)
		*c = calloc(1, sizeof **c);
	if (*c != NULL)
		pair = place_of(*c, src, dst);
	if (*c == NULL || !is_good(pair, src, dst))
		found = look_up(pair, r, src, dst);
	*addr = pair->to.addr;
	return found;
}

void
forward_cache_free(struct forward_cache *c)
{
	free(c);
}
