// The configurations of TestEffectiveCases, and the generator of
// TestEffectiveGenerated.

package interop

import (
	"fmt"
	"math/rand"
	"strings"
)

// configHead is what every configuration needs besides the derp section.
const configHead = `server_url: "https://hs.cfg-acme.net"
noise: {private_key_path: @DIR@/noise.key}
prefixes: {v4: 100.64.0.0/10, v6: "fd7a:115c:a1e0::/48"}
dns: {override_local_dns: false, magic_dns: false}
database: {type: sqlite, sqlite: {path: @DIR@/db.sqlite}}
`

// embedded is a complete derp.server for a flow mapping.
const embedded = `enabled: true, region_id: 999, region_code: hs, region_name: Embedded, ` +
	`stun_listen_addr: "0.0.0.0:3478", private_key_path: @DIR@/derp.key`

const (
	yaml900  = "regions: {900: {regionid: 900, regioncode: a, nodes: [{name: 900a, regionid: 900, hostname: a.net}]}}\n"
	yaml900b = "regions: {900: {regionid: 900, regioncode: b, nodes: [{name: b, regionid: 900, hostname: b.net, derpport: 0443}, null]}}\n"
	yamlNull = "regions: {900: null, 901: {regionid: 901, regioncode: c}}\n"
	json900  = `{"Regions":{"900":{"RegionID":900,"RegionCode":"j","Nodes":[{"Name":"x","RegionID":900,"HostName":"j.net"},{"Name":"y","RegionID":900,"HostName":"k.net"}]},"12":{"RegionID":12}}}`
	jsonNull = `{"Regions":{"900":null}}`
)

var mapFiles = map[string]string{
	"a.yaml":        yaml900,
	"b.yaml":        yaml900b,
	"null.yaml":     yamlNull,
	"empty.yaml":    "",
	"upper.yaml":    "Regions: {900: {RegionID: 900}}\n",
	"broken.yaml":   "regions: {\"900\": {regionid: 900}}\n",
	"syntax.yaml":   "regions:\n\t900:\n",
	"nan.yaml":      "regions: {900: {regionid: 900, latitude: .nan}}\n",
	"extra.yaml":    "omitdefaultregions: true\nhomeparams: {regionscore: {900: 2}}\n" + yaml900,
	"panic.yaml":    "regions: {900: {<<: {regionid: 1}, ? [a] : b}}\n",
	"j.json":        json900,
	"null.json":     jsonNull,
	"404-j.json":    json900,
	"404-err.json":  `{"error":"gone"}`,
	"404-html.json": "<html>",
	"empty.json":    "",
}

// derpSetup has a derp section in a flow mapping.
func derpSetup(name, section, dies string, env ...string) setup {
	return setup{name: name, config: configHead + "derp: {" + section + "}\n",
		env: env, files: mapFiles, dies: dies}
}

const emptyMap = "initial DERPMap is empty"

var effectiveSetups = []setup{
	// sources
	derpSetup("nothing", "", emptyMap),
	derpSetup("no section", "urls: [], paths: []", emptyMap),
	derpSetup("path", "paths: [@DIR@/a.yaml]", ""),
	derpSetup("path relative", "paths: [a.yaml]", ""),
	derpSetup("two paths and the last wins", "paths: [@DIR@/a.yaml, @DIR@/b.yaml]", ""),
	derpSetup("null removes", "paths: [@DIR@/a.yaml, @DIR@/null.yaml]", ""),
	derpSetup("null before", "paths: [@DIR@/null.yaml, @DIR@/a.yaml]", ""),
	derpSetup("path missing", "paths: [@DIR@/none.yaml]", "no such file"),
	derpSetup("path is a folder", "paths: [@DIR@]", "is a directory"),
	derpSetup("path empty text", `paths: [""]`, "no such file"),
	derpSetup("path named dash", `paths: ["-"]`, "no such file"),
	derpSetup("path with tilde", `paths: ["~/a.yaml"]`, "no such file"),
	derpSetup("empty file", "paths: [@DIR@/empty.yaml]", emptyMap),
	derpSetup("Go names", "paths: [@DIR@/upper.yaml]", emptyMap),
	derpSetup("quoted id", "paths: [@DIR@/broken.yaml]", "cannot unmarshal"),
	derpSetup("syntax error", "paths: [@DIR@/a.yaml, @DIR@/syntax.yaml]", "yaml:"),
	derpSetup("not a number", "paths: [@DIR@/nan.yaml]", ""),
	derpSetup("dropped fields", "paths: [@DIR@/extra.yaml]", ""),
	derpSetup("crash of the loader", "paths: [@DIR@/panic.yaml]", "panic"),
	derpSetup("JSON in paths", "paths: [@DIR@/j.json]", emptyMap),
	derpSetup("url", "urls: [@URL@/j.json]", ""),
	derpSetup("url then path", "urls: [@URL@/j.json], paths: [@DIR@/a.yaml]", ""),
	derpSetup("path removes a url's", "urls: [@URL@/j.json], paths: [@DIR@/null.yaml]", ""),
	derpSetup("url null", "urls: [@URL@/j.json, @URL@/null.json]", ""),
	derpSetup("url 404 with a map", "urls: [@URL@/404-j.json]", ""),
	derpSetup("url 404 with JSON", "urls: [@URL@/404-err.json], paths: [@DIR@/a.yaml]", ""),
	derpSetup("url 404 with HTML", "urls: [@URL@/404-html.json]", "invalid character"),
	derpSetup("url empty body", "urls: [@URL@/empty.json], paths: [@DIR@/a.yaml]", "unexpected end"),
	derpSetup("url of YAML", "urls: [@URL@/a.yaml]", "invalid character"),
	derpSetup("url is a path", "urls: [/etc/headscale/derp.yaml]", "unsupported protocol scheme"),
	derpSetup("url is a relative path", "urls: [derp.yaml]", "unsupported protocol scheme"),
	derpSetup("url file", "urls: [\"file:///tmp/derp.yaml\"]", "unsupported protocol scheme"),
	derpSetup("url scheme in capitals", "urls: [\"FTP://a/b\"]", "unsupported protocol scheme"),
	derpSetup("url without host", "urls: [\"http:///b\"]", "no Host"),
	derpSetup("url refused", "urls: [\"http://127.0.0.1:1/b\"]", "connection refused"),
	derpSetup("url malformed alone", `urls: ["http://a b/"]`, emptyMap),
	derpSetup("url malformed skipped", `urls: ["http://[::1", ":x", "http://a:b/", "%zz", "http://a/%z", "a\x7f", "1:b", "http://[1.2.3.4]/", "http://u ser@a/", "http://::1/"], paths: [@DIR@/a.yaml]`, ""),
	derpSetup("url empty text", `urls: [""]`, "unsupported protocol scheme"),
	// spellings of the configuration
	derpSetup("list in a text", `paths: "@DIR@/a.yaml @DIR@/null.yaml"`, ""),
	derpSetup("list with a comma", `paths: "@DIR@/a.yaml,@DIR@/b.yaml"`, "no such file"),
	derpSetup("list of numbers", `paths: [1, 2.50, true]`, "open 1:"),
	derpSetup("list with a null", `paths: [~]`, "no such file"),
	derpSetup("list with a list is empty", `paths: [[@DIR@/a.yaml]], urls: [@URL@/j.json]`, ""),
	derpSetup("mapping for a list", `paths: {a: b}, urls: [@URL@/j.json]`, ""),
	derpSetup("number for a list", `paths: 5`, "open 5:"),
	derpSetup("keys in capitals", `PATHS: [@DIR@/a.yaml]`, ""),
	derpSetup("mis-cased key wins", `paths: [@DIR@/a.yaml], Paths: [@DIR@/null.yaml]`, ""),
	derpSetup("dotted key wins", `paths: [@DIR@/a.yaml], "server.enabled": true, server: {stun_listen_addr: ":1"}`, "private key"),
	{name: "dotted key at the top", config: configHead + "derp.paths: [@DIR@/a.yaml]\n", files: mapFiles},
	{name: "urls under server", config: configHead + "derp:\n  server: {enabled: false, urls: [@URL@/j.json]}\n  paths: [@DIR@/a.yaml]\n", files: mapFiles},
	{name: "derp is a text", config: configHead + "derp: x\n", files: mapFiles, dies: emptyMap},
	{name: "derp is null", config: configHead + "derp:\n", files: mapFiles, dies: emptyMap},
	{name: "key twice", config: configHead + "derp: {paths: [a], paths: [b]}\n", files: mapFiles, dies: "already defined"},
	{name: "tab", config: configHead + "derp:\n\tpaths: [a]\n", files: mapFiles, dies: "yaml"},
	{name: "a list", config: "- a\n", files: mapFiles, dies: "yaml"},
	{name: "merge", config: configHead + "x: &x {paths: [@DIR@/a.yaml]}\nderp: {<<: *x, urls: []}\n", files: mapFiles},
	{name: "merge overridden", config: configHead + "x: &x {paths: [@DIR@/a.yaml]}\nderp: {paths: [@DIR@/b.yaml], <<: *x}\n", files: mapFiles},
	{name: "bad merge", config: configHead + "derp: {<<: [1]}\n", files: mapFiles, dies: "map merge"},
	{name: "alias to itself", config: configHead + "x: &x [*x]\nderp: {paths: [@DIR@/a.yaml]}\n", files: mapFiles, dies: "contains itself"},
	{name: "bad tag", config: configHead + "x: !!int a\nderp: {paths: [@DIR@/a.yaml]}\n", files: mapFiles, dies: "cannot decode"},
	{name: "list as key", config: configHead + "x: {[a]: 1}\nderp: {paths: [@DIR@/a.yaml]}\n", files: mapFiles, dies: "invalid map key"},
	{name: "numbers as keys", config: configHead + "x: {1: 2, 1.5: a, ~: b}\nderp: {paths: [@DIR@/a.yaml], 5: x}\n", files: mapFiles},
	{name: "second document", config: configHead + "derp: {paths: [@DIR@/a.yaml]}\n---\nderp: {}\n", files: mapFiles},
	{name: "server_url without scheme", config: strings.Replace(configHead, "https://", "", 1) + "derp: {paths: [@DIR@/a.yaml]}\n", files: mapFiles, dies: "server_url must start"},
	{name: "server_url in base_domain", config: strings.Replace(configHead, "dns: {", "dns: {base_domain: cfg-acme.net, ", 1) + "derp: {paths: [@DIR@/a.yaml]}\n", files: mapFiles, dies: "server_url"},
	{name: "server_url is base_domain", config: strings.Replace(configHead, "dns: {", "dns: {base_domain: hs.cfg-acme.net, ", 1) + "derp: {paths: [@DIR@/a.yaml]}\n", files: mapFiles, dies: "server_url"},
	{name: "server_url below base_domain's name", config: strings.Replace(configHead, "dns: {", "dns: {base_domain: acme.net, ", 1) + "derp: {paths: [@DIR@/a.yaml]}\n", files: mapFiles},
	// refresh
	derpSetup("update", "paths: [a.yaml], auto_update_enabled: true, update_frequency: 24h", ""),
	derpSetup("update yes is false", "paths: [a.yaml], auto_update_enabled: yes", ""),
	derpSetup("update 1", "paths: [a.yaml], auto_update_enabled: 1, update_frequency: 1d", ""),
	derpSetup("update number", `paths: [a.yaml], auto_update_enabled: "T", update_frequency: 3600`, ""),
	derpSetup("update text number", `paths: [a.yaml], auto_update_enabled: "TRUE", update_frequency: "3600"`, ""),
	derpSetup("update float", `paths: [a.yaml], auto_update_enabled: 0.5, update_frequency: 1e9`, ""),
	derpSetup("update empty", `paths: [a.yaml], auto_update_enabled: true, update_frequency: ""`, ""),
	derpSetup("update null", `paths: [a.yaml], auto_update_enabled: ~, update_frequency: ~`, ""),
	derpSetup("update capital", `paths: [a.yaml], auto_update_enabled: true, update_frequency: 3H`, ""),
	derpSetup("update list", `paths: [a.yaml], auto_update_enabled: [true], update_frequency: [3h]`, ""),
	derpSetup("update composed", `paths: [a.yaml], auto_update_enabled: True, update_frequency: 1h30m0.5s`, ""),
	derpSetup("update negative", "paths: [a.yaml], auto_update_enabled: true, update_frequency: -1h", "panic"),
	derpSetup("update negative but off", "paths: [a.yaml], update_frequency: -1h", ""),
	// the embedded region
	derpSetup("embedded", "server: {"+embedded+"}", ""),
	derpSetup("embedded replaces", "server: {"+strings.Replace(embedded, "999", "900", 1)+"}, paths: [a.yaml]", ""),
	derpSetup("embedded addresses", "server: {"+embedded+", ipv4: 198.51.100.1, ipv6: \"2001:db8::1\"}", ""),
	derpSetup("embedded quoted", `server: {`+strings.Replace(embedded, "true", `"true"`, 1)+"}", ""),
	derpSetup("embedded yes is off", `server: {`+strings.Replace(embedded, "true", `yes`, 1)+"}", emptyMap),
	derpSetup("embedded without id", "server: {enabled: true, stun_listen_addr: \":3478\", private_key_path: k}", ""),
	derpSetup("embedded id in text", `server: {`+strings.Replace(embedded, "999", `"0x10"`, 1)+"}", ""),
	derpSetup("embedded id fraction", `server: {`+strings.Replace(embedded, "999", `999.9`, 1)+"}", ""),
	derpSetup("embedded id text fraction", `server: {`+strings.Replace(embedded, "999", `"9_00.9"`, 1)+"}", ""),
	derpSetup("embedded id underscore", `server: {`+strings.Replace(embedded, "999", `"9_00"`, 1)+"}", ""),
	derpSetup("embedded id name", `server: {`+strings.Replace(embedded, "999", `abc`, 1)+"}", ""),
	derpSetup("embedded id octal", `server: {`+strings.Replace(embedded, "999", `0777`, 1)+"}", ""),
	derpSetup("embedded id true", `server: {`+strings.Replace(embedded, "999", `true`, 1)+"}", ""),
	derpSetup("embedded code number", `server: {`+strings.Replace(embedded, "code: hs", `code: 1.50`, 1)+"}", ""),
	derpSetup("embedded code large", `server: {`+strings.Replace(embedded, "code: hs", `code: 1e21`, 1)+"}", ""),
	derpSetup("embedded code small", `server: {`+strings.Replace(embedded, "code: hs", `code: -1.25e-7`, 1)+"}", ""),
	derpSetup("embedded code bool", `server: {`+strings.Replace(embedded, "code: hs", `code: True`, 1)+"}", ""),
	derpSetup("embedded code infinite", `server: {`+strings.Replace(embedded, "code: hs", `code: -.inf`, 1)+"}", ""),
	derpSetup("embedded code uint", `server: {`+strings.Replace(embedded, "code: hs", `code: 18446744073709551615`, 1)+"}", ""),
	derpSetup("embedded code list", `server: {`+strings.Replace(embedded, "code: hs", `code: [a]`, 1)+"}", ""),
	derpSetup("embedded no STUN", "server: {enabled: true, region_id: 999, private_key_path: k}", "stun_listen_addr must be set"),
	derpSetup("embedded no key", `server: {enabled: true, region_id: 999, stun_listen_addr: ":1"}`, "private key"),
	derpSetup("embedded STUN named port", `server: {`+strings.Replace(embedded, "0.0.0.0:3478", `:domain`, 1)+"}", ""),
	derpSetup("embedded STUN unknown port", `server: {`+strings.Replace(embedded, "0.0.0.0:3478", `:no-such-port`, 1)+"}", "unknown port"),
	derpSetup("embedded STUN without port", `server: {`+strings.Replace(embedded, "0.0.0.0:3478", `0.0.0.0`, 1)+"}", "missing port"),
	derpSetup("embedded STUN empty port", `server: {`+strings.Replace(embedded, "0.0.0.0:3478", `0.0.0.0:`, 1)+"}", ""),
	derpSetup("embedded STUN large port", `server: {`+strings.Replace(embedded, "0.0.0.0:3478", `:65536`, 1)+"}", "invalid port"),
	derpSetup("embedded STUN bare IPv6", `server: {`+strings.Replace(embedded, "0.0.0.0:3478", `::1:3478`, 1)+"}", "too many colons"),
	derpSetup("embedded STUN IPv6", `server: {`+strings.Replace(embedded, "0.0.0.0:3478", `[::]:3479`, 1)+"}", ""),
	derpSetup("embedded not added", "server: {"+embedded+", automatically_add_embedded_derp_region: false}, paths: [a.yaml]", ""),
	derpSetup("embedded not added without paths", "server: {"+embedded+", automatically_add_embedded_derp_region: false}, urls: [@URL@/j.json]", "requires to configure"),
	derpSetup("embedded not added because off", "server: {automatically_add_embedded_derp_region: false}, urls: [@URL@/j.json]", ""),
	{name: "embedded port", config: strings.Replace(configHead, "acme.net", "acme.net:8443", 1) + "derp: {server: {" + embedded + "}}\n"},
	{name: "embedded http", config: strings.Replace(configHead, "https", "http", 1) + "derp: {server: {" + embedded + "}}\n"},
	{name: "embedded IPv6", config: strings.Replace(configHead, "hs.cfg-acme.net", "[2001:db8::1]", 1) + "derp: {server: {" + embedded + "}}\n"},
	{name: "embedded IPv6 and port", config: strings.Replace(configHead, "hs.cfg-acme.net", "[2001:db8::1]:8443/x", 1) + "derp: {server: {" + embedded + "}}\n"},
	{name: "embedded empty port", config: strings.Replace(configHead, "acme.net", "acme.net:", 1) + "derp: {server: {" + embedded + "}}\n"},
	{name: "embedded bad url", config: strings.Replace(configHead, "acme.net", "acme.net:port", 1) + "derp: {server: {" + embedded + "}}\n"},
	{name: "embedded user in url", config: strings.Replace(configHead, "hs.", "me:x@hs.", 1) + "derp: {server: {" + embedded + "}}\n"},
	// the environment
	derpSetup("env paths", "paths: [@DIR@/none.yaml]", "", "HEADSCALE_DERP_PATHS=@DIR@/a.yaml @DIR@/null.yaml"),
	derpSetup("env paths with a comma", "", "no such file", "HEADSCALE_DERP_PATHS=@DIR@/a.yaml,@DIR@/b.yaml"),
	derpSetup("env paths quoted", "", "no such file", `HEADSCALE_DERP_PATHS="@DIR@/a.yaml"`),
	derpSetup("env empty is unset", "paths: [@DIR@/a.yaml]", "", "HEADSCALE_DERP_PATHS="),
	derpSetup("env blank clears", "urls: [\"http://127.0.0.1:1/\"], paths: [@DIR@/a.yaml]", "", "HEADSCALE_DERP_URLS= "),
	derpSetup("env hides the section", "paths: [@DIR@/a.yaml]", emptyMap, "HEADSCALE_DERP=x"),
	derpSetup("env hides the defaults", "paths: [@DIR@/a.yaml], server: {"+embedded+"}", "", "HEADSCALE_DERP_SERVER=x"),
	derpSetup("env embedded", "", "", "HEADSCALE_DERP_SERVER_ENABLED=t", "HEADSCALE_DERP_SERVER_REGION_ID=0b11", "HEADSCALE_DERP_SERVER_STUN_LISTEN_ADDR=:3478", "HEADSCALE_DERP_SERVER_PRIVATE_KEY_PATH=k", "HEADSCALE_SERVER_URL=http://a.b"),
	derpSetup("env yes is false", "server: {"+embedded+"}", emptyMap, "HEADSCALE_DERP_SERVER_ENABLED=yes"),
	derpSetup("env update", "paths: [a.yaml]", "", "HEADSCALE_DERP_AUTO_UPDATE_ENABLED=1", "HEADSCALE_DERP_UPDATE_FREQUENCY=90"),
	derpSetup("env in small letters is not read", "paths: [a.yaml]", "", "headscale_derp_paths=@DIR@/none.yaml"),
}

// oneOf is pick with the texts written out.
func oneOf(r *rand.Rand, texts ...string) string { return pick(r, texts) }

// generateSetup puts settings together at random.
func generateSetup(r *rand.Rand) setup {
	names := []string{"a.yaml", "b.yaml", "null.yaml", "empty.yaml", "extra.yaml"}
	if r.Intn(4) == 0 {
		names = append(names, "broken.yaml", "none.yaml", "nan.yaml")
	}
	var paths, urls, section []string
	for range r.Intn(4) {
		paths = append(paths, "@DIR@/"+pick(r, names))
	}
	for range r.Intn(3) {
		urls = append(urls, "@URL@/"+oneOf(r, "j.json", "null.json", "404-j.json", "404-err.json"))
	}
	add := func(form, value string) { section = append(section, fmt.Sprintf(form, value)) }
	add("paths: [%s]", strings.Join(paths, ", "))
	add("urls: [%s]", strings.Join(urls, ", "))
	add("auto_update_enabled: %s", oneOf(r, "true", "false", "1", "0", "yes", `"t"`, "~", "1.5"))
	add("update_frequency: %s", oneOf(r, "3h", "24h", "1d", "60", `"1m"`, "1.5h", "~", "abc", "0.1s", ".5h"))
	add("server: {%s}", generateServer(r))
	var env []string
	if r.Intn(3) == 0 {
		env = append(env, oneOf(r, "HEADSCALE_DERP_PATHS=@DIR@/a.yaml",
			"HEADSCALE_DERP_SERVER_ENABLED=false", "HEADSCALE_DERP_URLS= ",
			"HEADSCALE_DERP_SERVER_REGION_ID=900", "HEADSCALE_DERP_UPDATE_FREQUENCY=1h",
			"HEADSCALE_DERP_SERVER=", "HEADSCALE_SERVER_URL=https://x.y:444"))
	}
	return derpSetup("generated", strings.Join(section, ", "), "", env...)
}

func generateServer(r *rand.Rand) string {
	members := []string{
		"enabled: " + oneOf(r, "true", "true", "false", "false", "1", "on", `"true"`, "~"),
		"region_id: " + oneOf(r, "900", "999", "901", `"900"`, "0x384", "900.7", "~", "12", "-1", "x"),
		"region_code: " + oneOf(r, "hs", "010", "no", "1.10", "~", "true", `"a b"`, "2e3"),
		"region_name: " + oneOf(r, "Name", "~", "é", "12", `"\u0001"`),
		"stun_listen_addr: " + oneOf(r, `"0.0.0.0:3478"`, `"[::]:3479"`, `":3478"`, `":+1"`, `"127.0.0.1:0"`, "3478"),
		"private_key_path: " + oneOf(r, "k", "k", "k", "~"),
		"ipv4: " + oneOf(r, "1.2.3.4", "~", "1.2", "none"),
		"ipv6: " + oneOf(r, `"2001:db8::1"`, "~", "::1", "none"),
	}
	if r.Intn(3) == 0 {
		members = append(members, "automatically_add_embedded_derp_region: "+oneOf(r, "true", "false", "0"))
	}
	return strings.Replace(strings.Join(members, ", "), "ipv6: ::1", `ipv6: "::1"`, 1)
}
