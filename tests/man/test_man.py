"""The manual pages: well-formed, and with every command and option of the help.

    test_man.py BIN    BIN is the folder with the programs
"""

import json
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


def arguments_of(program, command):
    """Each option with what its value is called, as the help has them."""
    found = re.findall(r"^  -(\S+)(?: (\S+))?$", help_of(program, command, "-h"), re.M)
    return set(found)


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
        self.assertIn("nodes", options_of("derpverify", "check"))
        for command in commands:
            with self.subTest(command):
                for macro in ("Ss", "Cm"):  # its section, and the synopsis
                    self.assertTrue(re.search(rf"(?m)^\.{macro} {command}$", text), macro)
                options = options_of("derpverify", command)
                self.assertTrue(options or command == "completion")
                found = set(re.findall(r"Fl ([a-z0-9-]+)", text))
                self.assertEqual(set(options) - found, set())

    def sections(self, name):
        """The subsections of a page, by title."""
        parts = re.split(r"(?m)^\.S[hs] (.*)$", self.page(name))
        return dict(zip(parts[1::2], parts[2::2]))

    def test_each_command_has_its_options_with_their_values(self):
        """Both ways: what the help has is in the page, and nothing else is."""
        sections = self.sections("derpmap.1")
        commands = commands_of("derpmap")
        self.assertGreaterEqual(len(commands), 9)
        for command in commands:
            with self.subTest(command):
                self.assertIn(f".Cm {command}\n", sections["SYNOPSIS"])
                found = re.findall(
                    r"^\.It Fl (\S+)(?: Ar (\S+))?$", sections[command], re.M
                )
                self.assertEqual(len(found), len(set(found)))
                self.assertEqual(set(found), arguments_of("derpmap", command))

    def test_each_key_of_a_map_is_described(self):
        """What the schema of the file has, and nothing else."""
        path = os.path.join(PAGES, "../schemas/headscale-derp.schema.json")
        with open(path, encoding="utf-8") as f:
            schema = json.load(f)
        sections = self.sections("derp.yaml.5")
        for title, properties in (
            ("The map", schema["properties"]),
            ("A region", schema["$defs"]["region"]["properties"]),
            ("A node", schema["$defs"]["node"]["properties"]),
        ):
            with self.subTest(title):
                items = re.findall(r"^\.It Va (.*)$", sections[title], re.M)
                self.assertEqual(set(" , ".join(items).split(" , ")), set(properties))

    def test_each_key_of_an_admission_file_is_described(self):
        path = os.path.join(PAGES, "../schemas/verify-config.schema.json")
        with open(path, encoding="utf-8") as f:
            schema = json.load(f)
        sections = self.sections("derper-verify.5")
        for title, properties in (
            ("The file", schema["properties"]),
            ("A source", schema["$defs"]["source"]["properties"]),
        ):
            with self.subTest(title):
                items = re.findall(r"^\.It Va (.*)$", sections[title], re.M)
                self.assertEqual(set(items), set(properties))

    def test_each_flag_of_the_relay_is_described(self):
        """Both ways, and with a value where it takes one."""
        flags = re.findall(r"^  -(\S+)( \S+)?$", help_of("derper", "-h"), re.M)
        self.assertIn("hostname", [name for name, _ in flags])
        # those of its commands are in a section of their own
        text = re.sub(r"(?ms)^\.Sh COMMANDS$.*?(?=^\.Sh )", "", self.page("derper.8"))
        items = re.findall(r"^\.It Fl (\S+)( Ar \S+)?$", text, re.M)
        self.assertEqual(len(items), len(set(items)))
        self.assertEqual(
            {(name, bool(value)) for name, value in items},
            {(name, bool(value)) for name, value in flags},
        )

    def test_each_command_of_the_relay_is_described(self):
        listed = help_of("derper", "help").split("commands:\n")[1].split("\n\n")[0]
        commands = re.findall(r"^  (\w+) ", listed, re.M)
        self.assertIn("drain", commands)
        text = re.search(r"(?ms)^\.Sh COMMANDS$.*?(?=^\.Sh )", self.page("derper.8")).group()
        self.assertEqual(
            set(re.findall(r"^\.It Cm (\w+)", text, re.M)), set(commands)
        )
        options = {x for c in commands for x in options_of("derper", c)}
        self.assertEqual(set(re.findall(r"Fl -([a-z-]+)", text)), options)

    def test_nothing_is_in_a_page_that_is_not_in_the_help(self):
        options = {"-version"}
        for command in commands_of("derpverify"):
            options.update(options_of("derpverify", command))
        found = set(re.findall(r"Fl ([a-z0-9-]+)", self.page("derpverify.1")))
        self.assertEqual(found - options, set())


if __name__ == "__main__":
    unittest.main()
