#!/usr/bin/env python3
"""The systemd units: nothing in them that systemd does not know, and little
that is left open to a program that has been taken over.

  test_units.py FOLDER-OF-PROGRAMS
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
UNITS = os.path.join(HERE, "..", "systemd")
EXPOSURE = 15  # tenths, of 100
PROGRAMS = sys.argv.pop() if len(sys.argv) > 1 else "/usr/bin"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def units(*kinds):
    return sorted(p for kind in kinds for p in glob.glob(f"{UNITS}/*.{kind}"))


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class Analyze(unittest.TestCase):
    def test_verify_is_silent(self):
        with tempfile.TemporaryDirectory(prefix="derpkit-") as folder:
            copies = []
            for path in units("service", "socket", "timer"):
                text = read(path).replace("/usr/bin/derp", PROGRAMS + "/derp")
                copies.append(os.path.join(folder, os.path.basename(path)))
                with open(copies[-1], "w", encoding="utf-8") as f:
                    f.write(text)
            self.assertGreater(len(copies), 8)
            done = run("systemd-analyze", "verify", "--man=no", *copies)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_little_is_exposed(self):
        self.assertEqual(len(units("service")), 4)
        for path in units("service"):
            done = run(
                "systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", path
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Files(unittest.TestCase):
    def test_every_credential_has_one_spelling(self):
        """What the settings name is what the unit loads."""
        for program in ("derper", "derpverify"):
            loaded = re.findall(r"^LoadCredential=(.+)$", read(f"{UNITS}/{program}.service"), re.M)
            named = re.findall(
                rf"/run/credentials/{program}\.service/([a-z.-]+)", read(f"{UNITS}/{program}.default")
            )
            self.assertTrue(named)
            self.assertEqual(set(named) - set(loaded), set())

    def test_settings_name_flags_that_are_there(self):
        """Each variable of the settings is one that the relay reads."""
        known = run(os.path.join(PROGRAMS, "derper"), "-h")
        text = known.stdout + known.stderr
        for name in re.findall(r"^#?(DERP_[A-Z_]+)=", read(f"{UNITS}/derper.default"), re.M):
            self.assertIn(name, text)


if __name__ == "__main__":
    unittest.main()
