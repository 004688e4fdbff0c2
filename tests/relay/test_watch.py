"""derpverify watch and list: what sources name, and how that changes; sources that
are programs."""

import json
import os
import signal
import subprocess
import unittest

from relaytest import PATIENCE, Lines, Scenario, clean_env, ours_only, wait_until
from servetest import DERPVERIFY, Server

ONE, TWO, THREE = "11" * 32, "22" * 32, "33" * 32
SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../schemas")


def check_schema(document, name):
    """Fails where the document is not what the schema says."""
    import jsonschema

    with open(os.path.join(SCHEMAS, name + ".schema.json"), encoding="utf-8") as f:
        jsonschema.validate(document, json.load(f))


class Nodes(Scenario):
    def nodes(self, *lines):
        self.write("nodes", "".join(x + "\n" for x in lines))

    def run_tool(self, *words):
        done = subprocess.run(
            [DERPVERIFY, *words],
            cwd=self.folder,
            env=clean_env(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout, done.stderr


@ours_only
class Watch(Nodes):
    def watch(self, *options):
        proc = subprocess.Popen(
            [DERPVERIFY, "watch", "--nodes", "nodes", *options],
            cwd=self.folder,
            env=clean_env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        out = Lines(proc.stdout)

        def stop():
            proc.send_signal(signal.SIGTERM)
            self.assertEqual(proc.wait(PATIENCE), 0)
            out.thread.join(PATIENCE)

        self.addCleanup(stop)
        return proc, out

    def test_the_folder_of_the_relay_is_left_alone(self):
        self.nodes(ONE)
        os.mkdir(self.path("state"))
        self.write("config", f"last-good-folder: {self.path('state')}\nsources:\n- nodes: nodes\n")
        proc = subprocess.Popen(
            [DERPVERIFY, "watch", "--config", "config"],
            cwd=self.folder,
            env=clean_env(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        out = Lines(proc.stdout)
        try:
            out.wait("listed")
        finally:
            proc.send_signal(signal.SIGTERM)
            self.assertEqual(proc.wait(PATIENCE), 0)
            out.thread.join(PATIENCE)
        self.assertEqual(os.listdir(self.path("state")), [])

    def changes(self, proc, out, pattern):
        """Makes every kind of change, one after the other."""
        out.wait(pattern("listed", ""))
        self.nodes(ONE + " one", TWO + " two")
        out.wait(pattern("added", TWO))
        self.nodes(ONE + " one", TWO + " renamed")
        out.wait(pattern("changed", TWO))
        self.nodes(TWO + " renamed")
        out.wait(pattern("removed", ONE))
        os.unlink(self.path("nodes"))
        out.wait(pattern("lost", ""))
        self.nodes(TWO + " renamed")
        out.wait(pattern("back", ""))
        self.nodes("# none")
        out.wait(pattern("doubted", ""))
        proc.send_signal(signal.SIGHUP)  # which the operator believes
        out.wait(pattern("removed", TWO))

    def test_text(self):
        self.nodes(ONE + " one")
        proc, out = self.watch()
        self.changes(proc, out, lambda event, key: rf"Z {event} *node list nodes: .*{key}")

    def test_json(self):
        self.nodes(ONE + " one")
        proc, out = self.watch("--format", "json")
        self.changes(proc, out, lambda event, key: rf'"event":"{event}".*{key}')
        events = [json.loads(line) for line in out.lines]
        for event in events:
            check_schema(event, "verify-watch")
        self.assertEqual(events[0]["count"], 1)
        names = [e["node"]["name"] for e in events if e["event"] == "removed"]
        self.assertEqual(names, ["one", "renamed"])

    def test_what_cannot_be_watched(self):
        status, _, err = self.run_tool("watch", "--url", "http://127.0.0.1:9/verify")
        self.assertEqual(status, 2)
        self.assertIn("none of the sources tells of changes", err)
        self.assertEqual(self.run_tool("watch")[0], 2)
        self.assertEqual(self.run_tool("watch", "--nodes", "missing")[0], 2)


@ours_only
class List(Nodes):
    def test_two_sources(self):
        self.nodes(ONE + " one", TWO)
        row = {"node_key": "nodekey:" + THREE, "given_name": "three", "expiry": {"seconds": 1}}
        self.write("more", json.dumps([row]))
        sources = ("--nodes", "nodes", "--nodes", "more")
        status, out, _ = self.run_tool("list", *sources)
        self.assertEqual(status, 0)
        lines = out.splitlines()
        self.assertRegex(lines[0], rf"^nodekey:{ONE} one # never expires; node list nodes, \d s ago")
        self.assertRegex(lines[1], f"^nodekey:{TWO} # never expires; ")
        self.assertRegex(lines[2], f"^# nodekey:{THREE} three # expired 1970-01-01T00:00:01Z; ")
        self.write("again", out)  # it is a node list
        status, out, _ = self.run_tool("list", "again")
        self.assertEqual((status, out), (0, f"nodekey:{ONE} one\nnodekey:{TWO}\n"))
        status, out, _ = self.run_tool("list", *sources, "--format", "json")
        self.assertEqual(status, 0)
        document = json.loads(out)
        check_schema(document, "verify-list")
        self.assertEqual([n["source"] for n in document["nodes"]][1:],
                         ["node list nodes", "node list more"])
        self.assertTrue(document["nodes"][2]["expired"])

    def test_dates_of_a_file_are_comments(self):
        row = {"node_key": "nodekey:" + ONE, "given_name": "one", "expiry": {"seconds": 32503680000}}
        self.write("nodes", json.dumps([row]))
        status, out, _ = self.run_tool("list", "nodes")
        self.assertEqual((status, out),
                         (0, f"nodekey:{ONE} one # expires 3000-01-01T00:00:00Z\n"))
        self.write("again", out)
        self.assertEqual(self.run_tool("list", "again")[:2], (0, f"nodekey:{ONE} one\n"))

    def test_a_path_that_may_be_a_token_is_not_shown(self):
        self.nodes(ONE)
        url = "http://127.0.0.1:9/verify/TOKEN"
        for words in (("list", "--nodes", "nodes", "--url", url),
                      ("explain", "--url", url, "nodekey:" + ONE)):
            status, out, err = self.run_tool(*words)
            self.assertEqual(status, 2)
            self.assertIn("url http://127.0.0.1:9", out + err)
            self.assertNotIn("TOKEN", out + err)

    def test_what_cannot_be_listed(self):
        self.nodes(ONE)
        url = "http://user:secret@127.0.0.1:9/verify?token=secret"
        status, out, err = self.run_tool("list", "--nodes", "nodes", "--url", url)
        self.assertEqual((status, out), (2, ""))
        self.assertIn("url http://127.0.0.1:9/verify: can only be asked about one key", err)
        self.assertNotIn("secret", err)
        self.assertEqual(self.run_tool("list", "--nodes", "nodes", "nodes")[0], 2)

    def test_of_a_file_what_can_only_be_asked_is_left_out(self):
        self.nodes(ONE)
        self.write("config", "policy: any\nsources:\n- nodes: nodes\n- url: http://127.0.0.1:9/verify\n")
        status, out, err = self.run_tool("list", "--config", "config")
        self.assertEqual(status, 0, err)
        self.assertRegex(out, f"^nodekey:{ONE} ")
        self.assertIn("url http://127.0.0.1:9/verify: can only be asked about one key", err)
        self.write("config", "sources:\n- url: http://127.0.0.1:9/verify\n")
        self.assertEqual(self.run_tool("list", "--config", "config")[:2], (2, ""))


HEADSCALE = """#!/bin/sh
[ "$*" = "nodes list -o json" ] || { echo "unknown: $*" >&2; exit 2; }
cat "$(dirname "$0")/database"
"""


@ours_only
class Command(Nodes):
    """A program that prints what headscale nodes list -o json does."""

    def setUp(self):
        super().setUp()
        os.chmod(self.write("headscale", HEADSCALE), 0o755)
        self.words = [self.path("headscale"), "nodes", "list", "-o", "json"]
        self.config = self.write(
            "c.yaml", f"sources:\n- command: {json.dumps(self.words)}\n  refresh: 200ms\n"
        )
        self.database(ONE, TWO)

    def database(self, *keys):
        rows = [
            {"id": n, "node_key": "nodekey:" + k, "given_name": f"n{n}", "expiry": None}
            for n, k in enumerate(keys)
        ]
        self.write("database", json.dumps(rows))

    def test_check_and_list(self):
        config = ("--config", self.config)
        for options in config, ("--command", " ".join(self.words)):
            status, out, err = self.run_tool("list", *options)
            self.assertEqual(status, 0, err)
            self.assertRegex(out, f"^nodekey:{ONE} n0 # never expires; command ")
            self.assertRegex(out, f"\nnodekey:{TWO} n1 # ")
            self.assertEqual(self.run_tool("check", *options, TWO)[0], 0)
            self.assertEqual(self.run_tool("check", *options, THREE)[0], 1)
        out = self.run_tool("explain", *config)[1]
        self.assertIn(f"- command {self.words[0]}\n", out)
        self.assertIn("derper does not take this source", out)

    def test_its_words_may_be_secret(self):
        self.write("quiet", f"#!/bin/sh\ncat {self.path('database')}\n")
        os.chmod(self.path("quiet"), 0o755)
        config = self.write("s.yaml", json.dumps({"sources": [
            {"command": [self.path("quiet"), "--api-key", "SECRET", "https://h/SECRET"]}]}))
        for args in (("explain",), ("explain", ONE), ("check", ONE), ("list",)):
            status, out, err = self.run_tool(args[0], "--config", config, *args[1:])
            self.assertIn("command ", out + err)
            self.assertNotIn("SECRET", out + err)

    def test_why_it_fails(self):
        status, out, err = self.run_tool("list", "--command", self.path("headscale") + " users")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("headscale ended with status 2: unknown: users", err)
        self.assertEqual(self.run_tool("list", "--command", " ")[0], 2)

    def test_the_file_is_what_the_schema_says(self):
        check_schema({"sources": [{"command": self.words, "command-timeout": "5s"}]},
                     "verify-config")

    def test_serve(self):
        s = Server(self, "--config", self.config)
        wait_until(lambda: s.ask(ONE).text == '{"Allow": true}\n', "the list")
        self.assertEqual(s.ask(THREE).text, '{"Allow":false}\n')
        self.database(TWO, THREE)
        wait_until(lambda: s.ask(THREE).text == '{"Allow": true}\n', "the new node")
        self.assertEqual(s.ask(ONE).text, '{"Allow":false}\n')
        os.unlink(self.path("database"))
        s.log.wait("headscale ended with status 1: cat: ")
        self.assertEqual(s.ask(TWO).text, '{"Allow": true}\n')  # as last known


if __name__ == "__main__":
    unittest.main()
