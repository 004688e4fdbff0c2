/*
 * rule: what a lint rule is, and what it may use.
 *
 * A rule is one row {id, name, severity, forms, checks, title, help, source},
 * beside its function in a rules_*.c, and a folder of cases in tests/lint. The
 * row says what the rule judges by the members of `checks` that are set; who
 * walks the map is visit.h, so that a rule judges one thing at a time. A rule
 * opens no file and prints nothing.
 *
 * The help says what happens and, where the title does not, what to do.
 * "DIFFERS" marks a severity that is milder than the harm may be, because the
 * map is fine in the case that is named.
 *
 * Threads: rows are immutable; a run is used by one thread.
 */
#ifndef DERPKIT_RULE_H
#define DERPKIT_RULE_H

#include "finding.h"
#include "load.h"
#include "netaddr.h"
#include "refusals.h"
#include "region_digest.h"
#include "utf8.h"

/* Which forms of a map a rule is about: bits. */
enum rule_form {
	RULE_YAML = 1 << 0, /* headscale's derp.paths */
	RULE_JSON = 1 << 1, /* derp.urls, the wire */
	RULE_ANY = RULE_YAML | RULE_JSON,
	RULE_CONFIG = 1 << 2, /* no map: headscale's config.yaml */
	RULE_DERPER = 1 << 3, /* no map: what starts a relay */
};

/* What the sources of several rules have in common. */
#define RULE_YAML3 "yaml.v3 3.0.1, as headscale uses it, measured"
#define RULE_GOJSON "Go encoding/json, measured"
#define RULE_NETCHECK "tailscale net/netcheck/netcheck.go"
#define RULE_DERPHTTP "tailscale derp/derphttp/derphttp_client.go"
#define RULE_TAILCFG "tailscale tailcfg/derpmap.go"
#define RULE_CAPTIVE "tailscale net/captivedetection"
#define RULE_MERGE "headscale hscontrol/derp/derp.go"

/* An address that clients may dial: the value of ipv4 or ipv6 when it is set;
 * the host name when it is an address and the field of its family is empty. */
struct rule_address {
	const struct derpmap_text *text;
	const char *field; /* "ipv4", "ipv6" or "hostname" */
	bool is_v4;        /* the family that the field is for */
	bool is_ip;        /* the text is an address: ip is set */
	struct netaddr ip;
};

struct compose_ports;
struct derper_start;
struct effective;
struct place_finder;
struct relay_sights;
struct rule_run;

/*
 * What a rule judges: the members that are set are called, in this order. The
 * first two are called for every file, also one that cannot be decoded; the
 * others only when there is a map, and not for what the reading program
 * refuses to decode.
 */
struct rule_checks {
	/* the text, and the notes and the error of its reader; once */
	void (*file)(struct rule_run *run);
	/* each diagnostic of the decoder */
	void (*diagnostic)(
	    struct rule_run *run, const struct derpmap_diagnostic *d);
	/* the map as a whole, null regions and nodes included; once */
	void (*map)(struct rule_run *run);
	/* each region that is not null */
	void (*region)(
	    struct rule_run *run, const struct derpmap_region *region);
	/* each node that is not null; run->region is its region */
	void (*node)(struct rule_run *run, const struct derpmap_node *node);
	/* each value of a simple type, and each region key: field is NULL */
	void (*field)(struct rule_run *run, const struct derpmap_field *field,
	    const struct derpmap_origin *from);
	/* each address of a node */
	void (*address)(struct rule_run *run, const struct derpmap_node *node,
	    const struct rule_address *address);
	/* headscale's configuration and what it comes to, run->effective;
	 * once, and nothing else of the rule */
	void (*config)(struct rule_run *run);
	/* all files of one call together; once, after the last of them, when
	 * they are closed: run->load is NULL */
	void (*call)(struct rule_run *run);
};

/* A region of one of the files of a call. */
struct rule_call_region {
	int64_t key;
	const char *file; /* borrowed, as the user named it */
	size_t file_index;
	struct doc_pos at;
	bool is_nil;
	struct region_digest digest; /* unless the call has one file only */
};

/* What the files of a call have together. */
struct rule_call {
	struct rule_call_region *regions; /* owned; in the order of the files */
	size_t region_count, region_cap;
	size_t file_count;
	bool sees_all;     /* every file was decoded as a whole */
	bool has_defaults; /* clients get Tailscale's regions beside them */
};

struct rule {
	const char *id;   /* "N01"; unique */
	const char *name; /* "node-regionid-missing" */
	enum severity severity;
	unsigned forms;
	struct rule_checks checks;
	const char *title;  /* one line */
	const char *help;   /* what happens and what to do */
	const char *source; /* where that is known from */
};

/* One rule at work on one file. */
struct rule_run {
	const struct rule *rule;
	const char *file;            /* as the user named it */
	const struct load *load;     /* NULL in checks.call */
	struct place_finder *places; /* of load's document; NULL without it */
	struct rule_call *call;
	const struct refusals *refusals;
	struct findings *out; /* of this rule alone */
	/* of the rules before it; checks.config and checks.call only */
	const struct findings *others;
	const struct derpmap_region *region; /* being visited, or NULL */
	const struct effective *effective;   /* checks.config, or NULL */
	const struct compose_ports *compose; /* checks.config, or NULL */
	const struct relay_sights *sights;   /* of the relays, or NULL */
	const struct derper_start *start;    /* RULE_DERPER, or NULL */
	/* it is about values: none are judged where they are refused */
	bool on_values;
	struct finding scratch; /* for a finding that is not kept */
};

/* Adds a finding at the place, with the rule's severity; without a place (line
 * 0) it is put at the start of the file. Never NULL: a scratch finding is
 * returned when memory is short (out->failed is set then) and when no value to
 * judge because the program refuses it. */
__attribute__((format(printf, 3, 4))) struct finding *rule_found(
    struct rule_run *run, struct doc_pos at, const char *fmt, ...);

/* The same with a severity of its own. */
__attribute__((format(printf, 4, 5))) struct finding *rule_found_as(
    struct rule_run *run, enum severity severity, struct doc_pos at,
    const char *fmt, ...);

/* Makes a finding a note: information that fails no file, with --strict
 * neither. */
void rule_note(struct finding *f);

/* Formatted arena text for finding.fix; NULL when memory is short. */
__attribute__((format(printf, 2, 3))) const char *rule_fix(
    struct rule_run *run, const char *fmt, ...);

/* The text in double quotes in JSON, as it is in YAML: for what needs no
 * quotes there. NULL when memory is short. */
const char *rule_quoted(struct rule_run *run, const char *text);

/* Whether the text was decoded as a whole, so that it can be said of something
 * that it is missing. */
bool rule_sees_all(const struct rule_run *run);

/* Whether the node is one of Tailscale's own, which nobody who lints a map can
 * change; and whether the region has no others. Those are not visited. */
bool rule_is_foreign_node(const struct derpmap_node *node);
bool rule_is_foreign(const struct derpmap_region *region);

/* Text of the file for a message: cut to what a line can show, never within a
 * character. For "%.*s". */
#define RULE_SHOWN_MAX 64
#define RULE_SHOWN(text) \
	(int)utf8_cut(text, RULE_SHOWN_MAX), (const char *)(text).p

/* The name of a field in the form of this file: "hostname" or "HostName". */
const char *rule_field_name(const struct rule_run *run, const char *yaml);

/* The value of a field in a mapping, by a key that the program which reads this
 * form takes; NULL: there is none, or it is not a mapping. */
const struct doc_node *rule_field_value(const struct rule_run *run,
    const struct doc_node *mapping, const char *yaml);

/* Place of a value; of `otherwise` when the field is not set. */
struct doc_pos rule_pos(
    const struct derpmap_origin *from, const struct derpmap_origin *otherwise);

#endif
