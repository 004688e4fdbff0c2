#!/usr/bin/env python3
"""Tests the report formats: formats.py DERPMAP SCHEMAS.

Every format tells of the same findings as --format json does, over the maps of
all cases and over names and values made to break a format. What reads a format
here does it as its consumer does: the pattern of the runner of GitHub Actions,
an XML parser, the schemas.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import xml.etree.ElementTree

import jsonschema

DERPMAP, SCHEMAS = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
CASES = pathlib.Path(__file__).resolve().parent
LEVELS = {"info": "note", "warning": "warning", "error": "error"}
# The runner's own: ActionCommand.TryParseV2.
COMMAND = re.compile(r"^::([^ ]+)( (.+?))?::(.*)$")
HOSTILE = """\
regions:
  900:
    "\\e[31m<&>\\"'\\x01\\uFFFE%0A::,": 1
    regionid: 900
    regioncode: "\\e[31m\\r\\n"
    nodes:
      - {name: "a::b,%", regionid: 1, hostname: "<![CDATA[ ]]>\\n::error::x"}
      - {name: "a::b,%", regionid: 900, hostname: 家.home.arpa, ipv4: "\\x00"}
"""


def run(form, files):
    result = subprocess.run(
        [DERPMAP, "lint", "--level", "info", "--format", form, *files],
        capture_output=True, timeout=120, check=False)
    assert result.returncode in (0, 1), result.stderr
    return result.stdout.decode()


def unescape(text, property_value=False):
    if property_value:
        text = text.replace("%3A", ":").replace("%2C", ",")
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


class Formats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        hostile = [pathlib.Path(cls.folder.name) / name for name in
                   ("a b,c:%&<'\".yaml", "家.yaml", "none.yaml", "cr.yaml")]
        hostile[0].write_text(HOSTILE, encoding="utf-8")
        hostile[1].write_bytes(HOSTILE.encode().replace(b"home.arpa", b"\xff"))
        hostile[2].write_bytes(b"regions:\n  900: \xff\n")
        hostile[3].write_bytes(HOSTILE.encode().replace(b"\n", b"\r"))
        cls.files = [str(path) for path in hostile]
        cls.files += [str(path) for path in sorted(CASES.glob("*/*/map.*"))]
        cls.found = json.loads(run("json", cls.files))["findings"]
        assert len(cls.found) > 500

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def same(self, got, *keys):
        want = [tuple(f[k] for k in keys) for f in self.found]
        self.assertEqual(collections.Counter(got), collections.Counter(want))

    def schema(self, name, value):
        with open(SCHEMAS / name, encoding="utf-8") as file:
            schema = json.load(file)
        jsonschema.Draft202012Validator(schema).validate(value)

    def test_json(self):
        self.schema("lint-report.schema.json", {"findings": self.found})
        for f in self.found:
            if "end" in f:
                self.assertGreaterEqual((f["end"]["line"], f["end"]["column"]),
                                        (f["line"], f["column"]), f)
        paths = {f.get("path") for f in self.found}
        self.assertIn("regions.900.nodes[0].regionid", paths)
        self.assertIn("Regions.900.Nodes[0]", paths)

    def test_text_shows_each_finding_with_its_line(self):
        heads = re.findall(
            r"^(.+):(\d+):(\d+): (info|warning|error): .* \[(\w{3}) .*\]$",
            run("text", self.files), re.M)
        got = [(int(line), int(column), severity, rule)
               for _, line, column, severity, rule in heads]
        self.same(got, "line", "column", "severity", "rule")
        self.assertNotRegex(run("text", self.files), "[\x00-\x09\x0b-\x1f\x7f]")

    def test_sarif(self):
        log = json.loads(run("sarif", self.files))
        self.assertEqual(log["version"], "2.1.0")
        (made,) = log["runs"]
        self.assertEqual(made["columnKind"], "unicodeCodePoints")
        rules = {rule["id"]: rule for rule in made["tool"]["driver"]["rules"]}
        got = []
        for result in made["results"]:
            rule = rules[result["ruleId"]]
            self.assertTrue(rule["fullDescription"]["text"])
            self.assertTrue(rule["help"]["text"])
            self.assertTrue(urllib.parse.urlparse(rule["helpUri"]).scheme)
            (place,) = result["locations"]
            where = place["physicalLocation"]
            region = where["region"]
            uri = urllib.parse.urlparse(where["artifactLocation"]["uri"])
            self.assertIn(uri.scheme, ("", "file"))
            got.append((urllib.parse.unquote(uri.path), region["startLine"],
                        region["startColumn"], result["ruleId"]))
        self.same(got, "file", "line", "column", "rule")
        levels = collections.Counter(r["level"] for r in made["results"])
        self.assertEqual(levels, collections.Counter(
            LEVELS[f["severity"]] for f in self.found))

    def test_sarif_of_standard_input_and_relative_names(self):
        result = subprocess.run(
            [DERPMAP, "lint", "--format", "sarif", "-"], input=HOSTILE.encode(),
            capture_output=True, timeout=60, check=False)
        text = json.dumps(json.loads(result.stdout))
        self.assertIn('"uri": "stdin"', text)

    def test_github(self):
        got = []
        for line in run("github", self.files).splitlines():
            match = COMMAND.match(line)
            self.assertTrue(match, line)
            values = dict(p.split("=", 1) for p in match[3].split(","))
            values = {k: unescape(v, True) for k, v in values.items()}
            severity = {"notice": "info"}.get(match[1], match[1])
            got.append((values["file"], int(values["line"]),
                        int(values["col"]), severity, values["title"][:3]))
            self.assertTrue(unescape(match[4]))
        self.same(got, "file", "line", "column", "severity", "rule")

    def test_gitlab(self):
        issues = json.loads(run("gitlab", self.files))
        self.schema("gitlab-code-quality.schema.json", issues)
        self.same([(i["location"]["path"], i["location"]["lines"]["begin"],
                    i["check_name"]) for i in issues], "file", "line", "rule")
        prints = [i["fingerprint"] for i in issues]
        self.assertEqual(len(prints), len(set(prints)))

    def test_gitlab_fingerprint_survives_moved_lines(self):
        moved = pathlib.Path(self.folder.name) / "moved.yaml"

        def prints(text):
            moved.write_text(text, encoding="utf-8")
            return {i["fingerprint"]
                    for i in json.loads(run("gitlab", [str(moved)]))}
        plain = HOSTILE.replace('"a::b,%", regionid: 900', "b, regionid: 900")
        self.assertEqual(prints(plain), prints("# one\n# two\n" + plain))

    def test_checkstyle(self):
        root = xml.etree.ElementTree.fromstring(run("checkstyle", self.files))
        self.assertEqual(root.tag, "checkstyle")
        got = [(file.get("name"), int(error.get("line")),
                int(error.get("column")), error.get("severity"),
                error.get("source").split(".")[1])
               for file in root for error in file]
        self.same(got, "file", "line", "column", "severity", "rule")

    def test_junit(self):
        root = xml.etree.ElementTree.fromstring(run("junit", self.files))
        (suite,) = root
        got = []
        for case in suite:
            rule, _, place = case.get("name").split(" ")
            line, column = place.split(":")
            got.append((case.get("classname"), int(line), int(column), rule))
        self.same(got, "file", "line", "column", "rule")
        bad = [f for f in self.found if f["severity"] != "info"]
        self.assertEqual(len(root.findall(".//failure")), len(bad))
        self.assertEqual(int(suite.get("failures")), len(bad))
        self.assertEqual(int(suite.get("tests")), len(self.found))

    def test_no_findings_is_a_valid_report_in_each_format(self):
        good = pathlib.Path(self.folder.name) / "good.yaml"
        good.write_text("regions: {900: {regionid: 900, nodes: [{name: 900a, "
                        "regionid: 900, hostname: derp.home.arpa}]}}\n")

        def only_errors(form):
            return subprocess.run(
                [DERPMAP, "lint", "--level", "error", "--format", form, good],
                capture_output=True, timeout=60, check=True).stdout.decode()
        self.assertEqual(only_errors("text"), "")
        self.assertEqual(only_errors("github"), "")
        self.assertEqual(json.loads(only_errors("gitlab")), [])
        self.assertEqual(json.loads(only_errors("json")), {"findings": []})
        self.assertEqual(json.loads(only_errors("sarif"))["runs"][0]["results"],
                         [])
        root = xml.etree.ElementTree.fromstring(only_errors("junit"))
        self.assertEqual(len(root.findall(".//testcase")), 1)
        root = xml.etree.ElementTree.fromstring(only_errors("checkstyle"))
        self.assertEqual(len(root), 0)


if __name__ == "__main__":
    unittest.main()
