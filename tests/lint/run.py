#!/usr/bin/env python3
"""Runs the lint cases: run.py DERPMAP SCHEMA.

A case is ID-name/CASE/{map.yaml|map.json,expect.txt}, and before.yaml where a
file comes before the map in the same call, or of headscale's configuration
{config.yaml,expect.txt} with, where they matter, env (a file for --env-file),
version and what derp.paths names, or of what starts a relay (derper.*). A file
args has further arguments: with
--online the case is about the servers of relays.py, whose ports and pins are
filled in. expect.txt has a line
`ID severity line column` for each finding of that rule, none when the map is
good; what other rules find does not matter. Every rule of the table needs a
good and a bad case, and every folder names a rule. The severity in the table
is the worst one that the rule's cases show. A file alone gives exit status 1
when one of its findings is worse than information, and 0 otherwise.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import jsonschema

from relays import Relays

HERE = pathlib.Path(__file__).resolve().parent
SEVERITIES = ["info", "warning", "error"]
RULE = re.compile(r"^([A-Z][0-9]{2}) (info|warning|error) +([a-z0-9.-]+): ")


def run(derpmap, *args, cwd=None, env=None):
    return subprocess.run([derpmap, "lint", *map(str, args)], cwd=cwd,
                          env=os.environ | (env or {}),
                          capture_output=True, timeout=60, check=False)


def rules(derpmap):
    """The table: id to (severity, name)."""
    lines = run(derpmap, "--list").stdout.decode().splitlines()
    found = [RULE.match(line) for line in lines]
    return {m[1]: (m[2], m[3]) for m in found if m}


def cases():
    """(rule folder, case folder, map file) of all cases."""
    for rule in sorted(p for p in HERE.iterdir() if p.is_dir()):
        for case in sorted(p for p in rule.iterdir() if p.is_dir()):
            for file in sorted([*case.glob("map.*"), *case.glob("derper.*")]):
                yield rule, case, file
            if (case / "config.yaml").exists():
                yield rule, case, case / "config.yaml"


def further_arguments(file):
    args = file.parent / "args"
    return args.read_text("utf-8").split() if args.exists() else []


def arguments(file):
    """How to lint it, in its folder."""
    if file.stem == "derper":
        return ["--derper", file.name]
    if file.name != "config.yaml":
        return [*further_arguments(file), file]
    env, version = file.parent / "env", file.parent / "version"
    return [*further_arguments(file), "--headscale-config", file.name,
            "--env-file", "env" if env.exists() else "/dev/null",
            "--headscale-version", version.read_text("utf-8").strip()
            if version.exists() else "0.29"]


def lint(derpmap, schema, file, env=None):
    """The findings of one file, whose exit status must follow from them."""
    before = sorted(file.parent.glob("before.*"))
    result = run(derpmap, "--format", "json", *before, *arguments(file),
                 cwd=file.parent, env=env)
    if result.returncode not in (0, 1):
        sys.exit(f"{file}: exit status {result.returncode}: "
                 f"{result.stderr.decode()[-2000:]}")
    report = json.loads(result.stdout)
    jsonschema.validate(report, schema)
    worst = {f["severity"] for f in report["findings"]}
    wanted = 1 if worst & {"warning", "error"} else 0
    if result.returncode != wanted:
        sys.exit(f"{file}: exit status {result.returncode}, wanted {wanted}")
    return [f for f in report["findings"]
            if f["file"] not in map(str, before)]


class Online:
    """The servers, which are started when a case is about them."""

    def __init__(self):
        self.relays = None

    def is_needed(self, file):
        args = file.parent / "args"
        return args.exists() and "--online" in args.read_text("utf-8")

    def lint(self, derpmap, schema, file):
        if self.relays is None:
            self.relays = Relays()
        with tempfile.TemporaryDirectory() as folder:
            case = pathlib.Path(folder) / "case"
            shutil.copytree(file.parent, case)
            for copy in case.iterdir():
                copy.write_text(self.relays.fill(copy.read_text("utf-8")),
                                "utf-8")
            return lint(derpmap, schema, case / file.name,
                        self.relays.environment())

    def close(self):
        if self.relays is not None:
            self.relays.close()


def expected(case):
    lines = (case / "expect.txt").read_text(encoding="utf-8").splitlines()
    return sorted(lines)


def found(findings, rule):
    return sorted(f"{rule} {f['severity']} {f['line']} {f['column']}"
                  for f in findings if f["rule"] == rule)


def wrong_severities(table, lines):
    """Rules whose severity is not the worst one in their expectations."""
    worst = {}
    for line in lines:
        rule, severity, _, _ = line.split()
        worst[rule] = max(worst.get(rule, 0), SEVERITIES.index(severity))
    return [f"{rule}: listed as {table[rule][0]}, its cases show "
            f"{SEVERITIES[level]}" for rule, level in worst.items()
            if rule in table and table[rule][0] != SEVERITIES[level]]


def main():
    derpmap, schema = os.path.abspath(sys.argv[1]), json.loads(
        pathlib.Path(sys.argv[2]).read_text(encoding="utf-8"))
    table = rules(derpmap)
    all_cases = list(cases())
    failures, good, bad, lines = [], set(), set(), []
    online = Online()

    for rule, case, file in all_cases:
        name = f"{rule.name}/{case.name}"
        number = rule.name.split("-")[0]
        if number not in table or rule.name != f"{number}-{table[number][1]}":
            failures.append(f"{rule.name}: no such rule")
            continue
        want = expected(case)
        findings = (online.lint if online.is_needed(file) else lint)(
            derpmap, schema, file)
        got = found(findings, number)
        (bad if want else good).add(number)
        lines += want
        if got != want:
            failures.append(f"{name}: got {got}, wanted {want}")
    online.close()
    failures += [f"{rule}: no bad case" for rule in table.keys() - bad]
    failures += [f"{rule}: no good case" for rule in table.keys() - good]
    failures += wrong_severities(table, lines)
    print("\n".join(sorted(set(failures))))
    print(f"{len(all_cases)} cases of {len(table)} rules, "
          f"{len(failures)} failed")
    return 1 if failures or not table else 0


if __name__ == "__main__":
    sys.exit(main())
