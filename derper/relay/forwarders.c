/* forwarders: see forwarders.h. */
#include "forwarders.h"

#include "keytable.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static_assert(DERP_KEY == KEYTABLE_KEY, "a key is a key");

/* The links of a key that has several, in the order in which they came; the
 * first is the preferred one. */
struct several {
	struct derp_key key;
	uint8_t count;
	uint8_t links[FORWARDERS_LINKS_MAX];
};

struct forwarders {
	struct keytable *table; /* of struct several, owned */
};

struct forwarders *
forwarders_new(size_t max)
{
	struct forwarders *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	f->table = keytable_new(max, offsetof(struct several, key));
	if (f->table != NULL)
		return f;
	free(f);
	return NULL;
}

void
forwarders_free(struct forwarders *f)
{
	struct several *s;
	size_t at = 0;

	if (f == NULL)
		return;
	while ((s = keytable_next(f->table, &at)) != NULL)
		free(s);
	keytable_free(f->table);
	free(f);
}

static bool
has_link(const struct several *s, uint8_t link)
{
	return memchr(s->links, link, s->count) != NULL;
}

static enum forwarders_added
add_second(struct forwarders *f, const struct derp_key *key,
    struct forwarder *of, uint8_t link)
{
	struct several *s = calloc(1, sizeof *s);

	if (s == NULL)
		return FORWARDERS_NO_MEMORY;
	s->key = *key;
	s->links[s->count++] = of->preferred;
	s->links[s->count++] = link;
	if (keytable_put(f->table, s) == -1) {
		free(s);
		return FORWARDERS_NO_MEMORY;
	}
	of->several = true;
	return FORWARDERS_SECOND;
}

enum forwarders_added
forwarders_add(struct forwarders *f, const struct derp_key *key,
    struct forwarder *of, uint8_t link)
{
	struct several *s;

	assert(link > 0 && link <= FORWARDERS_LINKS_MAX);
	if (of->preferred == link)
		return FORWARDERS_KNOWN;
	if (of->preferred == 0) {
		of->preferred = link;
		return FORWARDERS_FIRST;
	}
	if (!of->several)
		return add_second(f, key, of, link);
	s = keytable_get(f->table, key->b);
	if (has_link(s, link))
		return FORWARDERS_KNOWN;
	s->links[s->count++] = link;
	return FORWARDERS_FURTHER;
}

static enum forwarders_removed
remove_of_several(struct forwarders *f, const struct derp_key *key,
    struct forwarder *of, uint8_t link)
{
	struct several *s = keytable_get(f->table, key->b);
	uint8_t *at = memchr(s->links, link, s->count);

	if (at == NULL)
		return FORWARDERS_UNKNOWN;
	s->count--;
	memmove(at, at + 1, (size_t)(s->links + s->count - at));
	of->preferred = s->links[0];
	if (s->count > 1)
		return FORWARDERS_FEWER;
	keytable_remove(f->table, key->b);
	free(s);
	of->several = false;
	return FORWARDERS_COLLAPSED;
}

enum forwarders_removed
forwarders_remove(struct forwarders *f, const struct derp_key *key,
    struct forwarder *of, uint8_t link)
{
	if (of->several)
		return remove_of_several(f, key, of, link);
	if (of->preferred == 0)
		return FORWARDERS_UNKNOWN;
	if (of->preferred != link)
		return FORWARDERS_OTHER;
	of->preferred = 0;
	return FORWARDERS_LAST;
}
