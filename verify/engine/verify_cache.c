/* verify_cache: see verify_cache.h. */
#include "verify_cache.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct entry *older, *newer;
	uint64_t until_ms;
	uint8_t id[KEYTABLE_KEY];
	struct verify_answer answer;
};

struct verify_cache {
	struct keytable *by_id; /* owned; values are struct entry, owned here */
	struct entry *oldest, *newest;
	size_t max;
};

struct verify_cache *
verify_cache_new(size_t max)
{
	struct verify_cache *c = calloc(1, sizeof *c);

	if (c == NULL)
		return NULL;
	c->max = max;
	c->by_id = keytable_new(max, offsetof(struct entry, id));
	if (c->by_id == NULL) {
		free(c);
		return NULL;
	}
	return c;
}

static void
drop(struct verify_cache *c, struct entry *e)
{
	keytable_remove(c->by_id, e->id);
	if (e->older != NULL)
		e->older->newer = e->newer;
	else
		c->oldest = e->newer;
	if (e->newer != NULL)
		e->newer->older = e->older;
	else
		c->newest = e->older;
	free(e);
}

void
verify_cache_free(struct verify_cache *c)
{
	struct entry *e, *newer;

	if (c == NULL)
		return;
	for (e = c->oldest; e != NULL; e = newer) {
		newer = e->newer;
		free(e);
	}
	keytable_free(c->by_id);
	free(c);
}

bool
verify_cache_get(struct verify_cache *c, const uint8_t id[static KEYTABLE_KEY],
    uint64_t now_ms, struct verify_answer *answer)
{
	struct entry *e = keytable_get(c->by_id, id);

	if (e == NULL)
		return false;
	if (now_ms >= e->until_ms) {
		drop(c, e);
		return false;
	}
	*answer = e->answer;
	return true;
}

void
verify_cache_put(struct verify_cache *c, const uint8_t id[static KEYTABLE_KEY],
    uint64_t until_ms, const struct verify_answer *answer)
{
	struct entry *e = keytable_get(c->by_id, id);

	if (e != NULL)
		drop(c, e);
	if (keytable_count(c->by_id) >= c->max)
		drop(c, c->oldest);
	e = calloc(1, sizeof *e);
	if (e == NULL)
		return;
	memcpy(e->id, id, sizeof e->id);
	e->until_ms = until_ms;
	e->answer = *answer;
	if (keytable_put(c->by_id, e) == -1) {
		free(e);
		return;
	}
	e->older = c->newest;
	if (c->newest != NULL)
		c->newest->newer = e;
	else
		c->oldest = e;
	c->newest = e;
}

size_t
verify_cache_count(const struct verify_cache *c)
{
	return keytable_count(c->by_id);
}
