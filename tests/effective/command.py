#!/usr/bin/env python3
"""Tests `derpmap effective` as a command: command.py DERPMAP SCHEMAS.

What differs between versions, the environment, URLs, streams and exit status.
Every JSON output is checked against its schema. What version 0.29 makes of a
configuration is compared with the real headscale in tests/interop.
"""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

import jsonschema

DERPMAP, SCHEMAS = os.path.abspath(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1))
VERSIONS = ["0.26", "0.27", "0.28", "0.29", "head"]
HEAD = "server_url: https://hs.home.arpa\n"
A = "regions: {900: {regionid: 900, regioncode: a, nodes: [{name: a}]}}\n"
B = "regions: {900: {regionid: 900, regioncode: b}}\n"
NULL = "regions: {900: null, 901: {regionid: 901}}\n"
URL = "http://127.0.0.1:1/map?a=b"
SERVER = ("server: {enabled: true, region_id: 900, region_code: hs, "
          "stun_listen_addr: ':3478', private_key_path: k}")


def validator():
    schemas = {name: json.loads((SCHEMAS / name).read_text("utf-8")) for name
               in ("effective.schema.json", "derpmap.schema.json")}
    main = schemas["effective.schema.json"]
    resolver = jsonschema.RefResolver.from_schema(main, store=schemas)
    return jsonschema.Draft202012Validator(main, resolver=resolver)


class Effective(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, text in {"a.yaml": A, "b.yaml": B, "null.yaml": NULL,
                           "bad.yaml": "regions: []\n",
                           "j.json": '{"Regions":{"900":{"RegionID":900,'
                                     '"RegionCode":"j"}}}'}.items():
            (self.folder / name).write_text(text, "utf-8")

    def run_on(self, config, *args, env=None):
        file = self.folder / "config.yaml"
        file.write_text(config, "utf-8")
        mine = {k: v for k, v in os.environ.items()
                if not k.startswith("HEADSCALE_")}
        return subprocess.run(
            [DERPMAP, "effective", "--headscale-config", str(file), *args],
            cwd=self.folder, env=mine | (env or {}), capture_output=True,
            timeout=120, check=False)

    def result(self, section, *args, env=None, head=HEAD):
        """What is said of a derp section, and that the status fits it."""
        done = self.run_on(head + "derp: {" + section + "}\n", "--format",
                           "json", *args, env=env)
        said = json.loads(done.stdout)
        validator().validate(said)
        failed = said["starts"] == "no" or said["unsendable"] is not None
        self.assertEqual(done.returncode, int(failed), done)
        self.assertEqual(done.stderr, b"")
        return said

    def codes(self, said):
        return {int(i): r and r["RegionCode"]
                for i, r in said["map"]["Regions"].items()}

    def by_version(self, section, view):
        return {v: view(self.result(section, "--headscale-version", v))
                for v in VERSIONS}

    # --- versions

    def test_order_of_urls_and_paths(self):
        codes = {v: self.codes(self.result(
            f"urls: ['{URL}'], paths: [a.yaml]", "--headscale-version", v,
            "--url-file", f"{URL}=j.json")) for v in VERSIONS}
        self.assertEqual(codes, {v: {900: "j" if v == "0.26" else "a"}
                                 for v in VERSIONS})

    def test_null_region(self):
        regions = self.by_version("paths: [a.yaml, null.yaml]", self.codes)
        self.assertEqual(regions, {
            "0.26": {900: None, 901: ""}, "0.27": {901: ""}, "0.28": {901: ""},
            "0.29": {901: ""}, "head": {900: "a", 901: ""}})

    def test_what_became_of_each_region(self):
        def fates(said):
            return [(d["source"], d["fate"], d["by"]) for d in said["dropped"]]
        told = self.by_version("paths: [a.yaml, b.yaml, null.yaml]", fates)
        self.assertEqual(told["0.26"], [(0, "replaced", 1), (1, "replaced", 2)])
        self.assertEqual(told["0.29"], [(0, "replaced", 1), (1, "removed", 2),
                                        (2, "null", None)])
        self.assertEqual(told["head"], [(0, "replaced", 1), (2, "null", None)])

    def test_only_0_26_starts_with_a_broken_file(self):
        section = "paths: [a.yaml, bad.yaml, null.yaml]"
        self.assertEqual(self.by_version(section, lambda s: s["starts"]),
                         {v: "yes" if v == "0.26" else "no" for v in VERSIONS})
        old = self.result(section, "--headscale-version", "0.26")
        self.assertEqual([s["status"] for s in old["sources"]],
                         ["loaded", "broken", "skipped"])
        self.assertEqual(self.codes(old), {900: "a"})
        new = self.result(section)
        self.assertRegex(new["error"]["text"],
                         r"^getting DERPMap: bad\.yaml:1:10: ")
        self.assertEqual((new["error"]["line"], new["error"]["column"]),
                         (2, 24))

    def test_malformed_url_crashes_until_0_28(self):
        self.assertEqual(
            self.by_version("urls: [':x'], paths: [a.yaml]",
                            lambda s: s["starts"]),
            {v: "yes" if v in ("0.29", "head") else "no" for v in VERSIONS})

    def test_region_that_cannot_be_made(self):
        section = SERVER.replace(":3478", ":domain")
        self.assertEqual(
            self.by_version(section, lambda s: [r["id"] for r in s["regions"]]),
            {v: [] if v == "0.26" else [0] for v in VERSIONS})

    def test_frequency_is_told_in_a_unit_of_its_own(self):
        for written, told in (("24h", "24 h"), ("5400s", "90 min"),
                              ("1m30s", "90 s"), ("1500ms", "1.5 s")):
            done = self.run_on(
                HEAD + "derp: {paths: [a.yaml], auto_update_enabled: true, "
                f"update_frequency: {written}}}\n")
            self.assertIn(f"refreshed every {told}.\n".encode(), done.stdout)

    def test_default_frequency(self):
        self.assertEqual(
            self.by_version("paths: [a.yaml]",
                            lambda s: s["update_frequency_seconds"]),
            {v: 0 if v == "0.26" else 10800 for v in VERSIONS})

    # --- sources

    def test_embedded_region_replaces(self):
        said = self.result(SERVER + ", paths: [a.yaml]")
        self.assertEqual(self.codes(said), {900: "hs"})
        self.assertEqual(said["dropped"], [
            {"id": 900, "source": 0, "fate": "replaced", "by": 1}])
        self.assertEqual(said["sources"][1]["kind"], "embedded")

    def test_unknown_url_leaves_the_verdict_open(self):
        said = self.result(f"urls: ['{URL}'], paths: [a.yaml]")
        self.assertEqual((said["starts"], said["complete"]),
                         ("depends", False))
        self.assertEqual(said["sources"][0]["status"], "unknown")
        self.assertEqual(self.codes(said), {900: "a"})

    def test_url_file_that_is_not_a_map(self):
        said = self.result(f"urls: ['{URL}']", "--url-file", f"{URL}=a.yaml")
        self.assertEqual(said["starts"], "no")
        self.assertEqual(said["sources"][0]["status"], "broken")

    def test_wrong_url_file_is_wrong_usage(self):
        for given, reason in ((f"{URL}=none.json", "none.json: No such file"),
                              ("https://other.net/map=a.yaml",
                               "no URL of derp.urls is that"),
                              ("https://other.net", "write URL=FILE"),
                              (f"{URL}=", "no file is named")):
            with self.subTest(given):
                done = self.run_on(HEAD + f"derp: {{urls: ['{URL}']}}\n",
                                   "--url-file", given)
                self.assertEqual((done.returncode, done.stdout), (2, b""))
                for text in f"--url-file {given}: ", reason, "usage: ":
                    self.assertIn(text, done.stderr.decode())

    def test_fetch_ignores_the_status(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(500)
                self.end_headers()
                self.wfile.write(b'{"error": "none"}')

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.handle_request).start()
        said = self.result(
            f"urls: ['http://127.0.0.1:{server.server_port}/m']", "--fetch")
        self.assertEqual(said["error"]["text"][:24],
                         "initial DERPMap is empty")

    def test_map_that_cannot_be_sent(self):
        (self.folder / "nan.yaml").write_text(
            "regions: {900: {latitude: .nan}}\n", "utf-8")
        said = self.result("paths: [nan.yaml]")
        self.assertEqual((said["starts"], said["map"]), ("yes", None))
        self.assertIn("Latitude", said["unsendable"])

    def test_relative_path_beside_the_configuration(self):
        done = subprocess.run(
            [DERPMAP, "effective", "--headscale-config",
             str(self.folder / "config.yaml")], cwd="/", capture_output=True,
            timeout=120, check=False)
        self.assertEqual(done.returncode, 2)
        (self.folder / "config.yaml").write_text(
            HEAD + "derp: {paths: [a.yaml]}\n", "utf-8")
        done = subprocess.run(
            [DERPMAP, "effective", "--headscale-config",
             str(self.folder / "config.yaml")], cwd="/", capture_output=True,
            timeout=120, check=False)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"found beside the configuration", done.stdout)

    # --- the environment

    def test_environment_of_the_process(self):
        said = self.result("paths: [a.yaml]",
                           env={"HEADSCALE_DERP_PATHS": "b.yaml"})
        self.assertEqual(self.codes(said), {900: "b"})

    def test_env_file_replaces_it(self):
        (self.folder / "env").write_text(
            "# comment\n; comment\n\n HEADSCALE_DERP_PATHS = \"a.yaml "
            "null.yaml\" \nPATH=/none\nHEADSCALE_DERP_PATHS='b.yaml'\n",
            "utf-8")
        said = self.result("paths: [a.yaml]", "--env-file", "env",
                           env={"HEADSCALE_DERP": "x"})
        self.assertEqual(self.codes(said), {900: "b"})

    def test_env_file_that_is_not_one(self):
        (self.folder / "env").write_text("A=1\nHEADSCALE\n", "utf-8")
        done = self.run_on(HEAD, "--env-file", "env")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"env:2: not a line of the form NAME=VALUE", done.stderr)

    # --- the command

    def test_text(self):
        done = self.run_on(
            HEAD + "derp: {urls: ['" + URL + "'], paths: [a.yaml, b.yaml], "
            + SERVER.replace("900", "999") + "}\n")
        self.assertEqual(done.returncode, 0)
        for line in ("starts if it can load the URLs that are unknown here.",
                     "  1. url      " + URL, "unknown: not fetched",
                     "  900    b, nodes: 0 (source 3)",
                     "  999    hs, nodes: 1 (source 4)",
                     "  900    of source 2: replaced by source 3",
                     "The map is not refreshed"):
            self.assertIn(line, done.stdout.decode())

    def test_text_of_an_error_has_its_place(self):
        done = self.run_on(HEAD + "derp:\n  paths: [none.yaml]\n")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout.decode(),
                         r"does not start:\n  .*config\.yaml:3:11: getting "
                         r"DERPMap: none\.yaml: No such file")

    def test_foreign_text_is_escaped(self):
        done = self.run_on(HEAD + 'derp: {paths: ["\\e[31m.yaml"]}\n')
        self.assertNotIn(b"\033", done.stdout)

    def test_misuse(self):
        for args in ([], ["--headscale-config", "x", "y"],
                     ["--headscale-config", "x", "--headscale-version", "1"]):
            done = subprocess.run([DERPMAP, "effective", *args],
                                  capture_output=True, timeout=120,
                                  check=False)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"usage: derpmap effective", done.stderr)


if __name__ == "__main__":
    unittest.main()
