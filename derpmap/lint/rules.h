/*
 * rules: the functions behind the table in lint.c, one per rule.
 *
 * Grouped in files by what they judge: rules_text.c (the text), rules_key.c
 * (ignored keys), rules_parse.c (values as they are written), rules_region.c,
 * rules_node.c, rules_address.c, rules_port.c (ports, STUN, port 80, TLS).
 */
#ifndef DERPKIT_RULES_H
#define DERPKIT_RULES_H

#include "lint.h"

/* rules_text.c */
lint_fn rules_syntax, rules_json_in_paths, rules_tab_indent, rules_odd_space,
    rules_multi_doc, rules_leading_empty_doc, rules_directive, rules_encoding,
    rules_bom, rules_json_syntax, rules_ignored_text;

/* rules_key.c */
lint_fn rules_key_case, rules_unknown_key, rules_wrapped_map;

/* rules_parse.c */
lint_fn rules_region_key_quoted, rules_quoted_number, rules_octal_int,
    rules_odd_int, rules_odd_bool, rules_bad_bool, rules_dup_key,
    rules_dup_region_spelling, rules_empty_map, rules_nil_node,
    rules_null_region, rules_container, rules_alias_shared,
    rules_legal_surprising, rules_string_coerced, rules_panic, rules_not_finite,
    rules_refused;

/* rules_region.c */
lint_fn rules_region_id_mismatch, rules_region_id_missing,
    rules_region_id_nonpositive, rules_region_id_over_65535,
    rules_region_id_not_private, rules_region_no_nodes, rules_region_stun_only,
    rules_region_code_dup, rules_region_code_empty, rules_region_code_numeric,
    rules_region_name_empty, rules_avoid_deprecated, rules_all_regions_no_home,
    rules_multi_node_region, rules_single_region, rules_score_nonpositive,
    rules_score_unknown_region, rules_home_params_dropped,
    rules_omit_default_ignored, rules_lat_long_range;

/* rules_node.c */
lint_fn rules_node_region_id_missing, rules_node_region_id_mismatch,
    rules_node_name_dup, rules_node_name_empty, rules_node_name_style,
    rules_hostname_empty, rules_hostname_scheme, rules_hostname_port,
    rules_hostname_path, rules_hostname_upper, rules_hostname_unicode,
    rules_hostname_label, rules_hostname_ip_no_cert,
    rules_hostname_ipv6_literal, rules_hostport_dup, rules_shared_ip,
    rules_placeholder, rules_insecure_for_tests, rules_stun_test_ip,
    rules_stun_only_with_port;

/* rules_address.c */
lint_fn rules_ip_unparsable, rules_ip_other_family, rules_none_case,
    rules_both_none, rules_v4_mapped, rules_ip_private, rules_ip_tailnet,
    rules_ip_special, rules_ip_documentation, rules_ip_fake, rules_ip_missing;

/* rules_port.c */
lint_fn rules_port_range, rules_stun_port_range, rules_stun_disabled,
    rules_stun_off, rules_ports_equal, rules_derp_port_unusual,
    rules_derp_port_80, rules_port_swap, rules_derp_port_http,
    rules_can_port80_no_ipv4, rules_can_port80_none, rules_no_can_port80,
    rules_cert_name_hash, rules_cert_name_scheme, rules_cert_name_redundant,
    rules_pin_clients, rules_cert_name_and_insecure;

#endif
