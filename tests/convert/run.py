#!/usr/bin/env python3
"""The cases of this folder through the program, and the examples.

run.py DERPMAP SCHEMA EXAMPLES

A case is a folder with in.yaml or in.json and either expect.json, what it comes
to, or expect.error, the lines "LINE:COLUMN: REASON" of a refusal. What comes out
as JSON must fit the schema.
"""

import json
import pathlib
import subprocess
import sys

import jsonschema

here = pathlib.Path(__file__).resolve().parent
derpmap, schema, examples = sys.argv[1:4]
validator = jsonschema.Draft202012Validator(
    json.loads(pathlib.Path(schema).read_text()))
failures = 0


def fail(case, text):
    global failures
    failures += 1
    print(f"{case}: {text}")


def run(*args, cwd=None):
    return subprocess.run([derpmap, *map(str, args)], cwd=cwd,
                          capture_output=True)


def check_json(case, text):
    for error in validator.iter_errors(json.loads(text)):
        fail(case, f"not as the schema says: {error.message}")


def check_case(folder):
    name = next(folder.glob("in.*")).name
    form = "json" if name == "in.json" else "headscale"
    got = run("convert", "--from", form, "--to", "json", name, cwd=folder)
    wanted = folder / "expect.json"
    if wanted.exists():
        if got.returncode != 0 or got.stdout != wanted.read_bytes():
            fail(folder.name, f"exit {got.returncode}, {got.stdout!r}")
        check_json(folder.name, got.stdout)
        return
    lines = (folder / "expect.error").read_bytes().splitlines()
    said = b"".join(name.encode() + b":" + line + b"\n" for line in lines)
    if (got.returncode, got.stdout, got.stderr) != (2, b"", said):
        fail(folder.name, f"exit {got.returncode}, {got.stderr!r}")


def check_example(file):
    lint = run("lint", file)
    if lint.returncode != 0:
        fail(file.name, lint.stdout.decode())
    got = run("convert", "--to", "json", file)
    if got.returncode != 0:
        fail(file.name, got.stderr.decode())
    else:
        check_json(file.name, got.stdout)


cases = sorted(p.parent for p in here.glob("*/in.*"))
for case in cases:
    check_case(case)
maps = sorted(pathlib.Path(examples).glob("derp*.yaml"))
maps += sorted(pathlib.Path(examples).glob("derp*.json"))
for example in maps:
    check_example(example)
print(f"{len(cases)} cases, {len(maps)} examples, {failures} failures")
sys.exit(failures > 0 or len(cases) < 400 or len(maps) < 2)
