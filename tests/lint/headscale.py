#!/usr/bin/env python3
"""Tests `derpmap lint --headscale-config`: headscale.py DERPMAP.

What one slip after the other comes to in one round, the environment, and that
maps can be linted in the same call. Each rule's cases are in H*.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

DERPMAP = os.path.abspath(sys.argv.pop(1))
CONFIG = """\
server_url: https://hs.cfg-acme.net
derp:
  server:
    enabled: true
    region_id: 957
    stun_listen_addr: 0.0.0.0:3478
    urls:
      - https://controlplane.tailscale.com/derpmap/default
  paths:
    - map.yaml
  update_frequency: 1d
"""
MAP = "regions: {957: {regionid: 957}}\n"


class Headscale(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "config.yaml").write_text(CONFIG, "utf-8")
        (self.folder / "map.yaml").write_text(MAP, "utf-8")

    def lint(self, *args, env=None, cwd=None):
        mine = {k: v for k, v in os.environ.items()
                if not k.startswith("HEADSCALE_")}
        done = subprocess.run(
            [DERPMAP, "lint", "--format", "json", *args],
            cwd=cwd or self.folder, env=mine | (env or {}),
            capture_output=True, timeout=120, check=False)
        return done, json.loads(done.stdout)["findings"]

    def places(self, findings, level="warning"):
        levels = ["info", "warning", "error"]
        return {f["rule"]: (f["line"], f["column"]) for f in findings
                if levels.index(f["severity"]) >= levels.index(level)}

    def test_all_slips_in_one_round(self):
        done, found = self.lint("--headscale-config", "config.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.places(found), {
            "H18": (5, 16), "H33": (7, 5), "H07": (10, 7), "H12": (11, 21)})
        self.assertEqual({f["file"] for f in found}, {"config.yaml"})
        self.assertIn("replaces region 957 of map.yaml",
                      next(f["message"] for f in found if f["rule"] == "H18"))

    def test_path_is_found_beside_the_configuration(self):
        _, found = self.lint("--headscale-config",
                             str(self.folder / "config.yaml"), cwd="/")
        self.assertIn("H18", self.places(found))
        self.assertNotIn("H06", self.places(found))

    def test_environment_of_the_process_and_of_a_file(self):
        env = {"HEADSCALE_DERP_SERVER_REGION_ID": "999"}
        _, found = self.lint("--headscale-config", "config.yaml", env=env)
        self.assertNotIn("H18", self.places(found))
        self.assertIn("H10", self.places(found, "info"))
        (self.folder / "env").write_text("", "utf-8")
        _, found = self.lint("--headscale-config", "config.yaml",
                             "--env-file", "env", env=env)
        self.assertIn("H18", self.places(found))

    def test_maps_in_the_same_call(self):
        done, found = self.lint("--headscale-config", "config.yaml",
                                "map.yaml")
        self.assertEqual({f["file"] for f in found},
                         {"config.yaml", "map.yaml"})
        self.assertIn(b"2 files", done.stderr)

    def test_good_configuration(self):
        (self.folder / "config.yaml").write_text(
            "server_url: https://hs.cfg-acme.net\nderp:\n  paths:\n    - "
            f"{self.folder}/map.yaml\n  auto_update_enabled: true\n", "utf-8")
        done, found = self.lint("--headscale-config", "config.yaml")
        self.assertEqual((done.returncode, found), (0, []))

    def test_unreadable(self):
        for args in (["none.yaml"], ["config.yaml", "--env-file", "none"]):
            done, _ = self.lint("--headscale-config", *args)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"No such file", done.stderr)


if __name__ == "__main__":
    unittest.main()
