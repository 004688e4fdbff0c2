"""--version of the three programs, and what cmake/version.cmake makes of a tree.

    test_version.py BIN VERSION    BIN is the folder with the programs
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN, VERSION = sys.argv[1:3]
PROGRAMS = "derper", "derpmap", "derpverify"


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                          check=False, **options)
    return done.returncode, done.stdout, done.stderr


class Programs(unittest.TestCase):
    def test_all_say_the_same(self):
        seen = set()
        for program in PROGRAMS:
            for option in "--version", "-version":
                status, out, err = run(os.path.join(BIN, program), option)
                self.assertEqual((status, err), (0, ""))
                self.assertRegex(
                    out, rf"\A{program} {VERSION}( \([0-9a-f]+(-dirty)?\))?\n\Z")
                seen.add(out.split(" ", 1)[1])
        self.assertEqual(len(seen), 1, seen)


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = pathlib.Path(folder.name) / "tree"
        self.tree.mkdir()
        self.out = pathlib.Path(folder.name) / "version.c"

    def made(self, commit="", path=os.environ["PATH"]):
        done = run(shutil.which("cmake"), f"-DIN={ROOT}/lib/cli/version.c.in",
                   f"-DOUT={self.out}", f"-DSOURCE={self.tree}",
                   "-DVERSION=1.2.3", f"-DCOMMIT={commit}", "-P",
                   f"{ROOT}/cmake/version.cmake", env={"PATH": path})
        self.assertEqual(done, (0, "", ""))
        return self.out.read_text().split('"')[-2]

    def git(self, *words):
        name = "-c", "user.name=x", "-c", "user.email=x@example.org"
        done = run("git", *name, "-C", str(self.tree), *words)
        self.assertEqual(done[0], 0, done)
        return done[1].strip()

    def test_nothing_is_known(self):
        self.assertEqual(self.made(), "1.2.3")

    def test_what_the_builder_says_comes_first(self):
        (self.tree / ".commit").write_text("0123456789abcdef" * 2 + "01234567\n")
        self.assertEqual(self.made("abc"), "1.2.3 (abc)")

    def test_an_archive(self):
        (self.tree / ".commit").write_text("0123456789abcdef" * 2 + "01234567\n")
        self.assertEqual(self.made(), "1.2.3 (0123456789ab)")
        (self.tree / ".commit").write_text("0123456789abcdef-dirty\n")
        self.assertEqual(self.made(), "1.2.3 (0123456789ab-dirty)")
        (self.tree / ".commit").write_text("nonsense\n")
        self.assertEqual(self.made(), "1.2.3")

    def test_a_copy_without_git(self):
        shutil.copy(ROOT / ".commit", self.tree)
        if "Format" in (ROOT / ".commit").read_text():
            self.assertEqual(self.made(), "1.2.3")

    @unittest.skipUnless(shutil.which("git"), "there is no git")
    def test_a_checkout(self):
        self.git("init", "-q")
        (self.tree / "file").write_text("1")
        self.git("add", "file")
        self.git("commit", "-q", "-m", "x")
        head = self.git("rev-parse", "--short=12", "HEAD")
        self.assertEqual(self.made(), f"1.2.3 ({head})")
        (self.tree / "untracked").write_text("1")
        self.assertEqual(self.made(), f"1.2.3 ({head})")
        # and without git in it, or with one that has no commit
        self.assertEqual(self.made(path="/nowhere"), "1.2.3")
        (self.tree / "file").write_text("2")
        self.assertEqual(self.made(), f"1.2.3 ({head}-dirty)")

    @unittest.skipUnless(shutil.which("git"), "there is no git")
    def test_a_folder_in_another_checkout(self):
        """What is unpacked within someone's checkout has not their commit."""
        self.git("init", "-q")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        self.tree = self.tree / "inner"
        self.tree.mkdir()
        self.assertEqual(self.made(), "1.2.3")

    def test_it_is_written_only_when_it_changes(self):
        self.made("abc")
        os.utime(self.out, (1, 1))
        self.made("abc")
        self.assertEqual(self.out.stat().st_mtime, 1)
        self.made("abd")
        self.assertNotEqual(self.out.stat().st_mtime, 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
