#!/usr/bin/env python3
"""Maps as people have them, through lint and convert: run.py DERPMAP.

A case is a folder with in.EXT and
  lint     what lint finds, with -v: "SEVERITY RULE LINE:COLUMN MESSAGE", below
           it "  fix: FIX" where there is one. Other information than notes is
           left out.
  convert  what convert --to headscale does: its exit status, then what it says
           on standard error, then the map it writes.
With --write the two are written anew, to be read before they are kept.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
NOTES = {"P33", "P22"}


def run(derpmap, folder, *args):
    return subprocess.run([derpmap, *args], cwd=folder, capture_output=True,
                          text=True, timeout=60, check=False)


def lint(derpmap, folder, name):
    result = run(derpmap, folder, "lint", "--format", "json", name)
    lines = []
    for f in json.loads(result.stdout)["findings"]:
        if f["severity"] == "info" and f["rule"] not in NOTES:
            continue
        lines.append(f"{f['severity']} {f['rule']} {f['line']}:{f['column']} "
                     f"{f['message']}")
        if "fix" in f:
            lines.append(f"  fix: {f['fix']}")
    return "".join(line + "\n" for line in lines)


def convert(derpmap, folder, name):
    result = run(derpmap, folder, "convert", "--to", "headscale", name)
    return f"{result.returncode}\n{result.stderr}{result.stdout}"


def main():
    derpmap, write = str(pathlib.Path(sys.argv[1]).resolve()), "--write" in sys.argv
    cases = sorted(HERE.glob("*/in.*"))
    failures = 0
    for file in cases:
        for what, get in ("lint", lint), ("convert", convert):
            wanted, got = file.parent / what, get(derpmap, file.parent,
                                                  file.name)
            if write:
                wanted.write_text(got, encoding="utf-8")
            elif wanted.read_text(encoding="utf-8") != got:
                failures += 1
                print(f"{file.parent.name}: {what} gives\n{got}")
    print(f"{len(cases)} files, {failures} failures")
    return 1 if failures or len(cases) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
