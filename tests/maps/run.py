#!/usr/bin/env python3
"""The cases of derpmap merge, diff, show and convert to a policy file, and what
must hold for all maps: run.py DERPMAP SCHEMAS [--update].

A case is a folder COMMAND-NAME with `args`, one line of words, the files that
they name, and `stdout`, `stderr`, `status`: what must come out. --update writes
those three anew, to be read before they are believed.
"""

import difflib
import json
import os
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile
import unittest

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
UPDATE = "--update" in sys.argv and sys.argv.remove("--update") is None
DERPMAP, SCHEMAS = os.path.abspath(sys.argv.pop(1)), pathlib.Path(sys.argv.pop(1))
VERSIONS = ["0.26", "0.27", "0.28", "0.29", "head"]
ROUNDS = 8  # of each test with random maps


def run(*args, cwd=None, stdin=None):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith("HEADSCALE_")}
    return subprocess.run([DERPMAP, *args], cwd=cwd, env=env, input=stdin,
                          capture_output=True, timeout=60, check=False)


def validate(document, schema):
    schemas = {p.name: json.loads(p.read_text("utf-8"))
               for p in SCHEMAS.glob("*.json")}
    resolver = jsonschema.RefResolver.from_schema(schemas[schema],
                                                  store=schemas)
    jsonschema.Draft202012Validator(
        schemas[schema], resolver=resolver).validate(document)


class Cases(unittest.TestCase):
    def test_all(self):
        cases = sorted(p.parent for p in HERE.glob("*/args"))
        self.assertGreaterEqual(len(cases), 25)
        for case in cases:
            with self.subTest(case.name):
                self.check_case(case)

    def check_case(self, case):
        done = run(*shlex.split((case / "args").read_text("utf-8")), cwd=case)
        got = {"stdout": done.stdout, "stderr": done.stderr,
               "status": b"%d\n" % done.returncode}
        for name, data in got.items():
            if UPDATE:
                (case / name).write_bytes(data)
            want = (case / name).read_bytes()
            diff = difflib.unified_diff(
                want.decode().splitlines(), data.decode().splitlines(),
                "wanted", "got", lineterm="")
            self.assertEqual(want, data, "\n".join([name, *diff]))
        if "--format json" in (case / "args").read_text("utf-8"):
            command = case.name.split("-")[0]
            validate(json.loads(done.stdout), {
                "diff": "diff.schema.json",
                "show": "derpmap.schema.json"}[command])


# --- what must hold for all maps

def random_node(rng, region, index):
    node = {"Name": f"{region}{chr(97 + index)}", "RegionID": region,
            "HostName": f"d{rng.randrange(3)}.example.net"}
    for name, value in {"IPv4": "198.18.0.1", "IPv6": "none", "STUNPort": -1,
                        "DERPPort": 8443, "STUNOnly": True, "CanPort80": True,
                        "CertName": "a.example.net"}.items():
        if rng.random() < 0.2:
            node[name] = value
    return node


def random_map(rng, nulls=0.0):
    regions = {}
    for number in rng.sample(range(900, 908), rng.randrange(1, 6)):
        if rng.random() < nulls:
            regions[str(number)] = None
            continue
        regions[str(number)] = {
            "RegionID": number, "RegionCode": rng.choice("abc"),
            "RegionName": rng.choice(["", "x: y", "ü"]),
            "Nodes": [random_node(rng, number, i)
                      for i in range(rng.randrange(4))]}
    return {"Regions": regions}


def without_nulls(regions):
    return {k: v for k, v in regions.items() if v is not None}


class All(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.rng = random.Random(20)

    def write(self, name, document):
        (self.folder / name).write_text(json.dumps(document), "utf-8")
        return name

    def as_yaml(self, name):
        done = run("convert", "--from", "json", "--to", "headscale", name,
                   cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        (self.folder / f"{name}.yaml").write_bytes(done.stdout)
        return f"{name}.yaml"

    def test_merge_is_what_headscale_does(self):
        """tests/interop compares `effective` with the real headscale."""
        rejected = 0
        for i in range(ROUNDS):
            files = [self.as_yaml(self.write(f"m{j}", random_map(self.rng, .2)))
                     for j in range(3)]
            (self.folder / "config.yaml").write_text(
                "server_url: https://hs.example.net\nderp: {paths: ["
                + ", ".join(files) + "]}\n", "utf-8")
            version = VERSIONS[i % len(VERSIONS)]
            said = json.loads(run(
                "effective", "--headscale-config", "config.yaml",
                "--headscale-version", version, "--format", "json",
                cwd=self.folder).stdout)
            regions = (said["map"] or {"Regions": {}})["Regions"]
            for words in (files, ["--headscale-config", "config.yaml"]):
                done = run("merge", "--headscale-version", version, "--to",
                           "json", *words, cwd=self.folder)
                if None in regions.values():
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(b"would send them to clients", done.stderr)
                    rejected += 1
                elif not regions:
                    self.assertEqual(done.returncode, 2)
                else:
                    self.assertEqual(json.loads(done.stdout)["Regions"],
                                     regions, (version, done.stderr))
        self.assertGreater(rejected, 0)

    def test_merge_tells_the_winner_of_each_region(self):
        for _ in range(ROUNDS):
            maps = [random_map(self.rng) for _ in range(3)]
            names = [self.write(f"m{i}", m) for i, m in enumerate(maps)]
            done = run("merge", "--to", "json", *names, cwd=self.folder)
            merged = json.loads(done.stdout)["Regions"]
            told = dict(line[len("region "):].split(": ", 1)
                        for line in done.stderr.decode().splitlines())
            self.assertEqual(set(told), set(merged))
            for number, text in told.items():
                having = [n for n, m in zip(names, maps)
                          if number in m["Regions"]]
                want = having[-1]
                if having[:-1]:
                    want += f" (instead of {', '.join(having[:-1])})"
                self.assertEqual(text, want)
                self.assertEqual(
                    merged[number],
                    maps[names.index(having[-1])]["Regions"][number])

    def test_drop_and_only(self):
        for _ in range(ROUNDS):
            name = self.write("m", random_map(self.rng, .3))
            regions = json.loads((self.folder / name).read_text())["Regions"]
            keep = self.rng.sample(sorted(regions),
                                   self.rng.randrange(1, len(regions) + 1))
            want = {k: regions[k] for k in keep}
            gone = sorted(set(regions) - set(keep))
            drop = run("merge", "--to", "json", "-q", name,
                       *(["--drop", ",".join(gone)] if gone else []),
                       cwd=self.folder)
            only = run("merge", "--to", "json", "-q", name, "--only",
                       ",".join(keep), cwd=self.folder)
            for done in drop, only:
                if None in want.values():
                    self.assertEqual(done.returncode, 2)
                    self.assertIn(b"null regions", done.stderr)
                else:
                    self.assertEqual(
                        json.loads(done.stdout)["Regions"], want)

    def test_diff_finds_every_difference(self):
        """A copy with random changes is different just where it is."""
        for _ in range(ROUNDS):
            old = random_map(self.rng, .1)
            new = json.loads(json.dumps(old))
            for other in random_map(self.rng)["Regions"].items():
                if self.rng.random() < 0.3:
                    new["Regions"][other[0]] = other[1]
            for region in without_nulls(new["Regions"]).values():
                if self.rng.random() < 0.3:
                    self.rng.shuffle(region["Nodes"])
            files = self.write("old", old), self.write("new", new)
            done = run("diff", "--from", "json", "--format", "json", *files,
                       cwd=self.folder)
            said = json.loads(done.stdout)
            validate(said, "diff.schema.json")
            a, b = map(without_nulls, (old["Regions"], new["Regions"]))
            want = {int(k): "added" if k not in a else
                    "removed" if k not in b else "changed"
                    for k in a.keys() | b.keys() if a.get(k) != b.get(k)}
            self.assertEqual({r["id"]: r["change"] for r in said["regions"]},
                             want)
            self.assertEqual(said["same"],
                             sum(a.get(k) == b[k] for k in b))
            self.assertEqual(said["different"], bool(want))
            self.assertEqual(done.returncode, int(bool(want)))
            text = run("diff", "--from", "json", *files, cwd=self.folder)
            self.assertEqual(bool(text.stdout), bool(want))

    def test_diff_of_one_map_in_two_forms(self):
        for _ in range(ROUNDS):
            name = self.write("m", random_map(self.rng))
            done = run("diff", name, self.as_yaml(name), cwd=self.folder)
            self.assertEqual((done.returncode, done.stdout), (0, b""),
                             done.stderr)

    def test_policy_keeps_the_rest(self):
        """All but the value of derpMap stays, byte for byte."""
        around = [
            (b"", b'{\n\t// rules\n\t"acls": [],\n\t"derpMap": ',
             b', // the map\n\t"ssh": [ /* none */ ],\n}\n// end\n'),
            (b"\xe2\x80\xa8"[:0], b'{"derpMap":', b'}'),
            (b"", b'{\r\n    "DERPMAP" : /* a */ ', b' /* b */ ,\r\n}\r\n'),
        ]
        for i in range(ROUNDS):
            name = self.write("m", random_map(self.rng, .2))
            _, before, after = around[i % len(around)]
            old = json.dumps(random_map(self.rng)).encode()
            (self.folder / "p").write_bytes(before + old + after)
            done = run("convert", "--from", "json", "--to", "policy", "--into",
                       "p", name, cwd=self.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(done.stdout.startswith(before))
            self.assertTrue(done.stdout.endswith(after))
            value = done.stdout[len(before):-len(after)]
            self.assertEqual(json.loads(value),
                             json.loads((self.folder / name).read_text()))
            self.assertEqual(value.count(b"\n"), value.count(b"\r\n")
                             or value.count(b"\n") * (b"\r" not in before))
            back = run("convert", "--to", "json", "-", stdin=done.stdout)
            self.assertEqual(
                json.loads(back.stdout or b"null"),
                json.loads((self.folder / name).read_text())
                if back.returncode == 0 else None)

    def test_large_maps_take_no_longer_than_their_size(self):
        regions = {str(i): {
            "RegionID": i, "RegionCode": "c", "RegionName": "n",
            "Nodes": [{"Name": f"{i}{j}", "RegionID": i, "HostName": f"h{i}"}
                      for j in range(3)]} for i in range(1, 10001)}
        one = {"RegionID": 20000, "RegionCode": "c", "RegionName": "n",
               "Nodes": [{"Name": f"n{j}", "RegionID": 20000, "HostName": "h"}
                         for j in range(30000)]}
        a = self.write("a", {"Regions": regions | {"20000": one}})
        one["Nodes"].reverse()
        b = self.write("b", {"Regions": regions | {"20000": one}})
        done = run("diff", a, b, cwd=self.folder)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"in another order", done.stdout)
        done = run("merge", "-q", "--drop", "20000", a, b, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = run("show", a, cwd=self.folder)
        self.assertEqual(done.stdout.count(b"\n"), 60001)


class Streams(unittest.TestCase):
    """Standard input, pipes, colours, disks that are full."""

    MAP = b"regions: {900: {regionid: 900, nodes: [{name: a}]}}\n"

    def test_standard_input(self):
        for words in (["show", "-"], ["merge", "-"], ["convert", "-"]):
            self.assertEqual(run(*words, stdin=self.MAP).returncode, 0, words)
        for words in (["merge", "-", "-"], ["diff", "-", "-"]):
            done = run(*words, stdin=self.MAP)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"named twice", done.stderr)

    def test_colour_is_for_terminals(self):
        with tempfile.TemporaryDirectory() as name:
            old, new = pathlib.Path(name) / "old", pathlib.Path(name) / "new"
            old.write_bytes(self.MAP)
            new.write_bytes(self.MAP.replace(b"name: a", b"name: b"))
            for words in (["diff", old, new], ["show", old],
                          ["show", "--tree", old]):
                for when, wanted in ("auto", False), ("always", True):
                    done = run(*words, "--color", when)
                    self.assertEqual(b"\033" in done.stdout, wanted, words)

    def test_full_disk(self):
        with tempfile.TemporaryDirectory() as name, \
                open("/dev/full", "wb") as full:
            file = pathlib.Path(name) / "m"
            file.write_bytes(self.MAP)
            other = pathlib.Path(name) / "n"
            other.write_bytes(self.MAP.replace(b"name: a", b"name: b"))
            for words in (["show", file], ["merge", file], ["convert", file],
                          ["diff", file, other]):
                done = subprocess.run([DERPMAP, *words], stdout=full,
                                      stderr=subprocess.PIPE, timeout=120,
                                      check=False)
                self.assertEqual(done.returncode, 2, words)
                self.assertIn(b"cannot write", done.stderr)

    def test_policy_in_place(self):
        with tempfile.TemporaryDirectory() as name:
            file = pathlib.Path(name) / "p.hujson"
            file.write_text("{\n  // mine\n  \"acls\": []\n}\n")
            file.chmod(0o640)
            done = run("convert", "--to", "policy", "--into", str(file), "-o",
                       str(file), "-", stdin=self.MAP)
            self.assertEqual((done.returncode, done.stdout), (0, b""))
            text = file.read_text()
            self.assertTrue(text.startswith(
                "{\n  // mine\n  \"acls\": [],\n  \"derpMap\": {\n    \"Reg"))
            self.assertEqual(file.stat().st_mode & 0o777, 0o640)

    def test_misuse(self):
        for words in (["merge"], ["diff", "a"], ["show"], ["show", "a", "b"],
                      ["show", "--tree", "--format", "json", "a"],
                      ["merge", "--drop", "x", "a"],
                      ["merge", "--drop", "9-1", "a"],
                      ["merge", "--only", "", "a"],
                      ["merge", "--into", "p", "a"],
                      ["convert", "--into", "p", "a"],
                      ["merge", "--max-size", "0", "a"],
                      ["diff", "--max-size", "129", "a", "b"],
                      ["show", "--max-size", "0", "a"]):
            done = run(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn(b"usage: derpmap " + words[0].encode(), done.stderr)


if __name__ == "__main__":
    unittest.main()
