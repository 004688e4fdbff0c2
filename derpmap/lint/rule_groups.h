/*
 * rule_groups: the tables of rules, one in each rules_*.c beside the functions
 * of its rules. rule_list.c puts them together.
 */
#ifndef DERPKIT_RULE_GROUPS_H
#define DERPKIT_RULE_GROUPS_H

#include "rule.h"

struct rule_group {
	const struct rule *v;
	size_t n;
};

extern const struct rule_group rules_text;   /* form, characters, documents */
extern const struct rule_group rules_kind;   /* what the file is */
extern const struct rule_group rules_key;    /* keys that are ignored */
extern const struct rule_group rules_absent; /* no region, no node */
extern const struct rule_group rules_parse;  /* values as they are written */
extern const struct rule_group rules_region; /* regions, and the map itself */
extern const struct rule_group rules_node;
extern const struct rule_group rules_hostname;
extern const struct rule_group rules_address;
extern const struct rule_group rules_port;
extern const struct rule_group rules_libyaml;
extern const struct rule_group rules_online; /* what is seen of relays */
extern const struct rule_group rules_derper; /* how a relay is started */
extern const struct rule_group rules_suppression;
extern const struct rule_group rules_tls; /* certificate names, port 80 */

/* headscale's configuration: keys and values, sources, the embedded server, and
 * at last what keeps it from starting */
extern const struct rule_group rules_config, rules_source, rules_embedded,
    rules_config_last;

#endif
