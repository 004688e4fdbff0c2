#!/usr/bin/env python3
"""The table of the Go derper's flags in docs/migrate.md, against the programs' own help."""

import os
import re
import shutil
import subprocess
import unittest

from relaytest import DERPER, clean_env, ours_only

HERE = os.path.dirname(os.path.abspath(__file__))
GO = os.path.join(os.environ.get("DERPKIT_PEERS", os.path.join(HERE, "../../build/peers")), "derper")


def flags_of(program):
    done = subprocess.run([program, "-h"], capture_output=True, text=True, env=clean_env(), timeout=60)
    return set(re.findall(r"^  -([a-z][a-z0-9-]*)", done.stdout + done.stderr, re.M))


def table():
    """Flags by the cell that tells about them."""
    with open(os.path.join(HERE, "../../docs/migrate.md"), encoding="utf-8") as f:
        text = f.read().split("## Flags of the Go derper\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", text, re.M)
    return {flag: cell for flags, cell in rows for flag in re.findall(r"`([a-z0-9-]+)`", flags)}


@ours_only
class Table(unittest.TestCase):
    def test_ours_knows_all_of_them(self):
        self.assertGreater(len(table()), 30)
        self.assertEqual(set(table()) - flags_of(DERPER), set())

    def test_what_is_refused_says_why(self):
        self.assertTrue(table()["secrets-url"].startswith("refused"))
        done = subprocess.run(
            [DERPER, "-dev", "-secrets-url=https://h.example"],
            capture_output=True, text=True, env=clean_env(), timeout=60,
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("name it with -mesh-psk-file", done.stderr)

    @unittest.skipUnless(shutil.which(GO), "the Go derper is not built (tests/interop/build-peers.sh)")
    def test_the_go_derper_has_no_other(self):
        self.assertEqual(flags_of(GO) ^ set(table()), set())


if __name__ == "__main__":
    unittest.main()
