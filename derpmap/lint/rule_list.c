/*
 * lint_table: all rules. Adding one is a row here, its function in rules_*.c,
 * its name in rules.h and its cases in tests/lint.
 *
 * The help says what happens and, where it is not in the title, what to do.
 * "DIFFERS" marks a severity that is milder than the harm may be, because the
 * map is fine in the case that is named.
 */
#include "rules.h"

#define YAML3 "yaml.v3 3.0.1, as headscale uses it, measured"
#define GOJSON "Go encoding/json, measured"
#define NETCHECK "tailscale net/netcheck/netcheck.go"
#define DERPHTTP "tailscale derp/derphttp/derphttp_client.go"
#define TAILCFG "tailscale tailcfg/derpmap.go"
#define CAPTIVE "tailscale net/captivedetection"
#define MERGE "headscale hscontrol/derp/derp.go"

#define E SEVERITY_ERROR
#define W SEVERITY_WARNING
#define I SEVERITY_INFO

#define ON_TEXT(id, name, severity, forms, fn, title, help, source)       \
	{                                                                 \
		id, name, severity, forms, false, title, help, source, fn \
	}
#define ON_MAP(id, name, severity, forms, fn, title, help, source)       \
	{                                                                \
		id, name, severity, forms, true, title, help, source, fn \
	}

static const struct lint_rule rules[] = {
	/* --- the text and its keys --- */
	ON_TEXT("P00", "yaml-syntax", E, LINT_ANY, rules_syntax,
	    "no YAML, or beyond a limit of the reader",
	    "Headscale refuses the file and does not start.", YAML3),
	ON_TEXT("P01", "yaml-key-case", E, LINT_ANY, rules_key_case,
	    "a known key in another spelling",
	    "Headscale's YAML keys are the Go names in lower case without "
	    "separators; another spelling is ignored without a word. In JSON "
	    "case does not matter, but _ and - do.",
	    YAML3 "; headscale issue 1418, pull request 2756"),
	ON_TEXT("P02", "unknown-key", W, LINT_ANY, rules_unknown_key,
	    "a key that nobody knows",
	    "It is ignored without a word; often it is misspelled, or a space "
	    "behind its colon is missing in { }.",
	    YAML3),
	ON_TEXT("P03", "wrapped-map", E, LINT_ANY, rules_wrapped_map,
	    "the map is below derp, derpMap or the like",
	    "The map must begin with regions; otherwise it is empty.", YAML3),
	ON_TEXT("P04", "json-in-paths", E, LINT_YAML, rules_json_in_paths,
	    "JSON in a file that headscale reads as YAML",
	    "Names in Go's spelling come to an empty map, lower-case ones to "
	    "an error, because \"900\" in quotes is no number.",
	    YAML3 "; headscale issues 1418, 180"),
	ON_TEXT("P05", "region-key-quoted", E, LINT_ANY,
	    rules_region_key_quoted, "a region's key is no number",
	    "The keys below regions are numbers: bare in YAML, decimal digits "
	    "in quotes in JSON. Anything else is refused.",
	    YAML3),
	ON_TEXT("P06", "quoted-number", E, LINT_ANY, rules_quoted_number,
	    "a number in quotes",
	    "Ports, ids, scores and coordinates in quotes are text and "
	    "refused.",
	    YAML3 "; " GOJSON),
	ON_MAP("P07", "octal-int", E, LINT_YAML, rules_octal_int,
	    "a leading zero changes the number",
	    "0443 is octal in YAML 1.1 and becomes 291.", YAML3),
	ON_MAP("P08", "odd-int", W, LINT_YAML, rules_odd_int,
	    "a number in an unusual spelling",
	    "Hex, underscores, 0o, exponents and fractions are taken, "
	    "fractions are cut off; other tools read another number or none.",
	    YAML3),
	ON_MAP("P09", "odd-bool", W, LINT_YAML, rules_odd_bool,
	    "yes, no, on, off for true and false",
	    "They are booleans of YAML 1.1 and text in YAML 1.2.", YAML3),
	ON_TEXT("P10", "bad-bool", E, LINT_ANY, rules_bad_bool, "not a boolean",
	    "1, 0 and \"true\" in quotes are refused.", YAML3 "; " GOJSON),
	ON_TEXT("P11", "dup-key", E, LINT_ANY, rules_dup_key,
	    "the same key twice",
	    "Headscale refuses it in YAML; in JSON the later one wins, objects "
	    "and lists are joined.",
	    YAML3 "; " GOJSON),
	ON_TEXT("P12", "dup-region-spelling", E, LINT_ANY,
	    rules_dup_region_spelling, "two keys for one region",
	    "900 and 0x384 are one number: the later region replaces the "
	    "earlier one without a word.",
	    YAML3 "; " GOJSON),
	ON_TEXT("P13", "tab-indent", E, LINT_YAML, rules_tab_indent,
	    "a tab where YAML wants spaces", "The file is refused.", YAML3),
	ON_TEXT("P14", "nbsp-indent", E, LINT_YAML, rules_odd_space,
	    "indented with a space that is none",
	    "A no-break space is a letter for YAML and becomes part of the "
	    "key: the map comes out empty or a region nil.",
	    YAML3),
	ON_TEXT("P15", "multi-doc", W, LINT_YAML, rules_multi_doc,
	    "more than one document",
	    "Only the first one is read. --- and ... at the start of a line "
	    "end it, even inside a block of text.",
	    YAML3),
	ON_TEXT("P16", "leading-empty-doc", E, LINT_YAML,
	    rules_leading_empty_doc, "the first document is empty",
	    "It is the only one that is read.", YAML3),
	ON_TEXT("P17", "yaml-1.2-directive", E, LINT_YAML, rules_directive,
	    "a % line that is refused", "%YAML 1.1 is the only version taken.",
	    YAML3),
	ON_TEXT("P18", "encoding", E, LINT_ANY, rules_encoding, "not UTF-8",
	    "In YAML the file is refused, in JSON each such byte becomes "
	    "U+FFFD. UTF-16 with a mark is read, as information only.",
	    YAML3 "; " GOJSON),
	ON_TEXT("P19", "bom", I, LINT_YAML, rules_bom,
	    "starts with a byte order mark", "Fine in YAML, refused in JSON.",
	    YAML3 "; " GOJSON),
	ON_MAP("P20", "empty-map", E, LINT_ANY, rules_empty_map,
	    "no region in the map",
	    "Headscale does not start with an empty map, and when one comes "
	    "at a refresh clients lose all relays.",
	    MERGE "; headscale issues 1982, 201"),
	ON_MAP("P21", "nil-node", E, LINT_ANY, rules_nil_node,
	    "an empty list element for a node",
	    "Headscale forwards it, and clients crash on it.", NETCHECK),
	ON_MAP("P22", "null-region", W, LINT_ANY, rules_null_region,
	    "a region that is null",
	    "Up to 0.26 headscale sends it to clients, and old ones crash; "
	    "0.27 to 0.29 delete the region of an earlier source; later ones "
	    "ignore it.",
	    MERGE "; headscale issue 2450, tailscale issue 14752"),
	ON_TEXT("P23", "json-syntax", E, LINT_JSON, rules_json_syntax,
	    "no JSON",
	    "Comments, commas behind the last element and text behind the "
	    "value are refused; only the policy file may have them.",
	    GOJSON),
	ON_TEXT("P24", "region-list", E, LINT_ANY, rules_container,
	    "a list for a mapping, or the reverse",
	    "regions is a mapping of ids, nodes is a list; anything else is "
	    "refused.",
	    YAML3 "; " GOJSON),
	ON_MAP("P25", "alias-shared", I, LINT_YAML, rules_alias_shared,
	    "two regions by one alias",
	    "Their ids and node names are the same too.", YAML3),
	ON_MAP("P26", "legal-surprising", I, LINT_YAML, rules_legal_surprising,
	    "a merge key or !!binary",
	    "Legal; what it comes to is best seen with derpmap convert.",
	    YAML3),
	ON_MAP("P27", "string-coerced", W, LINT_YAML, rules_string_coerced,
	    "text without quotes that others read as something else",
	    "Headscale takes no, 010 or 2020-01-01 as it is written; other "
	    "tools make it a boolean, a number or a date.",
	    YAML3),
	ON_TEXT("P28", "refused", E, LINT_ANY, rules_refused,
	    "a value that the program refuses",
	    "Headscale (YAML) or Go's JSON decoder refuses the whole file for "
	    "it.",
	    YAML3 "; " GOJSON),
	ON_TEXT("P29", "ignored-text", W, LINT_YAML, rules_ignored_text,
	    "text that is dropped without a word",
	    "What follows a complete { } or a dedent below the top level is "
	    "no part of the map, nor is an entry whose key is null.",
	    YAML3),
	ON_TEXT("P30", "reader-panics", E, LINT_YAML, rules_panic,
	    "a document on which headscale crashes",
	    "A merge key beside a list or a mapping as key.", YAML3),
	ON_MAP("P31", "not-finite", E, LINT_YAML, rules_not_finite,
	    "a coordinate that is no finite number",
	    "It loads, and then no client can be sent a map, because JSON has "
	    "no such number.",
	    YAML3 "; " GOJSON),

	/* --- regions --- */
	ON_MAP("R01", "region-id-mismatch", E, LINT_ANY,
	    rules_region_id_mismatch, "a region's id is not its key",
	    "Clients elect a region that is not in the map.",
	    NETCHECK "; tailscale issue 17564"),
	ON_MAP("R02", "region-id-missing", E, LINT_ANY, rules_region_id_missing,
	    "a region without id", "Id 0 is \"no relay\".", NETCHECK),
	ON_MAP("R03", "region-id-nonpositive", E, LINT_ANY,
	    rules_region_id_nonpositive, "a region's id is not positive",
	    "0 is \"no relay\" for clients and negative ids never match.",
	    TAILCFG),
	ON_MAP("R04", "region-id-over-65535", E, LINT_ANY,
	    rules_region_id_over_65535, "a region's id is over 65535",
	    "Clients carry the id in 16 bits.", "tailscale wgengine/magicsock"),
	ON_MAP("R06", "region-id-not-private", W, LINT_ANY,
	    rules_region_id_not_private, "a region's id is not in 900-999",
	    "Other ids are Tailscale's: the region may replace one of theirs.",
	    TAILCFG),
	ON_MAP("R08", "region-no-nodes", E, LINT_ANY, rules_region_no_nodes,
	    "a region without nodes",
	    "Clients may choose it as home and then have no relay.",
	    "tailscale wgengine/magicsock"),
	ON_MAP("R09", "region-stun-only", E, LINT_ANY, rules_region_stun_only,
	    "all nodes of a region are STUN-only",
	    "It answers probes, may be elected home and cannot relay.",
	    NETCHECK "; headscale issue 3136, tailscale issue 13562"),
	ON_MAP("R10", "region-code-dup", W, LINT_ANY, rules_region_code_dup,
	    "two regions with one code", "Commands pick either.",
	    "tailscale debug derp"),
	ON_MAP("R11", "region-code-empty", I, LINT_ANY, rules_region_code_empty,
	    "a region without code", "ping and netcheck show a blank label.",
	    NETCHECK),
	ON_MAP("R12", "region-code-numeric", I, LINT_ANY,
	    rules_region_code_numeric, "a region's code is a number",
	    "`tailscale debug derp` takes a number for an id.",
	    "tailscale debug derp"),
	ON_MAP("R13", "region-name-empty", I, LINT_ANY, rules_region_name_empty,
	    "a region without name", "Health messages show its id.",
	    "tailscale health"),
	ON_MAP("R14", "avoid-deprecated", W, LINT_ANY, rules_avoid_deprecated,
	    "avoid is used",
	    "It is deprecated and not honoured in full probes.",
	    NETCHECK "; tailscale pull request 15245"),
	ON_MAP("R15", "all-regions-no-home", W, LINT_ANY,
	    rules_all_regions_no_home, "no region may be home",
	    "With avoid or nomeasurenohome on all of them, clients pick one "
	    "at random.",
	    "tailscale wgengine/magicsock"),
	ON_MAP("R16", "multi-node-region", W, LINT_ANY, rules_multi_node_region,
	    "several relays in one region",
	    "They must be meshed, and headscale shuffles them at each refresh, "
	    "which reconnects all clients.",
	    MERGE "; tailscale issue 6478"),
	ON_MAP("R17", "single-region", I, LINT_ANY, rules_single_region,
	    "one region only",
	    "A single point of failure; the kind of NAT cannot be told.",
	    NETCHECK),
	ON_MAP("R19", "score-nonpositive", W, LINT_ANY, rules_score_nonpositive,
	    "a score that is not positive", "It is ignored.", NETCHECK),
	ON_MAP("R20", "score-unknown-region", W, LINT_ANY,
	    rules_score_unknown_region, "a score for a region that is not here",
	    "It has no effect.", NETCHECK),
	ON_MAP("R21", "homeparams-dropped", W, LINT_YAML,
	    rules_home_params_dropped, "homeparams in a file for headscale",
	    "Headscale drops them when it merges its sources.", MERGE),
	ON_MAP("R22", "omitdefault-ignored", W, LINT_YAML,
	    rules_omit_default_ignored,
	    "omitdefaultregions in a file for headscale",
	    "Headscale ignores it; derp.urls: [] does what it promises.",
	    MERGE "; headscale issue 550"),
	ON_MAP("R23", "latlong-range", W, LINT_ANY, rules_lat_long_range,
	    "coordinates that are on no map",
	    "Latitude goes from -90 to 90, longitude from -180 to 180; 0/0 is "
	    "in the sea.",
	    TAILCFG),

	/* --- nodes --- */
	ON_MAP("N01", "node-regionid-missing", E, LINT_ANY,
	    rules_node_region_id_missing, "a node without regionid",
	    "Its latency is credited to region 0 and its region never chosen.",
	    NETCHECK "; tailscale issue 9526"),
	ON_MAP("N02", "node-regionid-mismatch", E, LINT_ANY,
	    rules_node_region_id_mismatch, "a node's regionid is another's",
	    "Its latency is credited to that region.", NETCHECK),
	ON_MAP("N03", "node-name-dup", E, LINT_ANY, rules_node_name_dup,
	    "two nodes with one name",
	    "Clients measure one and credit the other; derpprobe refuses the "
	    "map.",
	    NETCHECK),
	ON_MAP("N04", "node-name-empty", E, LINT_ANY, rules_node_name_empty,
	    "a node without name",
	    "Clients keep their probes by name. A warning when the map has no "
	    "other node.",
	    NETCHECK),
	ON_MAP("N05", "node-name-style", I, LINT_ANY, rules_node_name_style,
	    "a node's name is not the region id and letters",
	    "A convention that keeps names unique.", TAILCFG),
	ON_MAP("N06", "hostname-empty", E, LINT_ANY, rules_hostname_empty,
	    "a node without hostname",
	    "Clients cannot reach it; a warning when address and pin are "
	    "there, which works without SNI.",
	    DERPHTTP "; tailscale issue 3024"),
	ON_MAP("N07", "hostname-scheme", E, LINT_ANY, rules_hostname_scheme,
	    "hostname is a URL", "All of it is taken for the name.",
	    DERPHTTP "; headscale issue 2836"),
	ON_MAP("N08", "hostname-port", E, LINT_ANY, rules_hostname_port,
	    "hostname has a port", "The port belongs into derpport.", DERPHTTP),
	ON_MAP("N09", "hostname-path", E, LINT_ANY, rules_hostname_path,
	    "hostname holds what no name has",
	    "Paths, blanks, brackets, wildcards.", DERPHTTP),
	ON_MAP("N10", "hostname-upper", W, LINT_ANY, rules_hostname_upper,
	    "hostname has capitals",
	    "A derper in manual mode compares the name byte by byte.",
	    "tailscale cmd/derper/cert.go"),
	ON_MAP("N11", "hostname-unicode", W, LINT_ANY, rules_hostname_unicode,
	    "hostname is not ASCII", "It is sent as it is; write punycode.",
	    DERPHTTP),
	ON_MAP("N12", "hostname-label", E, LINT_ANY, rules_hostname_label,
	    "hostname is too long",
	    "63 bytes a label, 253 in all. An underscore is a warning: "
	    "certificates for it cannot be had.",
	    "RFC 1035 section 2.3.4"),
	ON_MAP("N13", "hostname-ip-no-cert", I, LINT_ANY,
	    rules_hostname_ip_no_cert, "an address for hostname, without pin",
	    "The relay needs a certificate for the address that clients "
	    "trust. DIFFERS from a warning: such certificates can be had, and "
	    "must not be pinned when they last six days.",
	    DERPHTTP "; tailscale issue 18955"),
	ON_MAP("N14", "hostname-ipv6-literal", W, LINT_ANY,
	    rules_hostname_ipv6_literal, "an IPv6 address for hostname on 443",
	    "Its URL is written without brackets and does not always parse.",
	    DERPHTTP),
	ON_MAP("N16", "hostport-dup", E, LINT_ANY, rules_hostport_dup,
	    "one server twice",
	    "Clients connect twice, and get packets on one connection only.",
	    "tailscale derp/derpserver"),
	ON_MAP("N17", "shared-ip", W, LINT_ANY, rules_shared_ip,
	    "one address for two nodes", "Clients measure one host twice.",
	    NETCHECK),
	ON_MAP("N18", "placeholder", W, LINT_ANY, rules_placeholder,
	    "a name or address from an example",
	    "DIFFERS for example.com and its like, which are information "
	    "only: examples and tests are made of them.",
	    "RFC 2606"),
	ON_MAP("N19", "insecure-for-tests", E, LINT_ANY,
	    rules_insecure_for_tests, "TLS is not verified",
	    "Anybody in between can pose as the relay. Pin the certificate "
	    "instead.",
	    DERPHTTP "; tailscale issue 12107, headscale pull request 2756"),
	ON_MAP("N20", "stun-test-ip", W, LINT_ANY, rules_stun_test_ip,
	    "stuntestip outside a test",
	    "Clients probe that address instead of the relay.", NETCHECK),
	ON_MAP("N21", "stunonly-with-derpport", I, LINT_ANY,
	    rules_stun_only_with_port, "derpport on a STUN-only node",
	    "It has no effect.", DERPHTTP),

	/* --- addresses --- */
	ON_MAP("A01", "ipv4-not-ipv4", E, LINT_ANY, rules_ip_unparsable,
	    "an address that is none",
	    "Clients silently switch the family off, as for none.", DERPHTTP),
	ON_MAP("A02", "ip-other-family", E, LINT_ANY, rules_ip_other_family,
	    "IPv6 in ipv4, or the reverse",
	    "Clients silently switch the family off.", DERPHTTP),
	ON_MAP("A03", "none-case", W, LINT_ANY, rules_none_case,
	    "none with capitals",
	    "Only the lower-case word is understood when probes are planned.",
	    NETCHECK),
	ON_MAP("A04", "both-none", E, LINT_ANY, rules_both_none,
	    "IPv4 and IPv6 are both switched off",
	    "Clients cannot reach the node.", DERPHTTP),
	ON_MAP("A06", "v4-mapped", W, LINT_ANY, rules_v4_mapped,
	    "a v4-mapped address", "It counts as IPv6.", DERPHTTP),
	ON_MAP("A07", "ip-private", I, LINT_ANY, rules_ip_private,
	    "a private address",
	    "Only nodes in that network reach it. DIFFERS from a warning: a "
	    "relay for one network is a fair thing to want.",
	    "RFC 1918, RFC 4193"),
	ON_MAP("A08", "ip-tailnet", E, LINT_ANY, rules_ip_tailnet,
	    "an address inside the tailnet",
	    "The relay cannot be reached through the tunnel it serves.",
	    "tailscale net/tsaddr"),
	ON_MAP("A09", "ip-special", E, LINT_ANY, rules_ip_special,
	    "an unspecified, multicast, link-local or loopback address",
	    "Nobody reaches it. DIFFERS for loopback, which is information "
	    "only: it is how a relay is tried out on one host.",
	    "RFC 6890"),
	ON_MAP("A10", "ip-documentation", E, LINT_ANY, rules_ip_documentation,
	    "an address from documentation",
	    "Headscale's example configuration has such addresses; nobody is "
	    "there.",
	    "RFC 5737, RFC 3849; headscale issue 1982"),
	ON_MAP("A11", "ip-fakeip", I, LINT_ANY, rules_ip_fake,
	    "an address in 198.18.0.0/15",
	    "Proxies hand them out as fake answers of DNS. DIFFERS from a "
	    "warning: test networks use them as they are meant.",
	    "RFC 2544"),
	ON_MAP("A12", "ip-missing", I, LINT_ANY, rules_ip_missing,
	    "no literal address", "The relay depends on the clients' DNS.",
	    "tailscale net/dnsfallback"),

	/* --- ports --- */
	ON_MAP("O01", "port-range", E, LINT_ANY, rules_port_range,
	    "derpport is no port", "Clients cannot dial it.", DERPHTTP),
	ON_MAP("O02", "stunport-range", W, LINT_ANY, rules_stun_port_range,
	    "stunport is no port", "Clients silently skip STUN.", NETCHECK),
	ON_MAP("O03", "stun-disabled-everywhere", W, LINT_ANY,
	    rules_stun_disabled, "no node answers STUN",
	    "Clients find no direct paths. DIFFERS for a map of one node, "
	    "which is often a part of the whole: information only.",
	    NETCHECK),
	ON_MAP("O04", "stun-disabled-node", I, LINT_ANY, rules_stun_off,
	    "a node without STUN", "It is measured over HTTPS.", NETCHECK),
	ON_MAP("O05", "ports-equal", I, LINT_ANY, rules_ports_equal,
	    "one number for both ports",
	    "UDP and TCP do not conflict, HTTP/3 would.", NETCHECK),
	ON_MAP("O06", "derpport-not-443", I, LINT_ANY, rules_derp_port_unusual,
	    "the relay is not on port 443",
	    "Strict networks block it; browsers and the DNS fallback use 443.",
	    DERPHTTP "; tailscale issues 4716, 4082, 8165"),
	ON_MAP("O07", "derpport-80", E, LINT_ANY, rules_derp_port_80,
	    "derpport is 80", "Clients always speak TLS.", DERPHTTP),
	ON_MAP("O08", "port-swap", W, LINT_ANY, rules_port_swap,
	    "the ports look swapped",
	    "DIFFERS when only one of them is odd: information, as it may be "
	    "meant.",
	    TAILCFG),
	ON_MAP("O09", "derpport-derper-default-http", I, LINT_ANY,
	    rules_derp_port_http, "a port on which derper speaks HTTP",
	    "derper serves TLS on 443 or with --certmode manual. DIFFERS from "
	    "a warning: with the latter the port is fine.",
	    "tailscale cmd/derper/derper.go"),

	/* --- port 80 and TLS --- */
	ON_MAP("T01", "canport80-no-ipv4", W, LINT_ANY,
	    rules_can_port80_no_ipv4, "canport80 without ipv4",
	    "Clients ask literal IPv4 addresses only.", CAPTIVE),
	ON_MAP("T02", "canport80-ipv4-none", E, LINT_ANY, rules_can_port80_none,
	    "canport80 with ipv4 none", "Clients ask http://none/.", CAPTIVE),
	ON_MAP("T04", "no-canport80", I, LINT_ANY, rules_no_can_port80,
	    "no node for captive portal checks",
	    "Clients ask Tailscale's hosts instead.",
	    CAPTIVE "; tailscale issue 13788"),
	ON_MAP("T05", "certname-hash-format", E, LINT_ANY, rules_cert_name_hash,
	    "a pin in a form that matches nothing",
	    "sha256-raw: and 64 lower-case hex digits, nothing else.",
	    DERPHTTP),
	ON_MAP("T06", "certname-scheme", W, LINT_ANY, rules_cert_name_scheme,
	    "certname is more than a name",
	    "It is compared with the certificate as it is.", DERPHTTP),
	ON_MAP("T07", "certname-redundant", I, LINT_ANY,
	    rules_cert_name_redundant, "certname is the hostname",
	    "That is the default.", DERPHTTP),
	ON_MAP("T08", "certname-client-version", I, LINT_ANY, rules_pin_clients,
	    "a pin needs newer clients", "From 1.82 on, reliable from 1.84.",
	    DERPHTTP "; tailscale issue 15579"),
	ON_MAP("T11", "certname-and-insecure", W, LINT_ANY,
	    rules_cert_name_and_insecure,
	    "certname and insecurefortests together",
	    "The latter switches off what the former asks for.", DERPHTTP),
};

const struct lint_rule *
lint_rules(size_t *count)
{
	*count = sizeof rules / sizeof rules[0];
	return rules;
}
