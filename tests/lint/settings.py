#!/usr/bin/env python3
"""Tests what can be set of `derpmap lint`: settings.py DERPMAP SCHEMAS.

Options, .derpmap.yaml, comments that suppress, and what words can name. The
settings files are JSON, which is YAML too, so that the schema can judge them.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import jsonschema

DERPMAP = str(pathlib.Path(sys.argv.pop(1)).resolve())
SCHEMAS = pathlib.Path(sys.argv.pop(1))
PIN = "sha256-raw:" + 64 * "a"
# R16 warning, N10 warning, T08, R17, A12, T04 information
MAP = f"""\
regions:
  900:
    regionid: 900
    regioncode: home
    regionname: Home
    nodes:
      - name: 900a
        regionid: 900
        hostname: Derp.relay.net
        certname: {PIN}
      - name: 900b
        regionid: 900
        hostname: derp2.relay.net
"""


class Settings(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "maps/deep").mkdir(parents=True)
        self.map = self.folder / "maps/deep/derp.yaml"
        self.map.write_text(MAP)

    def run_lint(self, *args, cwd=None, text=None):
        return subprocess.run([DERPMAP, "lint", *map(str, args)], cwd=cwd,
                              input=text, capture_output=True, text=True,
                              timeout=60, check=False)

    def lint(self, *args, **options):
        """Exit status, and rule to severity of what is shown."""
        result = self.run_lint("--format", "json", *args, **options)
        return result.returncode, {f["rule"]: f["severity"] for f in
                                   json.loads(result.stdout)["findings"]}

    def settings(self, value, where=""):
        with open(SCHEMAS / "lint-settings.schema.json",
                  encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(value)
        (self.folder / where / ".derpmap.yaml").write_text(json.dumps(value))

    def misuse(self, *args):
        result = self.run_lint(*args, self.map)
        self.assertEqual(result.returncode, 2, args)
        self.assertEqual(result.stdout, "")
        return result.stderr

    def test_without_settings(self):
        self.assertEqual(self.lint(self.map), (1, {
            "R16": "warning", "N10": "warning", "T08": "info", "R17": "info",
            "A12": "info", "T04": "info"}))

    def test_select(self):
        for patterns in ["R16"], ["r16"], ["multi-node-region"]:
            self.assertEqual(self.lint("--select", *patterns, self.map),
                             (1, {"R16": "warning"}))
        self.assertEqual(self.lint("--select", "T,A1", self.map)[1].keys(),
                         {"T08", "T04", "A12"})
        self.assertEqual(self.lint("--select", "T", "--select=R17", self.map),
                         (0, {"T08": "info", "T04": "info", "R17": "info"}))

    def test_ignore_wins_over_select(self):
        self.assertEqual(self.lint("--select", "R", "--ignore", "R17,N",
                                   self.map), (1, {"R16": "warning"}))
        self.assertEqual(self.lint("--ignore", "all", self.map), (0, {}))

    def test_severity(self):
        status, found = self.lint("--severity", "R16=error", "--severity",
                                  "N10=info", "--severity", "T=off", self.map)
        self.assertEqual((status, found["R16"], found["N10"]),
                         (1, "error", "info"))
        self.assertNotIn("T08", found)
        self.assertEqual(self.lint("--severity", "all=info", self.map)[0], 0)

    def test_what_cannot_be_read_is_never_left_out(self):
        for name, text, rule in (
                ("a.yaml", b"regions: [\n", "P00"),
                ("a.yaml", b"# derpmap: ignore=P00 x\nregions: ]\n", "P00"),
                ("a.yaml", b"\tregions: {}\n", "P13"),
                ("a.yaml", b"%YAML 1.2\n---\nregions: {}\n", "P17"),
                ("a.yaml", b"regions: \xff\n", "P18"),
                ("a.json", b'{"Regions": {},,}', "P23"),
                ("a.yaml", b"regions: *none\n", "P00"),
                ("a.yaml", b"regions: {900: !!binary [}\n", "P00"),
                ("a.yaml", b"<html></html>\n", "P33"),
                ("a.yaml", b"regions: {{ .Values.regions }}\n", "P33")):
            file = self.folder / name
            file.write_bytes(text)
            for options in (["--select", "N"], ["--ignore", "all"],
                            ["--severity", "all=off"],
                            ["--severity", "all=info"], ["--level=error"]):
                status, found = self.lint(*options, file)
                self.assertEqual((status, found.get(rule)), (1, "error"),
                                 (text, options, found))
        config = self.folder / "config.yaml"
        config.write_text("derp: [\n", encoding="utf-8")
        self.assertEqual(self.lint("--select", "N", "--headscale-config",
                                   config), (1, {"H35": "error"}))

    def test_strict(self):
        self.assertEqual(self.lint("--select", "R17", self.map)[0], 0)
        result = self.run_lint("--select", "R17", "--strict", self.map)
        self.assertEqual(result.returncode, 1)
        self.assertIn("R17", result.stdout)

    def test_min_client_and_nomeasurenohome(self):
        file = self.map.parent / "quiet.yaml"
        file.write_text("regions: {900: {regionid: 900, nomeasurenohome: true,"
                        " nodes: [{name: 900a, regionid: 900, hostname: "
                        "derp.relay.net}]}}\n", "utf-8")

        def quiet(*args):
            return self.lint("--select", "R18", *args, file)
        self.assertEqual(quiet(), (0, {"R18": "info"}))
        self.assertEqual(quiet("--min-client", "1.80"), (1, {"R18": "warning"}))
        self.assertEqual(quiet("--min-client", "1.82"), (0, {}))

    def test_level_hides_and_counts(self):
        result = self.run_lint("--level", "error", self.map)
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertEqual(result.stderr, "1 file: 2 warnings, 5 infos\n")

    def test_min_client(self):
        def pin(*args):
            return self.lint("--select", "T08", *args, self.map)
        self.assertEqual(pin("--min-client", "1.84"), (0, {}))
        self.assertEqual(pin("--min-client", "v1.100.2"), (0, {}))
        self.assertEqual(pin("--min-client", "1.82"), (1, {"T08": "warning"}))
        self.assertEqual(pin("--min-client", "1.9"), (1, {"T08": "error"}))
        # what is asked for by name stays
        self.assertEqual(pin("--min-client=1.9", "--severity", "T08=info"),
                         (0, {"T08": "info"}))

    def test_headscale_version(self):
        self.map.write_text(MAP + "  901: null\n")

        def null(*args):
            return self.lint("--select", "P22", *args, self.map)[1]["P22"]
        self.assertEqual(null("--headscale-version", "0.28"), "info")
        self.assertEqual(null("--headscale-version", "head"), "warning")
        for text in ("v0.28.1", "0.28.0-beta.1"):  # as an image is tagged
            self.assertEqual(null("--headscale-version", text), "info")
        self.assertEqual(null("--headscale-version", "0.26"), "error")
        self.assertEqual(null("--headscale-version", "0.26", "--min-client",
                              "1.80"), "warning")

    def test_misuse(self):
        self.assertIn('no rule is called "Q1"', self.misuse("--select", "Q1"))
        self.assertIn('no rule is called "R1x"', self.misuse("--ignore", "R1x"))
        self.assertIn("RULE=SEVERITY", self.misuse("--severity", "R16"))
        self.assertIn("a severity is", self.misuse("--severity", "R16=bad"))
        self.assertIn("version", self.misuse("--min-client", "1"))
        for text in ("0.1", "0.281", "0.28.", "0.28.x", "v", "heads"):
            self.assertIn("version", self.misuse("--headscale-version", text))

    def test_settings_are_found_upwards(self):
        self.settings({"select": ["R"]})
        self.assertEqual(self.lint(self.map)[1].keys(), {"R16", "R17"})
        self.assertEqual(self.lint("derp.yaml", cwd=self.map.parent)[1].keys(),
                         {"R16", "R17"})
        self.assertEqual(self.lint("-", cwd=self.map.parent,
                                   text=MAP)[1].keys(), {"R16", "R17"})
        self.settings({"select": "T"}, "maps")
        self.assertEqual(self.lint(self.map)[1].keys(), {"T04", "T08"})
        self.assertEqual(len(self.lint("--no-config", self.map)[1]), 6)

    def test_each_folder_has_its_own(self):
        (self.folder / "derp.yaml").write_text(MAP)
        self.settings({"select": "R16"})
        self.settings({"ignore": "all"}, "maps")
        result = self.run_lint("--format", "json", self.folder)
        found = [f["file"] for f in json.loads(result.stdout)["findings"]]
        self.assertEqual(found, [f"{self.folder}/derp.yaml"])

    def test_every_setting(self):
        self.settings({"severity": {"R16": "error", "T": "off", "N10": "info"},
                       "ignore": ["R17"], "level": "error", "strict": True,
                       "min-client": "1.90", "headscale-version": "0.28"})
        self.assertEqual(self.lint(self.map), (1, {"R16": "error"}))
        # the command line wins
        self.assertEqual(self.lint("--level", "info", self.map)[1],
                         {"R16": "error", "N10": "info", "A12": "info"})
        self.assertEqual(self.lint("--severity", "R16=warning", "--level",
                                   "warning", self.map),
                         (1, {"R16": "warning"}))

    def test_given_settings_file(self):
        other = self.folder / "other"
        other.write_text("select: [R16] # one\nlevel: &l info\n")
        self.settings({"ignore": "all"})
        self.assertEqual(self.lint("--config", other, self.map)[1].keys(),
                         {"R16"})

    def test_wrong_settings_have_a_place(self):
        for text, why in (("\nfoo: 1", ':2:1: "foo" is not a setting'),
                          ("select: [Q1]", ':1:1: no rule is called "Q1"'),
                          ("level: all", ":1:1: a level is"),
                          ("strict: yes", ":1:1: strict is"),
                          ("severity: R16", ":1:1: rules and their"),
                          ("min-client: 2", ":1:1: "),
                          ("select: [", ":2:1: "), ("- a", "not a mapping")):
            (self.folder / ".derpmap.yaml").write_text(text)
            result = self.run_lint(self.map)
            self.assertEqual(result.returncode, 2, text)
            self.assertIn(why, result.stderr)
        self.assertEqual(self.run_lint("--config", "/none",
                                       self.map).returncode, 2)

    def test_settings_that_cannot_be_read(self):
        settings = self.folder / ".derpmap.yaml"
        for target, why in ((settings, "symbolic links"),
                            ("/none", "No such file")):
            settings.symlink_to(target)
            result = self.run_lint(self.map)
            self.assertEqual(result.returncode, 2)
            self.assertIn(why, result.stderr)
            settings.unlink()

    def test_a_file_that_starts_no_relay(self):
        other = self.folder / "Dockerfile"
        other.write_text("FROM scratch\nCMD [\"sleep\"]\n", encoding="utf-8")
        result = self.run_lint("--derper", other)
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("nothing in it starts derper", result.stderr)

    def test_options_that_need_another(self):
        for options in ["--env-file", "x"], ["--compose", "x"]:
            self.assertIn("--headscale-config", self.misuse(*options))
        for options in ["--env-file", "x"], ["--fetch"], ["--url-file", "x=y"]:
            result = subprocess.run([DERPMAP, "merge", *options, self.map],
                                    capture_output=True, text=True, timeout=60,
                                    check=False)
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn("--headscale-config", result.stderr)

    def test_folders_and_patterns(self):
        for name in "a.yml", "b.json", "c.txt", ".hidden.yaml":
            (self.folder / "maps" / name).write_text("{}")
        (self.folder / "maps/.git").mkdir()
        (self.folder / "maps/.git/x.yaml").write_text("{}")

        def files(*words):
            result = self.run_lint("--select", "P20", "--format", "json",
                                   *words, cwd=self.folder)
            self.assertLess(result.returncode, 2, result.stderr)
            return [f["file"] for f in json.loads(result.stdout)["findings"]]
        self.map.write_text("{}")
        everything = ["maps/a.yml", "maps/b.json", "maps/deep/derp.yaml"]
        self.assertEqual(files("maps"), everything)
        self.assertEqual(files("maps/"), everything)
        self.assertEqual(files("maps/*.yml", "maps/*/d???.yaml"),
                         ["maps/a.yml", "maps/deep/derp.yaml"])
        self.assertEqual(files("maps/c.txt", "ma*"),
                         ["maps/c.txt", *everything])
        # a name that is a pattern too
        (self.folder / "a[1].yaml").write_text("{}")
        self.assertEqual(files("a[1].yaml"), ["a[1].yaml"])
        (self.folder / "maps/policy.hujson").write_text("{}")
        self.assertEqual(files("maps"), [*everything, "maps/policy.hujson"])

    def test_words_that_name_nothing(self):
        (self.folder / "none").mkdir()
        for word in "none", "x*.yaml", "none.yaml":
            result = self.run_lint(word, self.map, cwd=self.folder)
            self.assertEqual(result.returncode, 2, word)
            self.assertIn(word, result.stderr)
            self.assertIn("R16", result.stdout)

    def test_suppressions(self):
        self.map.write_text(MAP.replace("  900:\n", "  # derpmap: ignore=R16,"
                                        "R17 meshed, alone\n  900:\n")
                            .replace("net\n        cert", "net # derpmap: "
                                     "ignore=hostname-upper so be it\n"
                                     "        cert"))
        self.assertEqual(self.lint(self.map), (0, {
            "T08": "info", "A12": "info", "T04": "info"}))

    def test_suppressions_of_one_line(self):
        # each is used or not for itself, whatever line end is before it
        for end in "\n", "\r", "\r\n", "\u0085", "\u2028":
            self.map.write_bytes(
                (f"regions:{end}# one{end}"
                 f"  # derpmap: ignore=R16,N04 a # derpmap: ignore=R17 b{end}"
                 f"{end}  # derpmap: ignore=R18 c{end}"
                 + MAP.removeprefix("regions:\n")).encode())
            result = self.run_lint("--format", "json", self.map)
            found = json.loads(result.stdout)["findings"]
            self.assertEqual(
                [(f["rule"], f["line"]) for f in found
                 if f["rule"] in ("R16", "R17", "S01", "S02")],
                [("S01", 5)], repr(end))

    def test_suppression_of_what_is_not_selected_is_used(self):
        self.map.write_text(MAP.replace("  900:\n",
                                        "  900: # derpmap: ignore=R16 x\n"))
        self.assertEqual(self.lint("--ignore", "R", self.map)[0], 1)
        self.assertNotIn("S01", self.lint("--ignore", "R", self.map)[1])
        self.map.write_text(MAP + "# derpmap: ignore=R16 at the end\n")
        self.assertEqual(self.lint(self.map)[1]["S01"], "warning")
        self.assertNotIn("S01", self.lint("--ignore", "S01", self.map)[1])

    def test_explain(self):
        result = self.run_lint("--explain", "N10")
        self.assertEqual(result.returncode, 0)
        self.assertTrue(result.stdout.startswith("# N10 hostname-upper\n"))
        everything = self.run_lint("--explain", "all").stdout
        ids = [line[:3] for line in
               self.run_lint("--list").stdout.splitlines()[::3]]
        self.assertEqual(ids, [line[3:6] for line in everything.splitlines()
                               if line.startswith("## ")])
        self.assertEqual(self.run_lint("--explain", "x").returncode, 2)


if __name__ == "__main__":
    unittest.main()
