/* derpmap: see derpmap.h. */
#include "derpmap.h"

#include <string.h>

#define NAMES(json_name, yaml_name) \
	.json = json_name, .yaml = yaml_name, .yaml_len = sizeof yaml_name - 1

#define FIELD(kind, st, member, is_omit, json_name, yaml_name) \
	{                                                      \
		NAMES(json_name, yaml_name),                   \
		    .type = kind, .omit = is_omit,             \
		    .offset = offsetof(struct st, member)      \
	}

static const struct derpmap_field map_fields[] = {
	{ NAMES("HomeParams", "homeparams"), .type = DERPMAP_HOME,
	    .omit = true },
	{ NAMES("Regions", "regions"), .type = DERPMAP_REGIONS },
	FIELD(DERPMAP_BOOL, derpmap, omit_default_regions, true,
	    "omitDefaultRegions", "omitdefaultregions"),
};

static const struct derpmap_field home_fields[] = {
	{ NAMES("RegionScore", "regionscore"), .type = DERPMAP_SCORES,
	    .omit = true },
};

#define REGION(kind, member, is_omit, json_name, yaml_name) \
	FIELD(kind, derpmap_region, member, is_omit, json_name, yaml_name)

static const struct derpmap_field region_fields[] = {
	REGION(DERPMAP_INT, region_id, false, "RegionID", "regionid"),
	REGION(DERPMAP_TEXT, region_code, false, "RegionCode", "regioncode"),
	REGION(DERPMAP_TEXT, region_name, false, "RegionName", "regionname"),
	REGION(DERPMAP_FLOAT, latitude, true, "Latitude", "latitude"),
	REGION(DERPMAP_FLOAT, longitude, true, "Longitude", "longitude"),
	REGION(DERPMAP_BOOL, avoid, true, "Avoid", "avoid"),
	REGION(DERPMAP_BOOL, no_measure_no_home, true, "NoMeasureNoHome",
	    "nomeasurenohome"),
	{ NAMES("Nodes", "nodes"), .type = DERPMAP_NODES },
};

#define NODE(kind, member, is_omit, json_name, yaml_name) \
	FIELD(kind, derpmap_node, member, is_omit, json_name, yaml_name)

static const struct derpmap_field node_fields[] = {
	NODE(DERPMAP_TEXT, name, false, "Name", "name"),
	NODE(DERPMAP_INT, region_id, false, "RegionID", "regionid"),
	NODE(DERPMAP_TEXT, host_name, false, "HostName", "hostname"),
	NODE(DERPMAP_TEXT, cert_name, true, "CertName", "certname"),
	NODE(DERPMAP_TEXT, ipv4, true, "IPv4", "ipv4"),
	NODE(DERPMAP_TEXT, ipv6, true, "IPv6", "ipv6"),
	NODE(DERPMAP_INT, stun_port, true, "STUNPort", "stunport"),
	NODE(DERPMAP_BOOL, stun_only, true, "STUNOnly", "stunonly"),
	NODE(DERPMAP_INT, derp_port, true, "DERPPort", "derpport"),
	NODE(DERPMAP_BOOL, insecure_for_tests, true, "InsecureForTests",
	    "insecurefortests"),
	NODE(DERPMAP_TEXT, stun_test_ip, true, "STUNTestIP", "stuntestip"),
	NODE(DERPMAP_BOOL, can_port80, true, "CanPort80", "canport80"),
};

#define FIELDS(table)                                 \
	(struct derpmap_fields)                       \
	{                                             \
		table, sizeof table / sizeof table[0] \
	}

struct derpmap_fields
derpmap_fields(enum derpmap_level level)
{
	switch (level) {
	case DERPMAP_LEVEL_MAP:
		return FIELDS(map_fields);
	case DERPMAP_LEVEL_HOME:
		return FIELDS(home_fields);
	case DERPMAP_LEVEL_REGION:
		return FIELDS(region_fields);
	case DERPMAP_LEVEL_NODE:
		return FIELDS(node_fields);
	case DERPMAP_LEVEL_SCORE:
	case DERPMAP_LEVEL_REGIONS:
		break;
	}
	return (struct derpmap_fields){ NULL, 0 };
}

const struct derpmap_origin *
derpmap_field_origin(const struct derpmap_field *field, const void *owner)
{
	const char *at = (const char *)owner + field->offset;

	switch (field->type) {
	case DERPMAP_TEXT:
		return &((const struct derpmap_text *)(const void *)at)->from;
	case DERPMAP_INT:
		return &((const struct derpmap_int *)(const void *)at)->from;
	case DERPMAP_FLOAT:
		return &((const struct derpmap_float *)(const void *)at)->from;
	case DERPMAP_BOOL:
		return &((const struct derpmap_bool *)(const void *)at)->from;
	case DERPMAP_NODES:
	case DERPMAP_REGIONS:
	case DERPMAP_HOME:
	case DERPMAP_SCORES:
		break;
	}
	return NULL;
}

void
derpmap_bare(char out[static DERPMAP_BARE_MAX], struct slice key)
{
	size_t n = 0;

	for (size_t i = 0; i < key.n && n < DERPMAP_BARE_MAX - 1; i++) {
		uint8_t c = key.p[i];

		if (c >= 'A' && c <= 'Z')
			out[n++] = (char)(c - 'A' + 'a');
		else if (c != '_' && c != '-' && c != ' ')
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

const struct derpmap_field *
derpmap_field_meant(enum derpmap_level level, struct slice text)
{
	struct derpmap_fields fields = derpmap_fields(level);
	char bare[DERPMAP_BARE_MAX];

	derpmap_bare(bare, text);
	for (size_t i = 0; i < fields.n; i++)
		if (strcmp(bare, fields.v[i].yaml) == 0)
			return fields.v + i;
	return NULL;
}

static bool
is_digits(struct slice s)
{
	return s.n > 0 && slice_has_only(s, "0123456789");
}

bool
derpmap_is_region(const struct doc_node *key, const struct doc_node *value)
{
	if (key == NULL || value == NULL || key->kind != DOC_SCALAR ||
	    !is_digits(key->text))
		return false;
	value = doc_resolve(value);
	for (size_t i = 0; value->kind == DOC_MAPPING && i < value->count;
	     i++) {
		const struct doc_node *field = value->items[2 * i];

		if (field->kind == DOC_SCALAR &&
		    derpmap_field_meant(DERPMAP_LEVEL_REGION, field->text) !=
			NULL)
			return true;
	}
	return false;
}

struct derpmap_region *
derpmap_region_find(const struct derpmap *m, int64_t key)
{
	size_t low = 0, high = m->region_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->regions[middle]->key == key)
			return m->regions[middle];
		if (m->regions[middle]->key < key)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct doc_pos
derpmap_origin_pos(const struct derpmap_origin *from)
{
	const struct doc_node *value = from->value;

	if (value != NULL &&
	    !(value->kind == DOC_SCALAR && value->style == DOC_PLAIN &&
		value->text.n == 0 && from->key != NULL))
		return value->start;
	if (from->key != NULL)
		return from->key->start;
	return (struct doc_pos){ 0 };
}
