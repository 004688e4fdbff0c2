#!/usr/bin/env python3
"""Runs the lint cases: run.py DERPMAP SCHEMA.

A case is ID-name/CASE/{map.yaml|map.json,expect.txt}. expect.txt has a line
`ID line column` for each finding of that rule, none when the map is good; what
other rules find does not matter. Every rule of the table needs a good and a
bad case, and every folder names a rule.
"""

import json
import pathlib
import re
import subprocess
import sys

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
RULE = re.compile(r"^([A-Z][0-9]{2}) (info|warning|error) +([a-z0-9.-]+): ")


def run(derpmap, *args):
    return subprocess.run([derpmap, "lint", *map(str, args)],
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
            for file in sorted(case.glob("map.*")):
                yield rule, case, file


def lint(derpmap, schema, files):
    """Findings by file, of one run over all files."""
    result = run(derpmap, "--format", "json", *files)
    if result.returncode not in (0, 1):
        sys.exit(f"exit status {result.returncode}: "
                 f"{result.stderr.decode()[-2000:]}")
    report = json.loads(result.stdout)
    jsonschema.validate(report, schema)
    by_file = {str(file): [] for file in files}
    for finding in report["findings"]:
        by_file[finding["file"]].append(finding)
    worst = {f["severity"] for f in report["findings"]}
    wanted = 1 if worst & {"warning", "error"} else 0
    if result.returncode != wanted:
        sys.exit(f"exit status {result.returncode}, wanted {wanted}")
    return by_file


def places(findings, rule):
    return sorted(f"{rule} {f['line']} {f['column']}"
                  for f in findings if f["rule"] == rule)


def main():
    derpmap, schema = sys.argv[1], json.loads(
        pathlib.Path(sys.argv[2]).read_text(encoding="utf-8"))
    table = rules(derpmap)
    all_cases = list(cases())
    by_file = lint(derpmap, schema, [file for _, _, file in all_cases])
    failures, good, bad = [], set(), set()

    for rule, case, file in all_cases:
        name = f"{rule.name}/{case.name}"
        number = rule.name.split("-")[0]
        if number not in table or rule.name != f"{number}-{table[number][1]}":
            failures.append(f"{rule.name}: no such rule")
            continue
        want = sorted((case / "expect.txt").read_text().splitlines())
        got = places(by_file[str(file)], number)
        (bad if want else good).add(number)
        if got != want:
            failures.append(f"{name}: got {got}, wanted {want}")
    failures += [f"{rule}: no bad case" for rule in table.keys() - bad]
    failures += [f"{rule}: no good case" for rule in table.keys() - good]
    print("\n".join(sorted(set(failures))))
    print(f"{len(all_cases)} cases of {len(table)} rules, "
          f"{len(failures)} failed")
    return 1 if failures or not table else 0


if __name__ == "__main__":
    sys.exit(main())
