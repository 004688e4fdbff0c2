/* rules_region: judgements about regions and about the map as a whole. */
#include "rule_groups.h"

#include "duplicates.h"
#include "edit.h"
#include "num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The clients' address of a region is 127.3.3.40:ID, and a port has 16 bits.
 * Source: tailscale wgengine/magicsock, tailcfg/derpmap.go. */
#define REGION_ID_USABLE 65535
/* The largest id that tailcfg documents: what a float64, as which JavaScript
 * and jq read all numbers, holds exactly. */
#define REGION_ID_EXACT ((INT64_C(1) << 53) - 1)
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
id_mismatch(struct rule_run *run, const struct derpmap_region *r)
{
	struct finding *f;
	char id[24];

	if (r->region_id.v == 0 || r->region_id.v == r->key)
		return;
	snprintf(id, sizeof id, "%lld", (long long)r->key);
	f = rule_found(run, field_at(r, &r->region_id.from),
	    "regionid is %lld but the region's key is %lld: clients elect a "
	    "region that is not in the map and have no relay",
	    (long long)r->region_id.v, (long long)r->key);
	f->fix = rule_fix(run, "set it to %s", id);
	if (r->key > 0)
		edit_value(run, f, &r->region_id.from, id);
}

static void
id_missing(struct rule_run *run, const struct derpmap_region *r)
{
	const char *name = rule_field_name(run, "regionid");
	struct finding *f;
	char id[24];

	/* a key that is not positive is found by itself */
	if (r->region_id.v != 0 || r->key <= 0)
		return;
	snprintf(id, sizeof id, "%lld", (long long)r->key);
	if (r->region_id.from.value == NULL) {
		f = rule_found(run, region_at(r),
		    "region %s has no regionid: clients cannot use it", id);
		f->fix = rule_fix(run, "add %s: %s", name, id);
		edit_add(run, f, &r->from, name, id);
	} else {
		f = rule_found(run, field_at(r, &r->region_id.from),
		    "the regionid of region %s is 0, which clients read as "
		    "\"no relay\"",
		    id);
		f->fix = rule_fix(run, "set it to %s", id);
		edit_value(run, f, &r->region_id.from, id);
	}
}

static void
id_nonpositive(struct rule_run *run, const struct derpmap_region *r)
{
	if (r->key <= 0)
		rule_found(run, region_at(r),
		    "region key %lld: clients read 0 as \"no relay\" and "
		    "never match a negative id",
		    (long long)r->key)
		    ->fix = "use an id from 900 to 999";
	else if (r->region_id.v < 0)
		rule_found(run, field_at(r, &r->region_id.from),
		    "regionid %lld is negative: clients never match it",
		    (long long)r->region_id.v)
		    ->fix = "use an id from 900 to 999";
}

static void
id_over(struct rule_run *run, const struct derpmap_region *r)
{
	if (r->key > REGION_ID_USABLE && r->key <= REGION_ID_EXACT)
		rule_found(run, region_at(r),
		    "region key %lld is over 65535: clients carry the id in "
		    "16 bits, so packets go to region %lld or nowhere",
		    (long long)r->key, (long long)(r->key & 0xffff))
		    ->fix = "use an id from 900 to 999";
}

static void
id_inexact(struct rule_run *run, const struct derpmap_region *r)
{
	if (r->key > REGION_ID_EXACT)
		rule_found(run, region_at(r),
		    "region key %lld is over 2^53-1, the largest id there is: "
		    "programs that hold numbers as floating point read "
		    "another one, and clients carry 16 bits of it",
		    (long long)r->key)
		    ->fix = "use an id from 900 to 999";
}

static void
id_not_private(struct rule_run *run, const struct derpmap_region *r)
{
	if (r->key >= 1 && r->key <= REGION_ID_USABLE &&
	    (r->key < REGION_ID_PRIVATE_FIRST ||
		r->key > REGION_ID_PRIVATE_LAST))
		rule_found(run, region_at(r),
		    "region key %lld is outside 900-999, the range for one's "
		    "own regions: it may replace one of Tailscale's, now or "
		    "later",
		    (long long)r->key)
		    ->fix = "use an id from 900 to 999";
}

static void
no_nodes(struct rule_run *run, const struct derpmap_region *r)
{
	for (size_t i = 0; i < r->node_count; i++)
		if (!r->nodes[i]->is_nil)
			return;
	rule_found(run, field_at(r, &r->nodes_from),
	    "region %lld has no nodes, yet clients may choose it at random as "
	    "their home and then have no relay",
	    (long long)r->key)
	    ->fix = "add a node or remove the region";
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
stun_only(struct rule_run *run, const struct derpmap_region *r)
{
	size_t nodes;

	if (relays(r, &nodes) > 0 || nodes == 0)
		return;
	rule_found(run, region_at(r),
	    "all nodes of region %lld are STUN-only: it answers probes, may "
	    "be elected home, and cannot relay",
	    (long long)r->key)
	    ->fix = "put STUN nodes into a region that has a relay";
}

static void
same_code(struct rule_run *run, const void *first, const void *later)
{
	const struct derpmap_region *a = first, *b = later;
	struct finding *f = rule_found(run, field_at(b, &b->region_code.from),
	    "regions %lld and %lld have the same code: commands that take a "
	    "code pick either",
	    (long long)a->key, (long long)b->key);

	f->related = field_at(a, &a->region_code.from);
	f->related_text = "the other region has it here";
}

static void
region_code_dup(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;
	struct duplicates seen = { .n = 0 };

	for (size_t i = 0; i < m->region_count; i++) {
		const struct derpmap_region *r = m->regions[i];

		if (!r->is_nil && r->region_code.v.n > 0 && !rule_is_foreign(r))
			duplicates_add(run, &seen, r->region_code.v, 0, r);
	}
	duplicates_visit(run, &seen, same_code);
}

static void
code_empty(struct rule_run *run, const struct derpmap_region *r)
{
	if (r->region_code.v.n == 0)
		rule_found(run, field_at(r, &r->region_code.from),
		    "region %lld has no regioncode: ping and netcheck show a "
		    "blank label",
		    (long long)r->key);
}

static void
code_numeric(struct rule_run *run, const struct derpmap_region *r)
{
	uint64_t n;

	if (num_parse_decimal(r->region_code.v, UINT64_MAX, &n) == 0)
		rule_found(run, field_at(r, &r->region_code.from),
		    "a regioncode of digits is read as a region id by "
		    "`tailscale debug derp`");
}

static void
name_empty(struct rule_run *run, const struct derpmap_region *r)
{
	if (r->region_name.v.n == 0)
		rule_found(run, field_at(r, &r->region_name.from),
		    "region %lld has no regionname: health messages show the "
		    "id",
		    (long long)r->key);
}

static void
avoid(struct rule_run *run, const struct derpmap_region *r)
{
	struct finding *f;

	if (!r->avoid.v)
		return;
	f = rule_found(run, field_at(r, &r->avoid.from),
	    "avoid is deprecated and does not reliably keep clients away");
	f->fix = "use nomeasurenohome: true";
	if ((r->avoid.from.how & DERPMAP_MERGED) == 0)
		edit_key(run, f, r->avoid.from.key,
		    rule_field_name(run, "nomeasurenohome"));
}

/* What older clients do is settled by target.h. */
static void
no_measure_support(struct rule_run *run, const struct derpmap_region *r)
{
	if (r->no_measure_no_home.v)
		rule_found(run, field_at(r, &r->no_measure_no_home.from),
		    "clients before 1.82 do not know nomeasurenohome: they "
		    "measure the region and may choose it as their home");
}

static void
all_regions_no_home(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;
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
	if (first != NULL && rule_sees_all(run))
		rule_found(run, region_at(first),
		    "every region is marked avoid or nomeasurenohome: clients "
		    "pick a home at random");
}

static void
multi_node(struct rule_run *run, const struct derpmap_region *r)
{
	size_t nodes;

	if (relays(r, &nodes) > 1)
		rule_found(run, region_at(r),
		    "region %lld has several relays: they must be meshed, and "
		    "headscale shuffles them at every refresh, which "
		    "reconnects all clients",
		    (long long)r->key)
		    ->fix = "make each relay a region of its own";
}

static void
single_region(struct rule_run *run)
{
	const struct rule_call *c = run->call;
	const struct rule_call_region *only = NULL;

	/* the map that clients get is made of all files */
	for (size_t i = 0; i < c->region_count; i++) {
		if (c->regions[i].is_nil)
			return;
		if (only != NULL && only->key != c->regions[i].key)
			return;
		if (only == NULL)
			only = &c->regions[i];
	}
	if (only == NULL || !c->sees_all || c->has_defaults)
		return;
	run->file = only->file;
	rule_found(run, only->at,
	    "one region only: a single point of failure, and clients cannot "
	    "tell whether their NAT varies by destination");
}

static int
by_key_then_file(const void *a, const void *b)
{
	const struct rule_call_region *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->file_index > y->file_index) -
	    (x->file_index < y->file_index);
}

/* A file in which a region is that an earlier one has. */
static void
found_repeated(struct rule_run *run, const struct rule_call_region *first,
    const struct rule_call_region *later)
{
	run->file = later->file;
	if (region_digest_eq(&first->digest, &later->digest))
		rule_found_as(run, SEVERITY_INFO, later->at,
		    "region %lld is the same as on line %u of %s",
		    (long long)later->key, first->at.line, first->file);
	else
		rule_found(run, later->at,
		    "region %lld replaces the one on line %u of %s: headscale "
		    "takes the region of its last source and joins no nodes",
		    (long long)later->key, first->at.line, first->file)
		    ->fix = "give one of them another id, or remove it";
}

/* Regions are not merged: of two files the later one replaces it. */
static void
region_repeated(struct rule_run *run)
{
	const struct rule_call *c = run->call;

	if (c->region_count > 1)
		qsort(c->regions, c->region_count, sizeof *c->regions,
		    by_key_then_file);
	for (size_t i = 1; i < c->region_count; i++) {
		const struct rule_call_region *a = &c->regions[i - 1],
					      *b = &c->regions[i];

		if (a->key == b->key && a->file_index != b->file_index &&
		    !b->is_nil)
			found_repeated(run, a, b);
	}
}

static void
score_nonpositive(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	for (size_t i = 0; i < m->score_count; i++)
		if (m->scores[i].score.v <= 0)
			rule_found(run,
			    rule_pos(&m->scores[i].score.from, &m->home_from),
			    "a score that is not positive is ignored");
}

static void
score_unknown_region(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	for (size_t i = 0; i < m->score_count && rule_sees_all(run); i++)
		if (derpmap_region_find(m, m->scores[i].region) == NULL)
			rule_found(run,
			    rule_pos(&m->scores[i].score.from, &m->home_from),
			    "there is no region %lld that this score could "
			    "be for",
			    (long long)m->scores[i].region);
}

static void
home_params_dropped(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	if (!m->home_nil)
		rule_found(run, derpmap_origin_pos(&m->home_from),
		    "headscale drops homeparams when it merges its sources");
}

static void
omit_default_ignored(struct rule_run *run)
{
	const struct derpmap *m = &run->load->map;

	if (m->omit_default_regions.v)
		rule_found(run,
		    derpmap_origin_pos(&m->omit_default_regions.from),
		    "headscale ignores omitdefaultregions, however it is "
		    "spelled")
		    ->fix = "set derp.urls: [] in headscale's config.yaml";
}

static void
lat_long(struct rule_run *run, const struct derpmap_region *r)
{
	if (isfinite(r->latitude.v) && fabs(r->latitude.v) > 90)
		rule_found(run, field_at(r, &r->latitude.from),
		    "latitude is not between -90 and 90");
	if (isfinite(r->longitude.v) && fabs(r->longitude.v) > 180)
		rule_found(run, field_at(r, &r->longitude.from),
		    "longitude is not between -180 and 180");
	if (r->latitude.from.value != NULL && r->longitude.from.value != NULL &&
	    fpclassify(r->latitude.v) == FP_ZERO &&
	    fpclassify(r->longitude.v) == FP_ZERO)
		rule_found(run, field_at(r, &r->latitude.from),
		    "latitude and longitude are both 0, a place in the sea")
		    ->fix = "write where the relay is, or leave both out";
}

static const struct rule rules[] = {
	{ "R01", "region-id-mismatch", SEVERITY_ERROR, RULE_ANY,
	    { .region = id_mismatch }, "a region's id is not its key",
	    "Clients elect a region that is not in the map.",
	    RULE_NETCHECK "; tailscale issue 17564" },
	{ "R02", "region-id-missing", SEVERITY_ERROR, RULE_ANY,
	    { .region = id_missing }, "a region without id",
	    "Id 0 is \"no relay\".", RULE_NETCHECK },
	{ "R03", "region-id-nonpositive", SEVERITY_ERROR, RULE_ANY,
	    { .region = id_nonpositive }, "a region's id is not positive",
	    "0 is \"no relay\" for clients and negative ids never match.",
	    RULE_TAILCFG },
	{ "R04", "region-id-over-65535", SEVERITY_ERROR, RULE_ANY,
	    { .region = id_over }, "a region's id is over 65535",
	    "Clients carry the id in 16 bits.",
	    "tailscale wgengine/magicsock" },
	{ "R05", "region-id-over-2-53", SEVERITY_ERROR, RULE_ANY,
	    { .region = id_inexact }, "a region's id is over 2^53-1",
	    "Programs that hold numbers as floating point read another id.",
	    RULE_TAILCFG },
	{ "R06", "region-id-not-private", SEVERITY_WARNING, RULE_ANY,
	    { .region = id_not_private }, "a region's id is not in 900-999",
	    "Other ids are Tailscale's: the region may replace one of theirs.",
	    RULE_TAILCFG },
	{ "R07", "region-repeated", SEVERITY_WARNING, RULE_ANY,
	    { .call = region_repeated }, "one region in two files",
	    "All files of one call count together, in the order in which they "
	    "are given. Headscale takes the whole region of its last source: "
	    "of derp.urls, derp.paths and the embedded relay, in this order "
	    "since 0.27.",
	    RULE_MERGE "; headscale issue 2836" },
	{ "R08", "region-no-nodes", SEVERITY_ERROR, RULE_ANY,
	    { .region = no_nodes }, "a region without nodes",
	    "Clients may choose it as home and then have no relay.",
	    "tailscale wgengine/magicsock" },
	{ "R09", "region-stun-only", SEVERITY_ERROR, RULE_ANY,
	    { .region = stun_only }, "all nodes of a region are STUN-only",
	    "It answers probes, may be elected home and cannot relay.",
	    RULE_NETCHECK "; headscale issue 3136, tailscale issue 13562" },
	{ "R10", "region-code-dup", SEVERITY_WARNING, RULE_ANY,
	    { .map = region_code_dup }, "two regions with one code",
	    "Commands pick either.", "tailscale debug derp" },
	{ "R11", "region-code-empty", SEVERITY_INFO, RULE_ANY,
	    { .region = code_empty }, "a region without code",
	    "ping and netcheck show a blank label.", RULE_NETCHECK },
	{ "R12", "region-code-numeric", SEVERITY_INFO, RULE_ANY,
	    { .region = code_numeric }, "a region's code is a number",
	    "`tailscale debug derp` reads a number as an id.",
	    "tailscale debug derp" },
	{ "R13", "region-name-empty", SEVERITY_INFO, RULE_ANY,
	    { .region = name_empty }, "a region without name",
	    "Health messages show its id.", "tailscale health" },
	{ "R14", "avoid-deprecated", SEVERITY_WARNING, RULE_ANY,
	    { .region = avoid }, "avoid is used",
	    "It is deprecated and not honoured in full probes.",
	    RULE_NETCHECK "; tailscale pull request 15245" },
	{ "R15", "all-regions-no-home", SEVERITY_WARNING, RULE_ANY,
	    { .map = all_regions_no_home }, "no region may be home",
	    "With avoid or nomeasurenohome on all of them, clients pick one "
	    "at random.",
	    "tailscale wgengine/magicsock" },
	{ "R16", "multi-node-region", SEVERITY_WARNING, RULE_ANY,
	    { .region = multi_node }, "several relays in one region",
	    "They must be meshed, and headscale shuffles them at each refresh, "
	    "which reconnects all clients.",
	    RULE_MERGE "; tailscale issue 6478" },
	{ "R17", "single-region", SEVERITY_INFO, RULE_ANY,
	    { .call = single_region }, "one region only",
	    "A single point of failure; the kind of NAT cannot be told. All "
	    "files of one call count together.",
	    RULE_NETCHECK },
	{ "R18", "no-nomeasure-support", SEVERITY_INFO, RULE_ANY,
	    { .region = no_measure_support },
	    "nomeasurenohome needs newer clients",
	    "From 1.82 on (capability version 115). With --min-client it is a "
	    "warning, or nothing.",
	    "tailscale tailcfg/tailcfg.go" },
	{ "R19", "score-nonpositive", SEVERITY_WARNING, RULE_ANY,
	    { .map = score_nonpositive }, "a score that is not positive",
	    "It is ignored.", RULE_NETCHECK },
	{ "R20", "score-unknown-region", SEVERITY_WARNING, RULE_ANY,
	    { .map = score_unknown_region },
	    "a score for a region that is not here", "It has no effect.",
	    RULE_NETCHECK },
	{ "R21", "homeparams-dropped", SEVERITY_WARNING, RULE_YAML,
	    { .map = home_params_dropped },
	    "homeparams in a file for headscale",
	    "Headscale drops them when it merges its sources.", RULE_MERGE },
	{ "R22", "omitdefault-ignored", SEVERITY_WARNING, RULE_YAML,
	    { .map = omit_default_ignored },
	    "omitdefaultregions in a file for headscale",
	    "Headscale ignores it; derp.urls: [] does what it promises.",
	    RULE_MERGE "; headscale issue 550" },
	{ "R23", "latlong-range", SEVERITY_WARNING, RULE_ANY,
	    { .region = lat_long }, "coordinates out of range",
	    "Latitude goes from -90 to 90, longitude from -180 to 180; 0/0 is "
	    "in the sea.",
	    RULE_TAILCFG },
};

const struct rule_group rules_region = { rules,
	sizeof rules / sizeof rules[0] };
