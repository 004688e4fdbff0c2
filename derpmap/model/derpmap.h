/*
 * derpmap: the model of a DERP map.
 *
 * It holds what the program that reads the text would hold afterwards (see
 * decode.h), and beside each value where it comes from and how it
 * became this value, so that rules can judge and point. Nil regions, nil nodes
 * and the difference between absent and empty lists are kept, because they
 * reach clients.
 *
 * The three numbers called region id are three members: region->key, the key
 * under Regions; region->region_id; node->region_id.
 *
 * The field tables below are the only list of field names; decoder, encoder
 * and rules go by them. Field names and types: tailscale tailcfg/derpmap.go,
 * v1.102.5, whose region ids are int (64 bits).
 *
 * Life: everything is borrowed from one arena, together with the document it
 * points into. Threads: immutable once decoded or built.
 */
#ifndef DERPKIT_DERPMAP_H
#define DERPKIT_DERPMAP_H

#include "doc.h"

/* How a value came about: bits. */
enum derpmap_how {
	DERPMAP_NULL = 1 << 0,      /* written as null or left empty */
	DERPMAP_QUOTED = 1 << 1,    /* in quotes or as a block scalar */
	DERPMAP_OCTAL = 1 << 2,     /* a leading 0 changed the number: 0443 */
	DERPMAP_ODD_INT = 1 << 3,   /* hex, 0o, 0b, _, + or a leading 0, or
				       spelled as a float */
	DERPMAP_TRUNCATED = 1 << 4, /* fraction or range cut off */
	DERPMAP_ODD_BOOL = 1 << 5,  /* yes, no, on, off, y, n, also quoted */
	DERPMAP_COERCED = 1 << 6,   /* text that others read as a number, a
				       bool or a date: regioncode: no */
	DERPMAP_BINARY = 1 << 7,    /* decoded from !!binary */
	DERPMAP_TAGGED = 1 << 8,    /* has an explicit tag */
	DERPMAP_MERGED = 1 << 9,    /* came in by a merge key */
	DERPMAP_ALIASED = 1 << 10,  /* the value is an alias */
	DERPMAP_REPEATED = 1 << 11, /* JSON: overwrote or joined an earlier one
				     */
};

/* Where a value is in the document. Both are NULL for a field that the
 * document does not set (its value is then zero). */
struct derpmap_origin {
	const struct doc_node *key;
	const struct doc_node *value; /* as written: may be an alias */
	unsigned how;                 /* enum derpmap_how */
};

struct derpmap_text {
	struct slice v; /* valid UTF-8 unless from !!binary */
	struct derpmap_origin from;
};

struct derpmap_int {
	int64_t v;
	struct derpmap_origin from;
};

struct derpmap_float {
	double v; /* may be NaN or infinite: headscale loads that */
	struct derpmap_origin from;
};

struct derpmap_bool {
	bool v;
	struct derpmap_origin from;
};

struct derpmap_node {
	bool is_nil; /* a null element: `- ` alone; nothing else is set */
	struct derpmap_origin from; /* value: the element; key: NULL */
	size_t elements; /* of the list, this one first, that are read as one
			    node as it was meant (see decode.h); else 0 */
	struct derpmap_text name;
	struct derpmap_int region_id;
	struct derpmap_text host_name;
	struct derpmap_text cert_name;
	struct derpmap_text ipv4;
	struct derpmap_text ipv6;
	struct derpmap_int stun_port;
	struct derpmap_bool stun_only;
	struct derpmap_int derp_port;
	struct derpmap_bool insecure_for_tests;
	struct derpmap_text stun_test_ip;
	struct derpmap_bool can_port80;
};

struct derpmap_region {
	int64_t key; /* under Regions */
	bool is_nil; /* a null region; only key and from are set */
	struct derpmap_origin from; /* key and value of the entry */
	struct derpmap_int region_id;
	struct derpmap_text region_code;
	struct derpmap_text region_name;
	struct derpmap_float latitude;
	struct derpmap_float longitude;
	struct derpmap_bool avoid;
	struct derpmap_bool no_measure_no_home;
	struct derpmap_origin nodes_from; /* the Nodes field */
	struct derpmap_node **nodes;      /* in the order of the file */
	size_t node_count;
	bool nodes_nil; /* absent or null: JSON null, not [] */
};

struct derpmap_score {
	int64_t region;
	struct derpmap_float score;
};

/* What the decoder saw beside the values. */
enum derpmap_diagnostic_kind {
	/* refusals: the reading program refuses the document for it */
	DERPMAP_DUP_KEY,    /* the same key twice */
	DERPMAP_BAD_KEY,    /* a region key that is not an integer */
	DERPMAP_QUOTED_INT, /* text where a number must be: "443" */
	DERPMAP_BAD_INT,    /* anything else where an integer must be */
	DERPMAP_BAD_FLOAT,  /* likewise */
	DERPMAP_BAD_BOOL,   /* likewise: "true", 1 */
	DERPMAP_BAD_TEXT,   /* a list or mapping where text must be, JSON: a
			       number */
	DERPMAP_BAD_SHAPE,  /* list for mapping, mapping for list, scalar for
			       either */
	DERPMAP_BAD_TAG,    /* value and tag do not fit */
	DERPMAP_BAD_BINARY, /* !!binary that is not base64 */
	DERPMAP_BAD_MERGE,  /* << with something that is not a mapping */
	DERPMAP_BAD_ALIAS,  /* contains itself, or too many of them */
	DERPMAP_PANIC,      /* headscale would crash */
	/* facts: accepted, and the effect is not what one sees */
	DERPMAP_UNKNOWN_KEY,  /* ignored; level tells where */
	DERPMAP_SAME_REGION,  /* another spelling of an earlier region key; the
				 later one wins */
	DERPMAP_NULL_KEY,     /* entry with a null key, dropped */
	DERPMAP_REPEATED_KEY, /* JSON: a field set more than once */
	DERPMAP_MERGE_KEY,    /* << was used */
	DERPMAP_SPLIT_NODE,   /* as it was meant: the keys of a node are in
				 several elements */
};

/* Which struct a key belongs to. */
enum derpmap_level {
	DERPMAP_LEVEL_MAP,
	DERPMAP_LEVEL_HOME,
	DERPMAP_LEVEL_SCORE,   /* the entries of RegionScore */
	DERPMAP_LEVEL_REGIONS, /* the entries of Regions */
	DERPMAP_LEVEL_REGION,
	DERPMAP_LEVEL_NODE,
};

struct derpmap_diagnostic {
	enum derpmap_diagnostic_kind kind;
	enum derpmap_level level;
	bool refuses; /* the document is refused */
	struct doc_pos at;
	bool is_meant; /* decoded as it was meant, see decode.h: the value or
			  the key counts all the same */
	const struct doc_node *node;       /* what it is about, or NULL */
	const struct derpmap_field *meant; /* unknown key: the field that it is
					      but for the spelling, or NULL */
	const char *text;                  /* one sentence for a human */
	const struct derpmap_diagnostic *next;
};

struct derpmap {
	struct derpmap_origin regions_from;
	struct derpmap_region **regions; /* ascending by key, each key once */
	size_t region_count;
	bool regions_nil; /* absent or null: on the wire null, not {} */
	struct derpmap_bool omit_default_regions;
	struct derpmap_origin home_from;
	bool home_nil; /* no HomeParams */
	struct derpmap_origin scores_from;
	struct derpmap_score *scores; /* ascending by region */
	size_t score_count;
	const struct derpmap_diagnostic
	    *diagnostics; /* in the order met; merged and
		     aliased parts may repeat */
	bool refused;     /* one of them refuses */
	bool is_unclear;  /* one of them refuses and has no meaning all the
			     same */
};

enum derpmap_type {
	DERPMAP_TEXT,
	DERPMAP_INT,
	DERPMAP_FLOAT,
	DERPMAP_BOOL,
	DERPMAP_NODES,   /* list of nodes */
	DERPMAP_REGIONS, /* id to region */
	DERPMAP_HOME,
	DERPMAP_SCORES, /* id to float */
};

struct derpmap_field {
	const char *json; /* canonical Go name */
	const char *yaml; /* as headscale's YAML reader wants it */
	size_t yaml_len;  /* its bytes */
	enum derpmap_type type;
	bool omit;     /* JSON leaves it out when zero */
	size_t offset; /* of the struct derpmap_text, _int, _float or _bool in
			  its struct; unused for the other types */
};

struct derpmap_fields {
	const struct derpmap_field *v;
	size_t n;
};

/* The fields of the struct of a level, in the order in which they are
 * written; empty for DERPMAP_LEVEL_SCORE and _REGIONS. */
struct derpmap_fields derpmap_fields(enum derpmap_level level);

/* The field of the level that the text names but for case, _, - and blanks;
 * NULL: none. */
const struct derpmap_field *derpmap_field_meant(
    enum derpmap_level level, struct slice text);

/* A key as derpmap_field_meant compares it: in lower case, without what
 * separates words, cut to fit. */
#define DERPMAP_BARE_MAX 64
void derpmap_bare(char out[static DERPMAP_BARE_MAX], struct slice key);

/* Whether key and value of a document are a region and its number, wherever
 * they are: digits, and a mapping with a field of a region. Either may be NULL.
 */
bool derpmap_is_region(
    const struct doc_node *key, const struct doc_node *value);

/* The region with this key, or NULL. */
struct derpmap_region *derpmap_region_find(
    const struct derpmap *m, int64_t key);

/* The origin of a field of a simple type, in the struct (of the field's level)
 * that is given; NULL for the other types. */
const struct derpmap_origin *derpmap_field_origin(
    const struct derpmap_field *field, const void *owner);

/* The place of a value: of the value, of its key when the value is empty, of
 * nothing (line 0) when the field is not set. */
struct doc_pos derpmap_origin_pos(const struct derpmap_origin *from);

#endif
