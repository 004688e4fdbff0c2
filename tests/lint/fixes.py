#!/usr/bin/env python3
"""Tests `derpmap lint --fix`: fixes.py DERPMAP.

What each rule's edit makes of a text, byte for byte; over the maps of all
cases and over 1,000 mutated ones: fixing twice changes nothing, no file has
more findings, and every line that was good is still there, in its order, with
its comment and its line end.
"""

import collections
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import unittest

DERPMAP = str(pathlib.Path(sys.argv.pop(1)).resolve())
CASES = pathlib.Path(__file__).resolve().parent
SEED = 20
BASE = """\
# map %d
regions:
  900: # one
    regionid: 900 # id
    regioncode: "home" # code
    regionname: "Home of\tall" # name

    nodes: # list
      - name: 900a # first
        regionid: 900 # its
        hostname: derp1.home.arpa # host
        ipv4: 8.8.4.4 # four
        ipv6: "2a01:4f8::1" # six
        derpport: 443 # port
        stunport: 3478 # stun
        canport80: true # eighty
  901: {regionid: 901, regioncode: other, nodes: [{name: 901a, regionid: 901,
    hostname: derp2.home.arpa, ipv4: 8.8.8.8}]} # flow
# end
"""
# What is written instead of a line's part, one line each.
MUTATIONS = [
    ("    regionid: 900", "    regionid: 9000"), ("    regionid: 900 # id\n", ""),
    ("        regionid: 900", "        regionid: 0"),
    ("        regionid: 900 # its\n", ""), ("regioncode:", "RegionCode:"),
    ("        hostname:", "        HostName:"), ('"home"', "no"),
    ("        regionid: 900", "        region_id: 900"),
    ("derp1.home.arpa", "https://derp1.home.arpa"),
    ("derp1.home.arpa", "derp1.home.arpa:8443"),
    ("derp1.home.arpa", '"Derp1.Home.arpa"'), ("8.8.4.4", '"[8.8.4.4]"'),
    ("8.8.4.4", "8.8.4.4/32"), ("8.8.4.4", "NONE"),
    ('ipv4: 8.8.4.4', "ipv6: 8.8.4.4"), ('"2a01:4f8::1"', "'[2a01:4f8::1]'"),
    ("derpport: 443", 'derpport: "443"'), ("derpport: 443", "derpport: 0443"),
    ("derpport: 443", "derpport: 0x1bb"), ("stunport: 3478", "stunport: 3_478"),
    ("canport80: true", "canport80: yes"), ("canport80: true", "canport80: 1"),
    ("canport80: true", 'canport80: "true"'), ("  900:", '  "900":'),
    ("    nodes: # list\n", "    nodes: # list\n      -\n"),
    ("    regioncode", "    avoid: true\n    regioncode"),
    ("  901: {regionid: 901, ", "  901: {regionid:901, "),
    ("  901: {regionid: 901, ", "  901: {"), ("name: 901a, ", ""),
    ("      - name: 900a # first\n        regionid", "      - regionid"),
    ("    regioncode", "    certname: x\n    regioncode"), ("{name", "{ name"),
    ("nodes: #", "nodes: [] #"), ("8.8.8.8", "1.2.3.4"), ("# map", "regions: #"),
]


def run(*args):
    return subprocess.run([DERPMAP, "lint", "--no-config", *map(str, args)],
                          capture_output=True, timeout=300, check=False)


def count(files):
    """File to number of findings, severities from the worst on, and whether
    its syntax is good."""
    result = run("--format", "json", "--level", "info", *files)
    found = collections.defaultdict(collections.Counter)
    for f in json.loads(result.stdout)["findings"]:
        found[f["file"]][f["severity"]] += 1
        found[f["file"]]["syntax"] += f["rule"] in ("P00", "P23")
    return {str(file): ([found[str(file)][s] for s in
                         ("error", "warning", "info")],
                        found[str(file)]["syntax"] == 0) for file in files}


def apply_patch(old, patch):
    """What `patch` would make of the bytes."""
    lines, out, at = re.findall(rb"[^\n]*\n|[^\n]+", old), [], 0
    parts = re.findall(rb"[^\n]*\n", patch)
    index = 2
    while index < len(parts):
        head = re.match(rb"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@\n",
                        parts[index])
        assert head, parts[index]
        start = int(head[1]) - (head[2] != b"0")
        out += lines[at:start]
        at, index = start, index + 1
        while index < len(parts) and not parts[index].startswith(b"@@"):
            sign, line = parts[index][:1], parts[index][1:]
            index += 1
            if index < len(parts) and parts[index].startswith(b"\\"):
                line, index = line[:-1], index + 1
            if sign in b" -":
                assert lines[at] == line, (lines[at], line)
                at += 1
            if sign in b" +":
                out.append(line)
    return b"".join(out + lines[at:])


class Fixes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def fix(self, text, *args, name="map.yaml"):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        result = run("--fix", *args, path)
        self.assertLess(result.returncode, 2, result.stderr)
        return path.read_bytes().decode()

    def node(self, before, after, *args):
        """A line of a node becomes another; all else stays."""
        text = BASE % 1 + "  902:\n    regionid: 902\n    nodes:\n" \
            "      - name: 902a\n        regionid: 902\n%s" \
            "        # after\n"
        if "hostname" not in before.lower():
            before, after = (x + "        hostname: a.home.arpa\n"
                             for x in (before, after))
        self.assertEqual(self.fix(text % before, *args), text % after)

    def test_values(self):
        for rule, before, after in (
                ("P06", 'derpport: "8443"', "derpport: 8443"),
                ("P08", "derpport: 08443", "derpport: 8443"),
                ("P07", "derpport: 0443 # x", "derpport: 443 # x"),
                ("P08", "derpport: 0x20FB", "derpport: 8443"),
                ("P08", "stunport: 3478.5", "stunport: 3478"),
                ("P09", "canport80: off", "canport80: false"),
                ("P10", "canport80: 'False'", "canport80: false"),
                ("P28", "stunport: none # x", "stunport: -1 # x"),
                ("P28", "stunport: 'Off'", "stunport: -1"),
                ("P28", "stunport: false", "stunport: -1"),
                ("P28", "stunport: default", "stunport: default"),
                ("P28", "derpport: none", "derpport: none"),
                ("A05", "ipv4: ' 8.8.1.1'", "ipv4: '8.8.1.1'"),
                ("A05", "ipv6: '[2a01::9]'", "ipv6: '2a01::9'"),
                ("A05", "ipv6: 2a01::9%eth0", 'ipv6: "2a01::9"'),
                ("A02", "ipv6: 8.8.1.1", "ipv4: 8.8.1.1"),
                ("A03", 'ipv6: "None"', 'ipv6: "none"'),
                ("N10", "hostname: DERP.home.arpa", "hostname: derp.home.arpa"),
                ("N07", "hostname: 'https://a.home.arpa/x'",
                 "hostname: 'a.home.arpa'"),
                ("N07", "hostname: http://8.8.9.9", "hostname: 8.8.9.9"),
                ("N09", "hostname: a.home.arpa/derp", "hostname: a.home.arpa"),
                ("P01", "HostName: a.home.arpa", "hostname: a.home.arpa"),
                ("P01", "STUN_Port: 3479\n        hostname: a.home.arpa",
                 "stunport: 3479\n        hostname: a.home.arpa"),
                ("T05", "certname: SHA256:" + 32 * "AB:",
                 'certname: "sha256-raw:' + 64 * "x" + '"')):
            if rule == "T05":
                before = before[:-1]
                after = after.replace(64 * "x", 32 * "ab")
            with self.subTest(before):
                self.node(f"        {before}\n", f"        {after}\n",
                          "--select", rule)

    def test_port_goes_where_it_belongs(self):
        text = ("regions: {900: {regionid: 900, nodes: [{name: 900a, regionid:"
                " 900, hostname: 'a.home.arpa:%s'%s}]}}\n")
        self.assertIn("{derpport: 8443, name: 900a, regionid: 900, hostname: "
                      "'a.home.arpa'}", self.fix(text % ("8443", "")))
        self.assertIn("900, hostname: 'a.home.arpa'}",
                      self.fix(text % ("443", "")))
        other = text % ("8443", ", derpport: 8444")
        self.assertEqual(self.fix(other), other)

    def test_a_dash_before_each_key(self):
        text = ("regions:\r\n  900:\r\n    regionid: 900\r\n    nodes:\r\n"
                "      - name: 900a # n\r\n      %s hostname: a.home.arpa\r\n"
                "      # one\r\n      %s regionid: 900\r\n")
        self.assertEqual(self.fix(text % ("-", "-")), text % (" ", " "))
        other = text % ("-", "- ")  # its keys are not in one column
        self.assertEqual(self.fix(other), other)

    def test_members_are_added_in_the_style_of_the_mapping(self):
        text = ("regions:\r\n  900:\r\n    # first\r\n    nodes:\r\n"
                "      - name: 900a # n\r\n        hostname: a.home.arpa\r\n"
                "      - hostname: b.home.arpa")
        self.assertEqual(self.fix(text), (
            "regions:\r\n  900:\r\n    # first\r\n    regionid: 900\r\n"
            "    nodes:\r\n      - name: 900a # n\r\n        regionid: 900\r\n"
            "        hostname: a.home.arpa\r\n      - name: 900b\r\n"
            "        regionid: 900\r\n        hostname: b.home.arpa"))
        text = ('{"Regions": {"900": {\n\t"Nodes": [\n\t\t{"HostName": '
                '"a.home.arpa"}\n\t]\n}}}')
        self.assertEqual(self.fix(text, name="map.json"), (
            '{"Regions": {"900": {\n\t"RegionID": 900,\n\t"Nodes": [\n\t\t'
            '{"Name": "900a", "RegionID": 900, "HostName": "a.home.arpa"}'
            '\n\t]\n}}}'))

    def test_lines_and_characters(self):
        good = BASE % 2
        self.assertEqual(self.fix(b"\xef\xbb\xbf" + good.encode()), good)
        self.assertEqual(self.fix(good.replace("# list\n",
                                               "# list\n      - # none\n")),
                         good.replace("# list\n", "# list\n      - # none\n"))
        self.assertEqual(self.fix(good.replace("# list\n",
                                               "# list\n      -  null \n")),
                         good)

        self.assertEqual(self.fix(good.replace("  900:", '  "900":')), good)

    def test_what_is_shared_is_left_alone(self):
        for text in ("regions:\n  900: &r\n    regionid: 900\n    nodes:\n"
                     "      - {name: 900a, regionid: 900, hostname: x.arpa}\n"
                     "  901: *r\n",
                     "x: &p {regionid: 901}\nregions:\n  900:\n    <<: *p\n"
                     "    nodes: [{name: 900a, <<: *p, hostname: x.arpa}]\n"):
            self.assertEqual(self.fix(text), text)

    def test_only_what_is_wanted(self):
        text = BASE.replace("true # eighty", "yes").replace("8.8.4.4", "NONE")
        self.assertIn("yes", self.fix(text, "--ignore", "P09"))
        self.assertIn("NONE", self.fix(text, "--select", "P09"))
        kept = text.replace("yes", "yes # derpmap: ignore=P09 they like it")
        self.assertIn("yes #", self.fix(kept))
        self.assertIn("none", self.fix(kept))

    def test_dry_run_prints_a_patch(self):
        files = []
        for i, (old, new) in enumerate(MUTATIONS):
            files.append(self.folder / f"{i}.yaml")
            text = (BASE % i).replace(old, new)
            if i % 2:
                text = text.rstrip("\n").replace(" # end", "")
            files[-1].write_bytes(text.encode())
        before = [file.read_bytes() for file in files]
        patches = [run("--fix", "--dry-run", file) for file in files]
        self.assertEqual([file.read_bytes() for file in files], before)
        run("--fix", *files)
        changed = 0
        for file, old, patch in zip(files, before, patches):
            new = file.read_bytes()
            changed += new != old
            self.assertEqual(patch.returncode, int(new != old))
            self.assertEqual(apply_patch(old, patch.stdout), new)
        self.assertGreater(changed, 25)

    def test_tells_what_was_fixed_and_what_is_left(self):
        """What comes to light only when a key is right is left, not less that
        was fixed."""
        path = self.folder / "map.yaml"
        path.write_text(
            "Regions:\n  900:\n    regionid: 900\n    regioncode: a\n"
            "    regionname: A\n    nodes:\n      - {name: 900a, "
            "hostname: A.home.arpa, ipv4: 8.8.1.1/24, ipv6: None}\n"
            "      - {name: 900b, regionid: 900, hostname: b.home.arpa}\n")
        said = ("5 findings %s: P01, N01, N10, A05, A03; left: 1 warning, "
                "5 infos\n")
        result = run("--fix", "--dry-run", path)
        self.assertEqual(result.stderr.decode(),
                         f"{path}: {said % 'can be fixed'}")
        result = run("--fix", path)
        self.assertEqual(result.stderr.decode(), f"{path}: {said % 'fixed'}"
                         "1 file: 1 warning, 5 infos\n")
        path.write_text("regions: {900: {regionid: 900, nodes: [{name: "
                        "900a, regionid: 900, ipv4: None, hostname: "
                        "b.home.arpa}]}}\n")
        result = run("--fix", "--select", "A03", path)
        self.assertEqual(result.stderr.decode(), f"{path}: 1 finding fixed: "
                         "A03; nothing is left\n1 file: no findings\n")

    def test_standard_input_needs_dry_run(self):
        self.assertEqual(run("--fix", "-").returncode, 2)
        self.assertEqual(run("--dry-run", self.folder).returncode, 2)

    def test_syntax_is_fixed_whatever_comes_to_light(self):
        """Slip after slip, though each text that can be read has more
        findings than the one before."""
        text = ("regions:\n  900:\n    regionid:900\n    regionname: My: "
                "relay\n    nodes:\n      -name: 900a\n        regionid: 900\n"
                "        hostname: a_b.home.arpa\n        ipv4: 10.0.0.1\n"
                "      - {name: 900a, regionid: 5, hostname: x:1}\n")
        fixed = self.fix(text)
        for part in ("regionid: 900\n", 'regionname: "My: relay"\n',
                     "- name: 900a\n"):
            self.assertIn(part, fixed)
        found = json.loads(run("--format", "json", self.folder / "map.yaml"
                               ).stdout)["findings"]
        self.assertGreater(len(found), 3)
        self.assertNotIn("P00", {f["rule"] for f in found})

    def test_only_regular_files_are_fixed(self):
        fifo = self.folder / "fifo.yaml"
        os.mkfifo(fifo)
        link = self.folder / "link.yaml"
        link.symlink_to(fifo)
        loop = self.folder / "loop.yaml"
        loop.symlink_to(loop)
        for file, why in ((fifo, b"not a regular file"),
                          (link, b"not a regular file"),
                          ("/dev/null", b"not a regular file"),
                          (loop, b"Too many levels of symbolic links")):
            result = run("--fix", file)
            self.assertEqual(result.returncode, 2, file)
            self.assertIn(why, result.stderr)

    def check_all(self, files):
        """Fixes the files; returns those that were changed."""
        old = {file: file.read_bytes() for file in files}
        before = count(files)
        self.assertLess(run("--fix", *files).returncode, 2)
        fixed = {file: file.read_bytes() for file in files}
        after = count(files)
        self.assertLess(run("--fix", *files).returncode, 2)
        for file in files:
            self.assertEqual(file.read_bytes(), fixed[file], file)
            (was, read), (now, reads) = before[str(file)], after[str(file)]
            self.assertGreaterEqual(reads, read, file)
            if not read:
                continue  # what comes to light was there before
            self.assertLessEqual(sum(now), sum(was), file)
            if fixed[file] != old[file]:
                self.assertLess(now, was, file)
        return [file for file in files if fixed[file] != old[file]]

    def test_every_case(self):
        files = []
        for case in sorted(CASES.glob("*/*/map.*")):
            files.append(self.folder / "-".join(case.parts[-3:]))
            files[-1].write_bytes(case.read_bytes())
        changed = self.check_all(files)
        rules = {file.name[:3] for file in changed}
        self.assertLessEqual(
            {"P00", "P01", "P02", "P06", "P07", "P08", "P09", "P10", "P14",
             "P19", "P21", "P27", "P28", "P34", "R01", "R02", "R14", "N01", "N02", "N04",
             "N07", "N08", "N09", "N10", "A05", "A02", "A03", "T05"}, rules)

    def test_a_thousand_mutated_maps(self):
        dice = random.Random(SEED)
        files, good = [], {}
        for i in range(1000):
            text = BASE % i
            kept = set(text.splitlines(keepends=True))
            for old, new in dice.sample(MUTATIONS, dice.randint(1, 6)):
                if text.count(old) != 1 and old not in text:
                    continue
                text = text.replace(old, new, 1)
                kept &= set(text.splitlines(keepends=True))
            end = dice.choice(["\n", "\r\n"])
            files.append(self.folder / f"{i}.yaml")
            files[-1].write_bytes(text.replace("\n", end).encode())
            good[files[-1]] = [line.replace("\n", end).encode()
                               for line in text.splitlines(keepends=True)
                               if line in kept]
        changed = self.check_all(files)
        self.assertGreater(len(changed), 700)
        for file in changed:
            rest = iter(file.read_bytes().splitlines(keepends=True))
            for line in good[file]:
                # flow lines are good in parts
                self.assertTrue(b"{" in line or b"hostname: derp2" in line or
                                line in rest, (file, line))


if __name__ == "__main__":
    unittest.main()
