// Map documents with random twists: valid ones with something put in, taken
// out or exchanged, where YAML and JSON are hard.

package interop

import (
	"fmt"
	"math/rand"
	"strings"
	"unicode/utf16"
)

// yamlSeeds are whole documents that the twists start from.
var yamlSeeds = []string{
	"regions:\n  900:\n    regionid: 900\n    regioncode: home\n    regionname: My home\n    nodes:\n      - name: 900a\n        regionid: 900\n        hostname: derp.example.org\n        ipv4: 198.18.0.1\n        ipv6: 2001:db8::1\n        derpport: 8443\n        stunport: 3478\n        canport80: true\n",
	"# two regions\nregions:\n  900:\n    regionid: 900 # id\n    regioncode: 'a'\n    nodes:\n    - name: \"900a\"\n      regionid: 900\n      stunonly: false\n    -   name: 900b\n        insecurefortests: yes\n  901:\n    regionid: 901\n    latitude: 1.5\n    longitude: -7\n    avoid: no\n    nomeasurenohome: off\n    nodes: []\nomitdefaultregions: true\nhomeparams:\n  regionscore:\n    900: 0.5\n    901: 2\n",
	"regions: {900: {regionid: 900, regioncode: a, nodes: [{name: 900a, regionid: 900, hostname: h}, {name: b, ipv6: 'fe80::'}]}, 901: null}\n",
	"base: &base\n  regionid: 900\n  regioncode: x\n  nodes: &nodes\n    - &n {name: a, derpport: 443}\n    - *n\nregions:\n  900: &r\n    <<: *base\n    regionname: y\n  901:\n    <<: [*base, {regionname: z, avoid: true}]\n    nodes: *nodes\n  902: *r\n",
	"{\n  \"Regions\": {\n    \"900\": {\"RegionID\": 900, \"Nodes\": [{\"Name\": \"a\\n\\u00e9\"}]}\n  }\n}\n",
	"%YAML 1.1\n%TAG !e! tag:example.org,2000:\n---\nregions: !!map\n  ? 900\n  : regioncode: |\n      two\n       lines\n\n      more\n    regionname: >-\n      folded\n      text\n\n       kept\n    nodes:\n      - name: !!str 900\n        hostname: !e!x h\n        ipv4: \"a\\\n          b\"\n...\n---\nignored: x\n",
	"regions:\n    900: {}\n    0x385:\n    0o1607:\n      regionid: 1_000\n    9e2:\n      regionid: 443.9\n    \"904\": {}\n    ~: {}\n",
	"regions:\n  900:\n    nodes:\n      - null\n      -\n      - ~\n      - {}\n      - name: !!binary aGVsbG8=\n        stunport: -1\n        derpport: 0443\n        stuntestip: 'it''s'\n        certname: \"\\x41\\u263a\\U0001F600\\/\"\n",
	"---\n---\nregions: {}\n",
	"a: [1, [2, {b: c}, ? d : e], f: g]\nregions: ! {? 900, 901: ! ~}\n\"omitdefaultregions\" : on\n",
}

// yamlBits are put in anywhere.
var yamlBits = []string{
	" ", "  ", "\t", "\n", "\r\n", "\r", ":", ": ", ":\n", ", ", ",", "- ", "-", "? ", "?", "#", " #", "# c\n", "&a ", "*a", "&n ", "*n", "*r", "*base", "!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "!!binary ", "!!map ", "!!seq ", "!!timestamp ", "!!merge ", "!x ", "!", "! ", "!e!y ", "!<tag:yaml.org,2002:int> ", "|", "|\n", "|-\n", "|+2\n", ">", ">\n", "'", "\"", "''", "\\", "\\/", "\\'", "\\\n", "\\x4", "\\u00e9", "\\ud800", "[", "]", "{", "}", "[]", "{}", "%", "@", "`", "<<", "<<: ", "<<: *r\n", "<<: {regioncode: m}\n", "---", "---\n", "\n---\n", "...\n", "\n...\n", "%YAML 1.1\n", "%YAML 1.2\n", "%TAG ! x\n", "\ufeff", "\u00a0", "\u0085", "\u2028", "\u2029", "é", "😀", "\x00", "\x01", "\x7f", "\xff", "\xc3", "~", "null", "900", "900: ", "900:", "regionid: 5\n", "nodes:", "nodes: []", "name: a", "\n  900: {}\n", "\n    regionid: 1\n", "::", "::1", "1e400", ".nan", ".inf", "-.inf", "_", "0", "0x", "+", "=", "==",
}

// yamlValues replace a value.
var yamlValues = []string{
	"0", "1", "-1", "443", "0443", "08", "0o443", "0x1bb", "0X1BB", "0b11", "0O17", "1_000", "1_", "_1", "1__0", "+443", "+0x10", "-0o17", "443.0", "443.5", "443.", ".5", "4.43e2", "1e3", "1e1_0", "1e400", "-1e400", "1e-400", "70000", "99999999999", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "9223372036854775808.0", "18446744073709551615", "18446744073709551616", "1e19", ".inf", "-.inf", ".nan", "+.INF", ".e5", ".5e1_0", "._5", ".5_5", "0x1p4", "0o8", "0b-1", "0o+7", "-0b1", "-0o-1", "0x_1", "3:30", "yes", "no", "on", "off", "y", "N", "true", "True", "TRUE", "tRUE", "false", "null", "Null", "~", "", "\"443\"", "'443'", "\"\"", "''", "\"true\"", "'yes'", "\"~\"", "2020-01-01", "2020-1-1", "2020-02-30", "2020-01-01T10:00:00Z", "2020-01-01 10:0:0.5", "2020-01-01   1:2:3", "2020-01-01t1:2:3,5+01:30", "!!timestamp 2020-01-01", "!!timestamp 2020-13-01", "!!timestamp x", "!!int 443", "!!int \"443\"", "!!int 443.0", "!!int x", "!!int 0443", "!!float 1", "!!float 18446744073709551615", "!!float x", "!!bool true", "!!bool yes", "!!bool \"true\"", "!!str yes", "!!str 1", "!!null x", "!!null ~", "!!null", "!!binary aGk=", "!!binary \"aGk\"", "!!binary aGk=\\n", "!!binary eWVz", "!!binary gIA=", "!!binary YWJ=", "!foo yes", "!foo 5", "!foo bar", "! 443", "!", "! \"5\"", "<<", "\"<<\"", "!!merge x", "::1", "::", "fe80::", "[::1]", "2001:db8::1", "@x", "`x", "%x", "a: b", "a #b", "a#b", "a\t#b", "[443]", "{a: b}", "[]", "{}", "{a: 1, a: 2}", "[a, a]", "*n", "*base", "*nope", "&q 5", "|\n          text\n", ">+\n          text\n", "What?", "key:", "a, b", "- a", "? a", "-", "?", ":", "--- a", "'a\n\n          b'", "\"a\\tb\"", "\"\\0\"", "é", "\u00a0", "0.1", "1.7976931348623157e308", "-0.0", "-0", "1e5", "123456789.123456789", "{<<: {name: x}}", "{900: 1}", "{900, 901: {}}", "{? 900}", "{900: {regionid:900}}",
}

// yamlKeys replace a key.
var yamlKeys = []string{
	"regions", "Regions", "regionid", "RegionID", "regioncode", "regionname", "latitude", "longitude", "avoid", "nomeasurenohome", "nodes", "name", "hostname", "certname", "ipv4", "ipv6", "stunport", "stunonly", "derpport", "insecurefortests", "stuntestip", "canport80", "homeparams", "regionscore", "omitdefaultregions", "derp_port", "derpPort", "x", "900", "0900", "9_00", "900.0", "9e2", "0x384", "01604", "0o1604", "\"900\"", "901", "-5", "70000", "~", "null", "", "true", "2020-01-01", "foo", "<<", "\"<<\"", "!!merge \"<<\"", "*n", "&k 900", "*k ", "[a]", "{a: b}", "? 900\n  ", "!!int 900", "!!int \"900\"", "!!str 900", "!!binary bmFtZQ==", "!!binary OTAw", "!foo name", "\"name\"", "'regionid'", "9223372036854775808", ".inf", "-.inf", "1e19",
}

func pick(r *rand.Rand, from []string) string { return from[r.Intn(len(from))] }

// twistYAML changes a document in one place, in one of many ways.
func twistYAML(r *rand.Rand, doc string) string {
	lines := strings.SplitAfter(doc, "\n")
	at := r.Intn(len(lines))
	line := lines[at]
	switch r.Intn(14) {
	case 0, 1: // put something in
		i := r.Intn(len(doc) + 1)
		return doc[:i] + pick(r, yamlBits) + doc[i:]
	case 2: // take something out
		i := r.Intn(len(doc) + 1)
		n := min(1+r.Intn(4), len(doc)-i)
		return doc[:i] + doc[i+n:]
	case 3: // change a byte
		if len(doc) == 0 {
			return doc
		}
		i := r.Intn(len(doc))
		return doc[:i] + pick(r, yamlBits) + doc[i+1:]
	case 4, 5, 6: // another value
		if i := strings.Index(line, ": "); i >= 0 {
			end := "\n"
			rest := line[i+2:]
			if k := strings.IndexAny(rest, ",}]"); k >= 0 {
				end = rest[k:]
			}
			lines[at] = line[:i+2] + pick(r, yamlValues) + end
		} else {
			lines[at] = strings.TrimRight(line, "\n") + " " + pick(r, yamlValues) + "\n"
		}
	case 7, 8: // another key
		if i := strings.Index(line, ":"); i >= 0 {
			start := i - len(strings.TrimLeft(line[:i], " -{["))
			lines[at] = line[:i-len(line[:i])+start] + pick(r, yamlKeys) + line[i:]
		}
	case 9: // a line twice
		lines[at] = line + line
	case 10: // a line away
		lines[at] = ""
	case 11: // other indentation
		if r.Intn(2) == 0 {
			lines[at] = strings.Repeat(" ", 1+r.Intn(4)) + line
		} else {
			lines[at] = strings.TrimPrefix(line, strings.Repeat(" ", 1+r.Intn(4)))
		}
	case 12: // lines change places
		other := r.Intn(len(lines))
		lines[at], lines[other] = lines[other], lines[at]
	case 13: // a new member
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		lines[at] = indent + pick(r, yamlKeys) + ": " + pick(r, yamlValues) + "\n" + line
	}
	return strings.Join(lines, "")
}

// yamlWriter makes a document from the grammar, in all styles.
type yamlWriter struct {
	r *rand.Rand
	b strings.Builder
}

func (w *yamlWriter) value(depth, indent int, flow bool) {
	r := w.r
	switch k := r.Intn(10); {
	case depth <= 0 || k < 4:
		v := pick(r, yamlValues)
		w.b.WriteString(v)
	case k < 6 && !flow:
		for n := r.Intn(4); n >= 0; n-- {
			fmt.Fprintf(&w.b, "\n%s%s: ", strings.Repeat(" ", indent+2), pick(r, yamlKeys))
			w.value(depth-1, indent+2, false)
		}
	case k < 7 && !flow:
		for n := r.Intn(3); n >= 0; n-- {
			fmt.Fprintf(&w.b, "\n%s- ", strings.Repeat(" ", indent+r.Intn(2)*2))
			w.value(depth-1, indent+2, false)
		}
	case k < 9:
		w.b.WriteString("{")
		for n := r.Intn(3); n >= 0; n-- {
			w.b.WriteString(pick(r, yamlKeys) + ": ")
			w.value(depth-1, indent, true)
			if n > 0 {
				w.b.WriteString(", ")
			}
		}
		w.b.WriteString("}")
	default:
		w.b.WriteString("[")
		for n := r.Intn(3); n >= 0; n-- {
			w.value(depth-1, indent, true)
			if n > 0 {
				w.b.WriteString(",")
			}
		}
		w.b.WriteString("]")
	}
}

func generateYAML(r *rand.Rand) string {
	var doc string
	if r.Intn(5) == 0 {
		w := &yamlWriter{r: r}
		for n := r.Intn(3); n >= 0; n-- {
			w.b.WriteString(pick(r, yamlKeys[:26]) + ": ")
			w.value(4, 0, false)
			w.b.WriteString("\n")
		}
		doc = w.b.String()
	} else {
		doc = pick(r, yamlSeeds)
	}
	if r.Intn(8) == 0 { // what is read ahead depends on how long it is
		doc = "#" + strings.Repeat(pick(r, []string{"x", "é", "\n", " \n\t#"}), r.Intn(520)) + "\n" + doc
	}
	if r.Intn(8) == 0 {
		doc += strings.Repeat(pick(r, []string{"#x\n", "\n", " ", "x: {}\n"}), r.Intn(520))
	}
	for n := r.Intn(5); n > 0; n-- {
		doc = twistYAML(r, doc)
	}
	switch r.Intn(40) {
	case 0:
		doc = "\ufeff" + doc
	case 1:
		doc = utf16Text(doc, 0, r.Intn(3))
	case 2:
		doc = utf16Text(doc, 1, r.Intn(3))
	case 3:
		doc = strings.ReplaceAll(doc, "\n", "\r\n")
	}
	return doc
}

// utf16Text is the document in UTF-16 behind a byte order mark, less a few
// bytes at its end. big: 0 little endian, 1 big endian.
func utf16Text(doc string, big, less int) string {
	var b []byte
	for _, u := range utf16.Encode([]rune("\ufeff" + doc)) {
		if big == 1 {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b[:len(b)-min(less, len(b))])
}

// jsonSeeds and jsonBits are the same for JSON.
var jsonSeeds = []string{
	`{"Regions":{"900":{"RegionID":900,"RegionCode":"a","RegionName":"b","Latitude":1.5,"Longitude":-2e1,"Avoid":true,"NoMeasureNoHome":false,"Nodes":[{"Name":"900a","RegionID":900,"HostName":"h","CertName":"c","IPv4":"1.2.3.4","IPv6":"::1","STUNPort":3478,"STUNOnly":false,"DERPPort":443,"InsecureForTests":true,"STUNTestIP":"x","CanPort80":true},null]},"901":null},"omitDefaultRegions":true,"HomeParams":{"RegionScore":{"900":0.5,"901":null}}}`,
	`{"regions":{"1":{"nodes":[{"name":"a","ipv4":"1"},{"name":"b"}],"Nodes":[{"Name":"c"}],"NODES":[{"ipv6":"x"},{"IPV6":"y"},{}]}},"Regions":{"1":{"RegionID":1},"2":{}},"HomeParams":{"RegionScore":{"1":1}},"homeparams":{"regionscore":{"2":2}}}`,
	`{"Regions":{"900":{"RegionCode":"a","RegionCode":null,"Nodes":[],"Nodes":null,"Nodes":[{}]}},"Regions":null,"x":[1,{"y":[true,false,null,1e999,-0,"\ud83d\ude00"]}]}`,
}

var jsonBits = []string{
	"{", "}", "[", "]", ",", ":", "\"", "null", "true", "false", "0", "1", "-", "+", ".", "e", "E5", "01", "-0", "1.0", "1e2", "\\", "\\u", "\\u0041", "\\ud800", "\\ud83d\\ude00", "\\/", "\\'", " ", "\n", "\t", "\r", "\x0b", "//c\n", "/**/", "#", "\ufeff", "\xff", "\xc3", "\xf0\x9f", "\x00", "\x1f", "\x7f", "é", "ſ", "K", "\"a\"", "\"Nodes\":[{\"Name\":\"q\"}],", "\"900\":{},", "\"0900\":null,", "\"+900\":{},", "\"-5\":{},", "\" 1\":{},", "\"RegionID\":7,", "\"regionid\":7,", "\"RegionſCore\":{},", "\"Nodeſ\":[],", "[],", "{},", "\"Regions\":null,", "\"Regions\":{},", "\"HomeParams\":null,", "\"HomeParams\":{},", "1e400", "1e-400", "9223372036854775807", "9223372036854775808", "443.0", "\"443\"", "99999999999999999999",
}

func generateJSON(r *rand.Rand) string {
	doc := pick(r, jsonSeeds)
	for n := r.Intn(5); n > 0; n-- {
		i := r.Intn(len(doc) + 1)
		switch r.Intn(4) {
		case 0, 1:
			doc = doc[:i] + pick(r, jsonBits) + doc[i:]
		case 2:
			n := min(1+r.Intn(6), len(doc)-i)
			doc = doc[:i] + pick(r, jsonBits) + doc[i+n:]
		case 3: // a value or a name for another
			parts := strings.Split(doc, ",")
			a, b := r.Intn(len(parts)), r.Intn(len(parts))
			if r.Intn(2) == 0 {
				parts[a], parts[b] = parts[b], parts[a]
			} else {
				parts[a] = parts[a] + "," + parts[b]
			}
			doc = strings.Join(parts, ",")
		}
	}
	return doc
}
