#!/usr/bin/env python3
"""Tests `derpmap lint` as a command: command.py DERPMAP SCHEMA.

Exit status, forms, streams, what a terminal gets; that nothing refused lints
clean, over the cases of tests/convert; that what generate writes lints clean.
"""

import itertools
import json
import os
import pathlib
import pty
import resource
import subprocess
import sys
import tempfile
import time
import unittest

import jsonschema

DERPMAP, SCHEMA = sys.argv.pop(1), sys.argv.pop(1)
CONVERT = pathlib.Path(__file__).resolve().parent.parent / "convert"
GOOD = """\
regions:
  900:
    regionid: 900
    regioncode: home
    regionname: Home
    nodes:
      - name: 900a
        regionid: 900
        hostname: derp.home.arpa
        ipv4: 127.0.0.1
"""
BAD = GOOD.replace("        regionid: 900\n", "")


def run(*args, text=None, env=None):
    return subprocess.run([DERPMAP, *map(str, args)], input=text,
                          capture_output=True, text=True, timeout=60,
                          env=env, check=False)


def findings(*args, text=None):
    result = run("lint", "--format", "json", *args, text=text)
    report = json.loads(result.stdout)
    with open(SCHEMA, encoding="utf-8") as file:
        jsonschema.validate(report, json.load(file))
    return result.returncode, report["findings"]


class Command(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, text):
        path = pathlib.Path(self.folder.name) / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def test_infos_leave_status_0(self):
        status, found = findings(self.file("a.yaml", GOOD))
        self.assertEqual(status, 0)
        self.assertEqual({f["severity"] for f in found}, {"info"})

    def test_libcurl_is_loaded_for_requests_only(self):
        path = self.file("a.yaml", GOOD)
        debug = os.environ | {"LD_DEBUG": "files"}
        self.assertNotIn("libcurl", run("lint", path, env=debug).stderr)
        url = ["fetch", "-o", self.folder.name + "/o", "http://127.0.0.1:1/"]
        self.assertIn("libcurl.so.4", run(*url, env=debug).stderr)
        self.file("libcurl.so.4", "not a library")
        result = run(*url, env=os.environ | {
            "LD_LIBRARY_PATH": self.folder.name})
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("no libcurl", result.stderr)

    def test_edits_after_all_line_ends(self):
        # the lines of an edit are those of the finding, whatever ends them
        for end in "\n", "\r", "\r\n", "\u0085", "\u2028":
            text = ("regions:\n  900:\n    regionid: 900\n    nodes:\n"
                    "      - ~\n      - {name: 900a}\n")
            path = self.file("a.yaml", text.replace("\n", end).encode())
            edits = [e for f in findings(path)[1] if f["rule"] == "P21"
                     for e in f["edits"]]
            self.assertEqual(
                [[(e[at]["line"], e[at]["column"]) for at in ("start", "end")]
                 for e in edits], [[(5, 1), (6, 1)]], repr(end))

    def test_a_warning_gives_status_1(self):
        text = GOOD.replace("900:\n", "1:\n").replace(": 900\n", ": 1\n")
        status, found = findings(self.file("a.yaml", text))
        self.assertEqual(status, 1)
        self.assertEqual({f["severity"] for f in found}, {"info", "warning"})

    def test_unreadable_file_gives_status_2_and_the_others_report(self):
        bad = self.file("a.yaml", BAD)
        result = run("lint", self.folder.name + "/none.yaml", bad)
        self.assertEqual(result.returncode, 2)
        self.assertIn("none.yaml: No such file", result.stderr)
        self.assertIn("[N01 node-regionid-missing]", result.stdout)

    def test_text_has_place_rule_and_fix(self):
        bad = self.file("a.yaml", BAD)
        lines = run("lint", bad).stdout.splitlines()
        at = next(i for i, line in enumerate(lines) if "[N01" in line)
        self.assertRegex(lines[at], r"^.*/a\.yaml:7:9: error: the node has "
                         r".* \[N01 node-regionid-missing\]$")
        self.assertEqual(lines[at + 1:at + 4],
                         ["    7 |       - name: 900a",
                          "      |         ^~~~~~~~~~",
                          "    fix: add regionid: 900"])

    def test_summary_is_one_line_on_standard_error(self):
        result = run("lint", self.file("a.yaml", GOOD), "-",
                     text=BAD.replace("900", "901"))
        self.assertRegex(result.stderr,
                         r"\A2 files: 1 error, \d+ infos\n\Z")

    def test_standard_input_is_read_and_named(self):
        result = run("lint", "-", text=BAD)
        self.assertEqual(result.returncode, 1)
        self.assertIn("stdin:7:9: error: ", result.stdout)
        self.assertEqual(findings("-", text=BAD)[1][0]["file"], "-")

    def test_findings_are_sorted_by_file_then_place(self):
        second, first = self.file("a.yaml", BAD), self.file("b.yaml", BAD)
        _, found = findings(first, second)
        names = [f["file"] for f in found]
        self.assertEqual(list(dict.fromkeys(names)), [str(first), str(second)])
        places = [(f["line"], f["column"], f["rule"]) for f in found
                  if f["file"] == str(first)]
        self.assertEqual(places, sorted(places))

    def test_name_tells_the_form_of_json(self):
        text = '{"Regions": {"900": null}}'
        for name, rule in ("a.yaml", "P04"), ("a.yml", "P04"):
            self.assertIn(rule, {f["rule"] for f in
                                 findings(self.file(name, text))[1]})
        for name in "a.json", "a":
            self.assertNotIn("P04", {f["rule"] for f in
                                     findings(self.file(name, text))[1]})
        comment = self.file("b.json", "// mine\n{}")
        self.assertIn("P23", {f["rule"] for f in findings(comment)[1]})

    def test_as_wins_over_the_name(self):
        file = self.file("a.yaml", '{"Regions": {"900": null}}')
        self.assertNotIn("P04", {f["rule"] for f in
                                 findings("--as", "json", file)[1]})
        self.assertIn("P04", {f["rule"] for f in
                              findings("--as", "headscale", file)[1]})

    def test_misuse_gives_status_2_and_usage(self):
        for args in [], ["--format", "xml", "a"], ["--as", "toml", "a"]:
            result = run("lint", *args)
            self.assertEqual(result.returncode, 2, args)
            self.assertIn("usage: derpmap lint", result.stderr)

    def test_list_as_json_has_the_same_rules(self):
        result = run("lint", "--list", "--format", "json")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        report = json.loads(result.stdout)
        schema = pathlib.Path(SCHEMA).parent / "lint-rules.schema.json"
        jsonschema.validate(report, json.loads(schema.read_text("utf-8")))
        heads = run("lint", "--list").stdout.splitlines()[::3]
        self.assertEqual(heads, [f"{r['id']} {r['severity']:<7} {r['name']}: "
                                 f"{r['title']}" for r in report["rules"]])
        self.assertEqual({f for r in report["rules"] for f in r["forms"]},
                         {"headscale", "json", "config", "derper"})
        for args in ["--list", "--format", "sarif"], [
                "--explain", "R16", "--format", "json"]:
            self.assertEqual(run("lint", *args).returncode, 2)

    def test_own_examples_are_clean(self):
        folder = pathlib.Path(__file__).resolve().parents[2] / "examples"
        maps = [folder / name for name in ("derp.yaml", "derp.json", "nodes.json")]
        result = run("lint", *maps)
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertRegex(result.stderr, r"^\d+ files: \d+ infos\n$")
        self.assertEqual(result.stdout, "")  # information is for -v
        self.assertIn("a list of a tailnet's nodes",
                      run("lint", "-v", *maps).stdout)
        self.assertEqual(run("lint", "-v", folder / "derp.yaml",
                             folder / "derp.json").stdout.count("[R07 "), 2)

    def test_list_tells_all_of_each_rule(self):
        result = run("lint", "--list")
        self.assertEqual(result.returncode, 0)
        lines = result.stdout.splitlines()
        self.assertEqual(len(lines) % 3, 0)
        for head, text, source in zip(lines[::3], lines[1::3], lines[2::3]):
            self.assertRegex(head, r"^[PRNAOTHSV]\d\d (info|warning|error) ")
            self.assertRegex(text, r"^    \S.*\.$")
            self.assertRegex(source, r"^    source: \S")
        ids = [line[:3] for line in lines[::3]]
        self.assertEqual(ids, sorted(ids, key=lambda i: ("PRNAOTHSV".index(i[0]),
                                                         i)))
        self.assertEqual(len(ids), len(set(ids)))

    def test_infos_are_counted_and_shown_on_demand(self):
        file = self.file("a.yaml", GOOD)
        quiet, loud = run("lint", file), run("lint", "-v", file)
        self.assertEqual((quiet.returncode, quiet.stdout), (0, ""))
        self.assertEqual(loud.returncode, 0)
        self.assertIn(": info: ", loud.stdout)
        self.assertRegex(quiet.stderr, r"\A1 file: [2-9] infos\n\Z")
        self.assertEqual(quiet.stderr, loud.stderr)
        self.assertEqual(run("lint", "--level", "info", file).stdout,
                         loud.stdout)

    def test_level_is_the_least_severity_shown(self):
        file = self.file("a.yaml", BAD.replace("home.arpa", "home_x.arpa"))
        for level, shown in ("info", {"info", "warning", "error"}), (
                "warning", {"warning", "error"}), ("error", {"error"}):
            status, found = findings("--level", level, file)
            self.assertEqual(status, 1)
            self.assertEqual({f["severity"] for f in found}, shown)

    def test_level_does_not_change_the_exit_status(self):
        file = self.file("a.yaml", GOOD.replace("home.arpa", "home_x.arpa"))
        self.assertEqual(run("lint", "--level", "error", file).returncode, 1)

    def test_unreadable_input_is_not_without_findings(self):
        none = self.folder.name + "/none.yaml"
        result = run("lint", none)
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertNotIn("no findings", result.stderr)
        result = run("lint", none, self.file("a.yaml", GOOD))
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stderr,
                         r"\n1 file: \d infos; 1 could not be read\n\Z")

    def test_standard_input_twice_is_misuse(self):
        result = run("lint", "-", "-", text=GOOD)
        self.assertEqual(result.returncode, 2)
        self.assertIn("named twice", result.stderr)

    def test_what_cannot_be_written_is_told(self):
        for args in ["--help"], ["--version"], ["lint", "--help"], [
                "lint", "--list"], ["lint", self.file("a.yaml", BAD)]:
            with open("/dev/full", "w", encoding="utf-8") as full:
                result = subprocess.run(
                    [DERPMAP, *map(str, args)], stdout=full,
                    stderr=subprocess.PIPE, text=True, timeout=60,
                    check=False)
            self.assertEqual(result.returncode, 2, args)
            self.assertIn("No space left", result.stderr)

    def test_help_has_examples(self):
        result = run("lint", "--help")
        self.assertEqual(result.returncode, 0)
        self.assertIn("examples:\n  derpmap lint derp.yaml", result.stdout)

    def test_control_characters_of_the_file_stay_in_it(self):
        file = self.file("a.yaml", 'regions: {}\n"\\e[31mx": 1\n')
        result = run("lint", file)
        self.assertNotIn("\033", result.stdout)
        self.assertIn("\\x1b[31mx", result.stdout)

    def test_control_characters_of_the_words_stay_in_them(self):
        for args in (["lint", "\033[31m*"], ["lint", "\033[31m"],
                     ["convert", "\033[31m"], ["merge", "--drop", "\033", "-"],
                     ["lint", "--select", "\033[31m", "-"]):
            result = run(*args)
            self.assertEqual(result.returncode, 2, args)
            self.assertNotIn("\033", result.stderr)
            self.assertIn("\\x1b", result.stderr)

    def test_what_cannot_be_seen_has_a_name(self):
        result = run("lint", "-", text="regions: a\0b\n")
        self.assertIn("a control character, U+0000", result.stdout)
        self.assertIn("regions: a\u2400b", result.stdout)

    def test_file_name_that_is_not_utf8(self):
        path = os.path.join(self.folder.name.encode(), b"\xff.yaml")
        with open(path, "wb") as file:
            file.write(BAD.encode())
        result = subprocess.run([DERPMAP, "lint", "--format", "json", path],
                                capture_output=True, check=False, timeout=60)
        self.assertEqual(result.returncode, 1)
        found = json.loads(result.stdout.decode())["findings"]
        self.assertTrue(found[0]["file"].endswith("\ufffd.yaml"))

    def on_terminal(self, **extra):
        """What is printed when standard output is a terminal."""
        master, slave = pty.openpty()
        env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        env.update({"TERM": "xterm"}, **extra)
        subprocess.run([DERPMAP, "lint", self.file("a.yaml", BAD)],
                       stdout=slave, stderr=subprocess.DEVNULL, env=env,
                       check=False, timeout=60)
        os.close(slave)
        text = os.read(master, 65536).decode()
        os.close(master)
        return text

    def test_colour_only_on_a_terminal_that_wants_it(self):
        self.assertIn("\033[31merror\033[0m", self.on_terminal())
        self.assertNotIn("\033", self.on_terminal(NO_COLOR="1"))
        self.assertNotIn("\033", self.on_terminal(TERM="dumb"))
        self.assertNotIn("\033", run("lint", "-", text=BAD).stdout)

    def test_alias_tells_a_finding_once(self):
        text = ("regions:\n  900: &r\n    regionid: 900\n    strange: 1\n"
                "  901: *r\n")
        _, found = findings("-", text=text)
        self.assertEqual([f["rule"] for f in found].count("P02"), 1)

    def test_refused_value_is_not_judged_as_missing(self):
        _, found = findings("-", text=GOOD.replace(
            "        regionid: 900", '        regionid: "900"'))
        self.assertEqual([f["rule"] for f in found
                          if f["severity"] == "error"], ["P06"])

    def test_nothing_refused_lints_clean(self):
        refused = [str(file) for case in sorted(CONVERT.iterdir())
                   if (case / "expect.error").exists()
                   for file in case.glob("in.*")]
        self.assertGreater(len(refused), 100)
        _, found = findings(*refused)
        errors = {f["file"] for f in found if f["severity"] == "error"}
        self.assertEqual([f for f in refused if f not in errors], [])

    def test_generate_takes_decimal_ports_only(self):
        for option in "--derp-port", "--stun-port", "--region-id":
            result = run("generate", "--hostname", "a.home.arpa", option,
                         "0443")
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn("without leading zeros, not 0443", result.stderr)
        self.assertIn("stunport: -1", run(
            "generate", "--hostname", "a.home.arpa", "--stun-port",
            "-1").stdout)

    def test_generate_rejects_control_characters(self):
        for option in "--region-code", "--region-name", "--node-name":
            for text in "a\x1b[31m", "a\n", "a\x7f", "a\u009b":
                result = run("generate", "--hostname", "a.home.arpa", option,
                             text)
                self.assertEqual((result.returncode, result.stdout), (2, ""))
                self.assertIn("control character", result.stderr)

    def certificate(self, name, copies=1, sans="DNS:a.home.arpa"):
        """A self-signed certificate as derper would find it."""
        path = pathlib.Path(self.folder.name) / f"{name}.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
             "-subj", "/CN=x", "-addext", f"subjectAltName={sans}",
             "-keyout", self.folder.name + "/key", "-out", str(path)],
            check=True, capture_output=True, timeout=60)
        path.write_bytes(copies * path.read_bytes())

    def generate_pinned(self, name):
        return run("generate", "--from-derper", "--certdir", self.folder.name,
                   "--hostname", name)

    def test_generate_pins_what_works_only(self):
        self.certificate("a.home.arpa")
        good = self.generate_pinned("a.home.arpa")
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn("sha256-raw:", good.stdout)
        self.certificate("127.0.0.1", sans="DNS:other")
        self.assertEqual(self.generate_pinned("127.0.0.1").returncode, 0)
        for name, options, text in (
                ("b.home.arpa", {}, "is not for b.home.arpa"),
                ("a.home.arpa", {"copies": 2}, "holds 2 certificates")):
            self.certificate(name, **options)
            result = self.generate_pinned(name)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn(text, result.stderr)

    def test_generate_writes_through_a_link(self):
        target = self.file("real.yaml", "old")
        target.chmod(0o640)
        link = pathlib.Path(self.folder.name) / "link.yaml"
        link.symlink_to("real.yaml")
        result = run("generate", "--hostname", "a.home.arpa", "-o", link)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(link.is_symlink())
        self.assertIn("a.home.arpa", target.read_text())
        self.assertEqual(target.stat().st_mode & 0o777, 0o640)

    def test_long_names_leave_the_verdict(self):
        name = 300 * "\u00e4"
        for text in (GOOD.replace("derp.home.arpa", name + ":443"),
                     GOOD.replace("127.0.0.1", f'"{name}"'),
                     GOOD + f"        {name}: 1\n"):
            _, found = findings("-", text=text)
            worse = [f for f in found if f["severity"] != "info"]
            self.assertTrue(worse)
            for finding in worse:
                self.assertNotIn("\ufffd", finding["message"])
                self.assertRegex(finding["message"],
                                 "in TLS$|for this node$|ignored$|letters|"
                                 "certificate|bytes$|as it is$|placeholder$")

    def test_json_maps_get_advice_for_json(self):
        text = ('{"Regions": {"900": {"Nodes": [{"Name": "900a", "HostName": '
                '"https://x", "Avoid": true}]}}}')
        _, found = findings("--as", "json", "-", text=text)
        said = " ".join(f["message"] + " " + f.get("fix", "") for f in found)
        for word in ("regionid", "derpport", "hostname", "canport80"):
            self.assertNotIn(word, said)
        self.assertIn('add "RegionID": 900', said)

    def test_what_generate_writes_lints_clean(self):
        pin = "sha256-raw:" + 64 * "a"
        hosts = ["derp.home.arpa", "derp.example.org", "127.0.0.1",
                 "198.18.0.7", "10.1.2.3", "2001:4860::1", "::1"]
        options = [[], ["--ipv4", "192.168.1.1", "--can-port80"],
                   ["--ipv6", "none"], ["--ipv4", "127.0.0.1"],
                   ["--stun-port", "-1"], ["--stun-port", "443"],
                   ["--derp-port", "3340"], ["--cert-name", pin],
                   ["--cert-name", "https://x"], ["--ipv4", "0.0.0.0"],
                   ["--ipv4", "100.64.0.1"], ["--ipv4", "1.2.3.4"],
                   ["--ipv6", "::ffff:1.2.3.4"], ["--hostname", "my.xxx.se"],
                   ["--derp-port", "3478", "--stun-port", "443"],
                   ["--region-code", "900"], ["--node-name", "relay"]]
        accepted = 0
        for host, more, form in itertools.product(
                hosts, options, ("headscale", "json")):
            made = run("generate", "--hostname", host, *more,
                       "--format", form)
            if made.returncode != 0:
                self.assertEqual(made.returncode, 2)
                self.assertEqual(made.stdout, "")
                continue
            accepted += 1
            status, found = findings("--as", form, "-", text=made.stdout)
            self.assertEqual(status, 0, (host, more, form, found))
        self.assertGreater(accepted, 100)

    def test_a_huge_map_of_duplicates_takes_no_time(self):
        node = "{name: a, hostname: b, ipv4: 127.0.0.1},"
        text = ("regions: {900: {regionid: 900, nodes: [" + 20000 * node
                + "]}}")
        start = time.monotonic()
        result = run("lint", "--format", "json", "-", text=text)
        self.assertEqual(result.returncode, 1)
        self.assertLess(time.monotonic() - start, 60)


class Growth(unittest.TestCase):
    """A map with five times as much of anything takes about five times as
    long; twenty-five times would be quadratic."""

    PARTS = {
        "nodes": ("regions:\n  900:\n    regionid: 900\n    nodes:\n",
                  lambda i: "      - {}\n"),
        "regions": ("regions:\n", lambda i: f"  {i}: {{regionID: {i}}}\n"),
        "keys": ("regions: {}\n", lambda i: f"k{i}: 1\n"),
        "aliases": ("regions:\n  900:\n    regionid: 900\n    nodes:\n"
                    "      - &n {name: a, hostname: x.home.arpa}\n",
                    lambda i: "      - *n\n"),
        "comments": ("regions: {}\n",
                     lambda i: "# derpmap: ignore=R16 x\n"),
        "comments of a line": ("regions: {} #",
                               lambda i: " # derpmap: ignore=R16 x"),
        "comments before a bad line": (
            "regions:\n  900: {regionid: 900, nodes: [\n",
            lambda i: "# derpmap: ignore=R16,N04 x\n{}, ", "]}\n"),
        "bad comments": ("regions: {}\n", lambda i: "# derpmap: what\n"),
        "marks in a text": ('regions: {}\nx: "',
                            lambda i: " # derpmap: x", '"\n'),
        "patterns of a comment": (
            "# derpmap: ignore=N04", lambda i: ",N04",
            " x\nregions: {900: {regionid: 900, nodes: [" + 5000 * "{}, "
            + "]}}\n"),
        "comments after CR": ("regions: {}\r",
                              lambda i: "# derpmap: ignore=R16 x\r"),
        "comments in brackets": (
            "regions: {}\nx: " + 9000 * "[" + "\n",
            lambda i: "# derpmap: x\n", 9000 * "]" + "\n"),
        "empty elements": ("regions:\n  900:\n    regionid: 900\n    nodes:\n",
                           lambda i: "      -\n"),
        "empty elements of a line": (
            "regions: {900: {regionid: 900, nodes: [", lambda i: "~, ",
            "]}}\n"),
        "servers": ("regions:\n  900:\n    regionid: 900\n    nodes:\n",
                    lambda i: "      - {name: a, ipv4: 198.18.0.7}\n"),
    }

    # what starts a relay, which may have 1 MiB
    STARTS = {
        "variables": ("", lambda i: "DERP_HOM=x\n"),
        "commands": ("", lambda i: "derper -z\n"),
        "services": ("services:\n", lambda i: f" s{i // 10}: {{image: derper, "
                     "command: -z}\n" if i % 10 == 0 else ""),
    }

    def seconds(self, count, head, line, tail="", option=None):
        """The processor time of one run, which other load does not change."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", newline="") as file:
            file.write(head)
            file.writelines(line(i) for i in range(count))
            file.write(tail)
            file.flush()
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            result = subprocess.run(
                [DERPMAP, "lint", *(option or []), file.name], stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, timeout=240, check=False)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual(result.returncode, 1, result.stderr)
        return after.ru_utime - before.ru_utime

    def test_100000_of_everything(self):
        """The best of up to three tries each: what others do on the machine
        makes a run longer, never shorter."""
        for name, parts in self.PARTS.items():
            with self.subTest(name):
                self.check(20000, parts)

    def test_90000_of_what_starts_a_relay(self):
        for name, parts in self.STARTS.items():
            with self.subTest(name):
                self.check(18000, (*parts, "", ["--derper"]))

    def check(self, count, parts):
        few = many = float("inf")
        for _ in range(3):
            few = min(few, self.seconds(count, *parts))
            many = min(many, self.seconds(5 * count, *parts))
            if many < 12 * max(few, 0.02):
                break
        self.assertLess(many, 12 * max(few, 0.02))

    def test_max_size(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("#" + (2 << 20) * " " + "\n" + GOOD)
            file.flush()
            self.assertEqual(run("lint", file.name).returncode, 0)
            result = run("lint", "--max-size", "1", file.name)
            self.assertEqual(result.returncode, 2)
            self.assertIn("larger than 1048576 bytes", result.stderr)
        for size in "0", "129", "-1":
            result = run("lint", "--max-size", size, file.name)
            self.assertEqual(result.returncode, 2)
            self.assertIn("--max-size is 1 to 128", result.stderr)


if __name__ == "__main__":
    unittest.main()
