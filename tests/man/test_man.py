"""The manual pages: well-formed, and with every command and option of the help.

    test_man.py BIN    BIN is the folder with the programs
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

PAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../man")
BIN = sys.argv.pop(1) if len(sys.argv) > 1 else "build/bin"


def help_of(program, *words):
    done = subprocess.run(
        [os.path.join(BIN, program), *words], capture_output=True, text=True, timeout=60
    )
    return done.stdout + done.stderr


def commands_of(program):
    listed = help_of(program, "-h").split("commands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  (\w+) ", listed, re.M)


def options_of(program, command):
    return re.findall(r"^  -([a-z0-9][a-z0-9-]*)", help_of(program, command, "-h"), re.M)


class Page(unittest.TestCase):
    """A page without its markup."""

    def page(self, name):
        with open(os.path.join(PAGES, name), encoding="utf-8") as f:
            return f.read()

    def all_pages(self):
        pages = sorted(x for x in os.listdir(PAGES) if re.search(r"\.[1-8]$", x))
        self.assertTrue(pages)
        return pages

    @unittest.skipUnless(shutil.which("mandoc"), "there is no mandoc")
    def test_they_are_well_formed(self):
        for name in self.all_pages():
            with self.subTest(name):
                done = subprocess.run(
                    ["mandoc", "-T", "lint", "-W", "style", os.path.join(PAGES, name)],
                    capture_output=True,
                    text=True,
                )
                # pages of others that this machine has not installed
                left = [x for x in done.stdout.splitlines() if "referenced manual" not in x]
                self.assertEqual(left, [])

    def test_commands_and_options(self):
        text = self.page("derpverify.1")
        commands = commands_of("derpverify")
        self.assertIn("check", commands)
        for command in commands:
            with self.subTest(command):
                self.assertRegex(text, rf"(?m)^\.Ss {command}$")
                self.assertRegex(text, rf"(?m)^\.Cm {command}$")
                options = options_of("derpverify", command)
                self.assertTrue(options)
                found = set(re.findall(r"Fl ([a-z0-9-]+)", text))
                self.assertEqual(set(options) - found, set())

    def test_nothing_is_in_a_page_that_is_not_in_the_help(self):
        options = {"-version"}
        for command in commands_of("derpverify"):
            options.update(options_of("derpverify", command))
        found = set(re.findall(r"Fl ([a-z0-9-]+)", self.page("derpverify.1")))
        self.assertEqual(found - options, set())


if __name__ == "__main__":
    unittest.main()
