/* verify_diff: see verify_diff.h. */
#include "verify_diff.h"

#include <string.h>

static bool
is_denied(const struct verify_diff *d, const struct verify_set_node *node)
{
	return node != NULL &&
	    (d->denies || (node->flags & VERIFY_SET_DENIED) != 0);
}

static bool
is_allowed(const struct verify_diff *d, const struct verify_set_node *node)
{
	return node != NULL && !is_denied(d, node) &&
	    (d->allow_expired || !verify_set_is_expired(node, d->now_s));
}

/* Whether a node is online does not count: it changes all the time. */
static bool
is_same(const struct verify_set_node *a, const struct verify_set_node *b)
{
	return a->expires_s == b->expires_s &&
	    ((a->flags ^ b->flags) & ~VERIFY_SET_ONLINE) == 0 &&
	    strcmp(a->name, b->name) == 0;
}

void
verify_diff_each(const struct verify_diff *d,
    void (*each)(void *ctx, const struct verify_difference *difference),
    void *ctx)
{
	const size_t old_count = d->old != NULL ? verify_set_count(d->old) : 0;
	struct verify_set_node old, now;

	for (size_t i = 0; i < old_count; i++) {
		struct verify_difference one = { .old = &old };

		verify_set_at(d->old, i, &old);
		if (verify_set_find(d->now, &old.key, &now))
			one.now = &now;
		if (one.now != NULL && is_same(&old, &now))
			continue;
		one.lost =
		    (is_allowed(d, one.old) && !is_allowed(d, one.now)) ||
		    (!is_denied(d, one.old) && is_denied(d, one.now));
		each(ctx, &one);
	}
	for (size_t i = 0; i < verify_set_count(d->now); i++) {
		struct verify_difference one = { .now = &now };

		verify_set_at(d->now, i, &now);
		if (d->old != NULL && verify_set_find(d->old, &now.key, &old))
			continue;
		one.lost = is_denied(d, &now);
		each(ctx, &one);
	}
}
