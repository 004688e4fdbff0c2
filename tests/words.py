#!/usr/bin/env python3
"""Checks the words of the sources; run by `make lint`.

  words.py [--root DIR]

The project says things as RFCs, man pages and other servers do. Words that it
once had of its own, or that make a reader stop, are listed here with what to
write instead; only words that cannot mean anything else are.

Exit status: 0 clean, 1 findings.
"""

import argparse
import os
import re
import subprocess
import sys

# What is not to be said, what to say instead.
WORDS = [
    (r"strangers?", "unauthenticated client, unknown key"),
    (r"goodbyes?", "shutdown, close_notify"),
    (r"hand[_ -]?overs?", "crossing, message batch"),
    (r"intakes?", "input"),
    (r"starved", "out of file descriptors"),
    (r"twins?", "duplicates"),
    (r"remarks?", "diagnostic"),
    (r"taken for", "read as"),
    (r"refused by name", "rejected with an explicit error"),
    (r"connections at a time", "concurrent connections"),
    (r"(?<!there )(?<!where )is no (?!longer\b|more\b|less\b|such\b|other\b)[a-z]\w*",
     "is not a"),
]

# Only what users of the programs read: tests may speak of a crowd.
PROGRAM_WORDS = [(r"crowds?", "many connections")]
PROGRAMS = ("derper/", "derpmap/", "lib/", "verify/", "README.md",
            "docs/")

SUFFIXES = (".c", ".h", ".py", ".sh", ".md", ".txt")
# This list, and the cases of tests, which hold what others write.
EXCEPT = ("tests/words.py", "tests/test_words.py")
CASES = ("tests/convert/", "tests/lint/", "tests/fuzz/corpus/")


def compiled(words):
    """A word may be a part of an identifier, but not of another word."""
    return [(re.compile(rf"(?<![A-Za-z]){word}(?![A-Za-z])", re.I), instead)
            for word, instead in words]


ALL = compiled(WORDS)
IN_PROGRAMS = compiled(PROGRAM_WORDS)


def findings(path, text):
    rules = ALL + (IN_PROGRAMS if path.startswith(PROGRAMS) else [])
    return [
        f'{path}:{number}: "{match.group()}": {instead}'
        for number, line in enumerate(text.split("\n"), 1)
        for rule, instead in rules
        for match in rule.finditer(line)
    ]


def is_checked(path):
    is_case = path.startswith(CASES) and not path.endswith(".py")
    return path.endswith(SUFFIXES) and path not in EXCEPT and not is_case


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description="Checks the words.")
    parser.add_argument("--root", default=here)
    root = parser.parse_args().root
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root,
                          stdout=subprocess.PIPE, check=True)
    found = []
    for path in filter(is_checked, done.stdout.decode().split("\0")):
        with open(os.path.join(root, path), encoding="utf-8") as f:
            found += findings(path, f.read())
    for line in found:
        print(line, file=sys.stderr)
    if found:
        print(f"words: {len(found)} findings", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
