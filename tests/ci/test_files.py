#!/usr/bin/env python3
"""Schemas, examples and files for CI, as far as nothing has to be installed:
test_files.py DERPMAP. consumers.py gives them to the programs they are for.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import jsonschema
import yaml

DERPMAP = os.path.abspath(sys.argv.pop(1))
ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
MODELINE = "# yaml-language-server: $schema=../schemas/headscale-derp.schema.json\n"


def schema(name):
    return json.loads((SCHEMAS / name).read_text("utf-8"))


def errors(name, document):
    return sorted(e.message for e in jsonschema.Draft202012Validator(
        schema(name)).iter_errors(document))


def with_text_keys(value):
    """A YAML document as an editor hands it to a JSON Schema."""
    if isinstance(value, dict):
        return {str(k): with_text_keys(v) for k, v in value.items()}
    return [with_text_keys(v) for v in value] if isinstance(value, list) else value


def members(document, *path):
    for step in path:
        document = document[step]
    return set(document["properties"])


class Schemas(unittest.TestCase):
    def test_they_are_2020_12(self):
        for path in SCHEMAS.glob("*.json"):
            with self.subTest(path.name):
                found = schema(path.name)
                self.assertEqual(found["$id"], path.name)
                self.assertEqual(
                    found["$schema"],
                    "https://json-schema.org/draft/2020-12/schema")
                jsonschema.Draft202012Validator.check_schema(found)

    def test_examples(self):
        yamls = sorted((ROOT / "examples").glob("derp*.yaml"))
        self.assertTrue(yamls)
        for path in yamls:
            text = path.read_text("utf-8")
            self.assertEqual(errors("headscale-derp.schema.json",
                                    with_text_keys(yaml.safe_load(text))), [])
            self.assertTrue(text.startswith(MODELINE), path)
        jsons = sorted((ROOT / "examples").glob("derp*.json"))
        self.assertTrue(jsons)
        for path in jsons:
            document = json.loads(path.read_text("utf-8"))
            self.assertEqual(errors("derpmap.schema.json", document), [])
            self.assertEqual(errors("policy-derpmap.schema.json",
                                    {"derpMap": document, "acls": []}), [])

    def test_what_we_write(self):
        file = str(ROOT / "examples/derp.yaml")
        for form, name in (("json", "derpmap.schema.json"),
                           ("policy", "policy-derpmap.schema.json"),
                           ("headscale", "headscale-derp.schema.json")):
            text = subprocess.run([DERPMAP, "convert", "--to", form, file],
                                  capture_output=True, check=True).stdout
            document = (with_text_keys(yaml.safe_load(text))
                        if form == "headscale" else json.loads(text))
            self.assertEqual(errors(name, document), [])

    def test_one_list_of_keys(self):
        """Each form has the keys of the others, in its own spelling."""
        wire, lower = schema("derpmap.schema.json"), schema(
            "headscale-derp.schema.json")
        policy = schema("policy-derpmap.schema.json")
        for part in "region", "node":
            names = members(wire, "$defs", part)
            self.assertEqual({n.lower() for n in names},
                             members(lower, "$defs", part))
            self.assertEqual(names, members(policy, "$defs", part))
        self.assertEqual({n.lower() for n in members(wire)}, members(lower))
        self.assertEqual({n.lower() for n in members(
            policy, "properties", "derpMap")}, members(lower))

    def test_slips_are_flagged(self):
        good = with_text_keys(yaml.safe_load(
            (ROOT / "examples/derp.yaml").read_text("utf-8")))
        text = json.dumps(good)
        slips = [('"canport80"', '"canPort80"'), ('"ipv4"', '"IPv4"'),
                 ('"regioncode"', '"regionCode"'), ('{"regions"',
                                                    '{"derp": 1, "regions"'),
                 ('"hostname"', '"hostName"'), ('"regions"', '"Regions"'),
                 ('"regionid"', '"region_id"'), ('"nodes"', '"node"'),
                 ('"900"', '"0900"'), ('"900"', '"x"'),
                 ('"regionid": 900', '"regionid": "900"'),
                 ('"regionid": 900', '"regionid": 90000'),
                 ('"derp.example.net"', '"https://derp.example.net"'),
                 ('"198.18.0.7"', '"198.18.0.7/32"'),
                 ('"canport80": true', '"canport80": "yes"'),
                 ('"sha256-raw:e', '"sha256-raw:E')]
        for slip, instead in slips:
            with self.subTest(instead):
                self.assertIn(slip, text)
                self.assertNotEqual(errors(
                    "headscale-derp.schema.json",
                    json.loads(text.replace(slip, instead, 1))), [])


class Files(unittest.TestCase):
    """What runs in CI, run here."""

    BAD = ("regions:\n  900:\n    RegionID: 900\n    avoid: true\n"
           "    nodes: []\n")

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "maps").mkdir()
        (self.folder / "maps/derp.yaml").write_text(self.BAD)

    def sh(self, script, **env):
        path = f"{os.path.dirname(DERPMAP)}:{os.environ['PATH']}"
        return subprocess.run(["bash", "-e", "-c", script], cwd=self.folder,
                              env={**os.environ, "PATH": path, **env},
                              capture_output=True, text=True, timeout=60,
                              check=False)

    def test_problem_matcher(self):
        """Its pattern matches the first line of each finding, and no other."""
        pattern = json.loads((ROOT / "examples/problem-matcher.json").read_text(
            "utf-8"))["problemMatcher"][0]["pattern"][0]
        found = json.loads(self.sh(
            "derpmap lint --level info --format json maps || true").stdout)
        text = self.sh("derpmap lint --level info maps").stdout
        fields = [(m[pattern["file"]], int(m[pattern["line"]]),
                   int(m[pattern["column"]]), m[pattern["severity"]],
                   m[pattern["code"]])
                  for m in map(re.compile(pattern["regexp"]).match,
                               text.splitlines()) if m]
        self.assertEqual({f[3] for f in fields}, {"error", "warning", "info"})
        self.assertEqual(fields, [
            (f["file"], f["line"], f["column"], f["severity"], f["rule"])
            for f in found["findings"]])

    def test_action(self):
        action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
        build, lint = action["runs"]["steps"]
        inputs = {name: of["default"] for name, of in action["inputs"].items()}
        self.assertEqual(set(inputs), {"files", "arguments", "derpmap"})
        for value in lint["env"].values():
            self.assertIn(re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", value)[1],
                          inputs)
        done = self.sh(lint["run"], DERPMAP=DERPMAP, FILES="maps",
                       ARGUMENTS="")
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stdout,
                         r"(?m)^::(error|warning) file=maps/derp\.yaml,line=")
        done = self.sh(lint["run"], DERPMAP=DERPMAP, FILES="maps",
                       ARGUMENTS="--ignore P,R,N,A,O,T")
        self.assertEqual(done.returncode, 0, done)
        # the packages that it installs are those of the build
        words = re.search(r"packages=\$\((.*?)\)\n", build["run"], re.S)[1]
        done = self.sh(words, GITHUB_ACTION_PATH=str(ROOT))
        packages = done.stdout.split()
        self.assertIn("libjansson-dev", packages)
        self.assertNotIn("python3-jsonschema", packages)

    def test_gitlab(self):
        job = yaml.safe_load((ROOT / "examples/gitlab-ci.yml").read_text(
            "utf-8"))["derpmap"]
        report = job["artifacts"]["reports"]["codequality"]
        done = self.sh("\n".join(job["script"]))
        self.assertEqual(done.returncode, 1)
        document = json.loads((self.folder / report).read_text())
        self.assertTrue(document)
        self.assertEqual(errors("gitlab-code-quality.schema.json", document),
                         [])


if __name__ == "__main__":
    unittest.main()
