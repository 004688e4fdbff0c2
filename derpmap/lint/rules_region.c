/* rules_region: judgements about regions and about the map as a whole. */
#include "rules.h"

#include "duplicates.h"
#include "num.h"

#include <math.h>

/* The clients' address of a region is 127.3.3.40:ID, and a port has 16 bits.
 * Source: tailscale wgengine/magicsock, tailcfg/derpmap.go. */
#define REGION_ID_USABLE 65535
/* The documented range for one's own regions. */
#define REGION_ID_PRIVATE_FIRST 900
#define REGION_ID_PRIVATE_LAST 999

static struct doc_pos
region_at(const struct derpmap_region *r)
{
	return r->from.key != NULL ? r->from.key->start
				   : derpmap_origin_pos(&r->from);
}

/* The place of a field, or of the region when it is not set. */
static struct doc_pos
field_at(const struct derpmap_region *r, const struct derpmap_origin *from)
{
	struct doc_pos at = derpmap_origin_pos(from);

	return at.line != 0 ? at : region_at(r);
}

static void
id_mismatch(struct lint *l, const struct derpmap_region *r)
{
	struct finding *f;

	if (r->region_id.v == 0 || r->region_id.v == r->key)
		return;
	f = lint_found(l, field_at(r, &r->region_id.from),
	    "regionid is %lld but the region's key is %lld: clients elect a "
	    "region that is not in the map and have no relay",
	    (long long)r->region_id.v, (long long)r->key);
	f->fix = lint_fix(l, "set it to %lld", (long long)r->key);
}

void
rules_region_id_mismatch(struct lint *l)
{
	lint_each_region(l, id_mismatch);
}

static void
id_missing(struct lint *l, const struct derpmap_region *r)
{
	struct finding *f;

	if (r->region_id.v != 0)
		return;
	f = lint_found(l, field_at(r, &r->region_id.from),
	    "region %lld has no regionid: clients cannot use it",
	    (long long)r->key);
	f->fix = lint_fix(
	    l, "add %s: %lld", lint_name(l, "regionid"), (long long)r->key);
}

void
rules_region_id_missing(struct lint *l)
{
	lint_each_region(l, id_missing);
}

static void
id_nonpositive(struct lint *l, const struct derpmap_region *r)
{
	if (r->key <= 0)
		lint_found(l, region_at(r),
		    "region key %lld: clients take 0 for \"no relay\" and "
		    "never match a negative id",
		    (long long)r->key)
		    ->fix = "use an id from 900 to 999";
	else if (r->region_id.v < 0)
		lint_found(l, field_at(r, &r->region_id.from),
		    "regionid %lld is negative: clients never match it",
		    (long long)r->region_id.v)
		    ->fix = "use an id from 900 to 999";
}

void
rules_region_id_nonpositive(struct lint *l)
{
	lint_each_region(l, id_nonpositive);
}

static void
id_over(struct lint *l, const struct derpmap_region *r)
{
	if (r->key > REGION_ID_USABLE)
		lint_found(l, region_at(r),
		    "region key %lld is over 65535: clients carry the id in "
		    "16 bits, so packets go to region %lld or nowhere",
		    (long long)r->key, (long long)(r->key & 0xffff))
		    ->fix = "use an id from 900 to 999";
}

void
rules_region_id_over_65535(struct lint *l)
{
	lint_each_region(l, id_over);
}

static void
id_not_private(struct lint *l, const struct derpmap_region *r)
{
	if (r->key >= 1 && r->key <= REGION_ID_USABLE &&
	    (r->key < REGION_ID_PRIVATE_FIRST ||
		r->key > REGION_ID_PRIVATE_LAST))
		lint_found(l, region_at(r),
		    "region key %lld is outside 900-999, the range for one's "
		    "own regions: it may replace one of Tailscale's, now or "
		    "later",
		    (long long)r->key)
		    ->fix = "use an id from 900 to 999";
}

void
rules_region_id_not_private(struct lint *l)
{
	lint_each_region(l, id_not_private);
}

static void
no_nodes(struct lint *l, const struct derpmap_region *r)
{
	for (size_t i = 0; i < r->node_count; i++)
		if (!r->nodes[i]->is_nil)
			return;
	lint_found(l, field_at(r, &r->nodes_from),
	    "region %lld has no nodes, yet clients may choose it at random as "
	    "their home and then have no relay",
	    (long long)r->key)
	    ->fix = "add a node or remove the region";
}

void
rules_region_no_nodes(struct lint *l)
{
	lint_each_region(l, no_nodes);
}

/* How many of its nodes relay packets. */
static size_t
relays(const struct derpmap_region *r, size_t *nodes)
{
	size_t count = 0;

	*nodes = 0;
	for (size_t i = 0; i < r->node_count; i++) {
		if (r->nodes[i]->is_nil)
			continue;
		++*nodes;
		count += !r->nodes[i]->stun_only.v;
	}
	return count;
}

static void
stun_only(struct lint *l, const struct derpmap_region *r)
{
	size_t nodes;

	if (relays(r, &nodes) > 0 || nodes == 0)
		return;
	lint_found(l, region_at(r),
	    "all nodes of region %lld are STUN-only: it answers probes, may "
	    "be elected home, and cannot relay",
	    (long long)r->key)
	    ->fix = "put STUN nodes into a region that has a relay";
}

void
rules_region_stun_only(struct lint *l)
{
	lint_each_region(l, stun_only);
}

static void
code_twin(struct lint *l, const void *first, const void *later)
{
	const struct derpmap_region *a = first, *b = later;

	lint_found(l, field_at(b, &b->region_code.from),
	    "regions %lld and %lld have the same code: commands that take a "
	    "code pick either",
	    (long long)a->key, (long long)b->key);
}

void
rules_region_code_dup(struct lint *l)
{
	const struct derpmap *m = &l->load->map;
	struct lint_twins twins = { .n = 0 };

	for (size_t i = 0; i < m->region_count; i++) {
		const struct derpmap_region *r = m->regions[i];

		if (!r->is_nil && r->region_code.v.n > 0)
			lint_twins_add(l, &twins, r->region_code.v, 0, r);
	}
	lint_twins_visit(l, &twins, code_twin);
}

static void
code_empty(struct lint *l, const struct derpmap_region *r)
{
	if (r->region_code.v.n == 0)
		lint_found(l, field_at(r, &r->region_code.from),
		    "region %lld has no regioncode: ping and netcheck show a "
		    "blank label",
		    (long long)r->key);
}

void
rules_region_code_empty(struct lint *l)
{
	lint_each_region(l, code_empty);
}

static void
code_numeric(struct lint *l, const struct derpmap_region *r)
{
	uint64_t n;

	if (num_parse_decimal(r->region_code.v, UINT64_MAX, &n) == 0)
		lint_found(l, field_at(r, &r->region_code.from),
		    "a regioncode of digits is taken for a region id by "
		    "`tailscale debug derp`");
}

void
rules_region_code_numeric(struct lint *l)
{
	lint_each_region(l, code_numeric);
}

static void
name_empty(struct lint *l, const struct derpmap_region *r)
{
	if (r->region_name.v.n == 0)
		lint_found(l, field_at(r, &r->region_name.from),
		    "region %lld has no regionname: health messages show the "
		    "id",
		    (long long)r->key);
}

void
rules_region_name_empty(struct lint *l)
{
	lint_each_region(l, name_empty);
}

static void
avoid(struct lint *l, const struct derpmap_region *r)
{
	if (r->avoid.v)
		lint_found(l, field_at(r, &r->avoid.from),
		    "avoid is deprecated and does not reliably keep clients "
		    "away")
		    ->fix = "use nomeasurenohome: true";
}

void
rules_avoid_deprecated(struct lint *l)
{
	lint_each_region(l, avoid);
}

void
rules_all_regions_no_home(struct lint *l)
{
	const struct derpmap *m = &l->load->map;
	const struct derpmap_region *first = NULL;

	for (size_t i = 0; i < m->region_count; i++) {
		const struct derpmap_region *r = m->regions[i];

		if (r->is_nil)
			continue;
		if (!r->avoid.v && !r->no_measure_no_home.v)
			return;
		if (first == NULL)
			first = r;
	}
	if (first != NULL && lint_whole(l))
		lint_found(l, region_at(first),
		    "every region is marked avoid or nomeasurenohome: clients "
		    "pick a home at random");
}

static void
multi_node(struct lint *l, const struct derpmap_region *r)
{
	size_t nodes;

	if (relays(r, &nodes) > 1)
		lint_found(l, region_at(r),
		    "region %lld has several relays: they must be meshed, and "
		    "headscale shuffles them at every refresh, which "
		    "reconnects all clients",
		    (long long)r->key)
		    ->fix = "make each relay a region of its own";
}

void
rules_multi_node_region(struct lint *l)
{
	lint_each_region(l, multi_node);
}

void
rules_single_region(struct lint *l)
{
	const struct derpmap *m = &l->load->map;

	if (lint_whole(l) && m->region_count == 1 && !m->regions[0]->is_nil)
		lint_found(l, region_at(m->regions[0]),
		    "one region only: a single point of failure, and clients "
		    "cannot tell whether their NAT varies by destination");
}

void
rules_score_nonpositive(struct lint *l)
{
	const struct derpmap *m = &l->load->map;

	for (size_t i = 0; i < m->score_count; i++)
		if (m->scores[i].score.v <= 0)
			lint_found(l,
			    lint_at(&m->scores[i].score.from, &m->home_from),
			    "a score that is not positive is ignored");
}

void
rules_score_unknown_region(struct lint *l)
{
	const struct derpmap *m = &l->load->map;

	for (size_t i = 0; i < m->score_count && lint_whole(l); i++)
		if (derpmap_region_find(m, m->scores[i].region) == NULL)
			lint_found(l,
			    lint_at(&m->scores[i].score.from, &m->home_from),
			    "there is no region %lld that this score could "
			    "be for",
			    (long long)m->scores[i].region);
}

void
rules_home_params_dropped(struct lint *l)
{
	const struct derpmap *m = &l->load->map;

	if (!m->home_nil)
		lint_found(l, derpmap_origin_pos(&m->home_from),
		    "headscale drops homeparams when it merges its sources");
}

void
rules_omit_default_ignored(struct lint *l)
{
	const struct derpmap *m = &l->load->map;

	if (m->omit_default_regions.v)
		lint_found(l, derpmap_origin_pos(&m->omit_default_regions.from),
		    "headscale ignores omitdefaultregions")
		    ->fix = "set derp.urls: [] in headscale's config.yaml";
}

static void
lat_long(struct lint *l, const struct derpmap_region *r)
{
	if (isfinite(r->latitude.v) && fabs(r->latitude.v) > 90)
		lint_found(l, field_at(r, &r->latitude.from),
		    "latitude is not between -90 and 90");
	if (isfinite(r->longitude.v) && fabs(r->longitude.v) > 180)
		lint_found(l, field_at(r, &r->longitude.from),
		    "longitude is not between -180 and 180");
	if (r->latitude.from.value != NULL && r->longitude.from.value != NULL &&
	    fpclassify(r->latitude.v) == FP_ZERO &&
	    fpclassify(r->longitude.v) == FP_ZERO)
		lint_found(l, field_at(r, &r->latitude.from),
		    "latitude and longitude are both 0, a place in the sea")
		    ->fix = "write where the relay is, or leave both out";
}

void
rules_lat_long_range(struct lint *l)
{
	lint_each_region(l, lat_long);
}
