/* region_digest: see region_digest.h. BLAKE2b over the fields, each with its
 * length. */
#include "region_digest.h"

#include <sodium.h>

#include <string.h>

static void
add(crypto_generichash_state *h, const void *p, size_t n)
{
	(void)crypto_generichash_update(h, p, n);
}

static void
add_int(crypto_generichash_state *h, int64_t v)
{
	add(h, &v, sizeof v);
}

static void
add_field(
    crypto_generichash_state *h, const struct derpmap_field *f, const void *at)
{
	struct slice text;
	double v;

	switch (f->type) {
	case DERPMAP_TEXT:
		text = ((const struct derpmap_text *)at)->v;
		add_int(h, (int64_t)text.n);
		add(h, text.p, text.n);
		break;
	case DERPMAP_INT:
		add_int(h, ((const struct derpmap_int *)at)->v);
		break;
	case DERPMAP_FLOAT:
		v = ((const struct derpmap_float *)at)->v;
		add(h, &v, sizeof v);
		break;
	case DERPMAP_BOOL:
		add_int(h, ((const struct derpmap_bool *)at)->v);
		break;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
}

static void
add_fields(
    crypto_generichash_state *h, enum derpmap_level level, const void *owner)
{
	struct derpmap_fields fields = derpmap_fields(level);

	for (size_t i = 0; i < fields.n; i++)
		add_field(
		    h, &fields.v[i], (const char *)owner + fields.v[i].offset);
}

struct region_digest
region_digest_of(const struct derpmap_region *region)
{
	crypto_generichash_state h;
	struct region_digest digest;

	(void)crypto_generichash_init(&h, NULL, 0, sizeof digest.bytes);
	add_int(&h, region->key);
	add_int(&h, region->is_nil);
	if (!region->is_nil)
		add_fields(&h, DERPMAP_LEVEL_REGION, region);
	add_int(&h, (int64_t)region->node_count);
	for (size_t i = 0; i < region->node_count; i++) {
		add_int(&h, region->nodes[i]->is_nil);
		if (!region->nodes[i]->is_nil)
			add_fields(&h, DERPMAP_LEVEL_NODE, region->nodes[i]);
	}
	(void)crypto_generichash_final(&h, digest.bytes, sizeof digest.bytes);
	return digest;
}

bool
region_digest_eq(const struct region_digest *a, const struct region_digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
