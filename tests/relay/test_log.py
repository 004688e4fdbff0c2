#!/usr/bin/env python3
"""The log: formats, levels, and lines about connections."""

import json
import os
import re
import subprocess
import unittest

import jsonschema

from relaytest import DERPER, HOST, Scenario, clean_env, free_port, ours_only

HERE = os.path.dirname(os.path.abspath(__file__))
GO_TIME = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ")


def schema():
    with open(os.path.join(HERE, "../../schemas/log.schema.json"), encoding="utf-8") as f:
        return jsonschema.Draft202012Validator(json.load(f))


@ours_only
class Log(Scenario):
    def end(self, relay):
        relay.exit_expected = True
        self.assertEqual(relay.stop(), 0)

    def lines(self, relay):
        with relay.log.cond:
            return list(relay.log.lines)

    def objects(self, relay):
        """All lines, as what they are."""
        found, check = [], schema()
        for line in self.lines(relay):
            found.append(json.loads(line))
            check.validate(found[-1])
        return found

    def client_events(self, relay):
        """A client connects, sends and leaves; a second one is cut off."""
        p = self.peer()
        key = p.key("a")
        p.login(relay, "a", "b")
        p.do("send a b " + "00" * 1000)
        p.expect("recv b a 1000 .*")
        p.do("end a")
        p.expect("closed a .*")
        relay.wait_log("client disconnected.*closed by the client")
        p.do("frame b 04 00")  # shorter than a key
        p.expect("closed b .*")
        relay.wait_log("client disconnected.*frame")
        return "nodekey:" + key

    def test_json_lines_follow_the_schema(self):
        relay = self.derper("-log-format=json", "-log-connections", "-log-level=debug", tls=True)
        key = self.client_events(relay)
        self.end(relay)
        found = self.objects(relay)
        connected = [x for x in found if x["message"] == "client connected"]
        left = [x for x in found if x["message"] == "client disconnected"]
        self.assertEqual((len(connected), len(left)), (2, 2))
        self.assertEqual(connected[0]["key"] == key or connected[1]["key"] == key, True)
        mine = next(x for x in left if x["key"] == key)
        self.assertEqual(mine["reason"], "closed by the client")
        self.assertGreater(mine["received_bytes"], 1000)
        self.assertGreater(mine["sent_bytes"], 100)
        self.assertTrue(mine["address"].startswith(HOST + ":"))
        self.assertIn(mine["address"], [x["address"] for x in connected])
        self.assertEqual({"info"}, {x["level"] for x in connected + left})
        self.assertIn("warn", {x["level"] for x in found})

    def test_text_has_them_too(self):
        relay = self.derper("-log-connections")
        key = self.client_events(relay)
        self.end(relay)
        text = "\n".join(self.lines(relay))
        self.assertRegex(text, rf"client connected key={key} address={HOST}:\d+")
        self.assertRegex(
            text,
            rf'client disconnected key={key} address={HOST}:\d+ reason="closed by the client" '
            r"received_bytes=\d+ sent_bytes=\d+ duration_ms=\d+",
        )

    def test_they_are_not_there_unasked(self):
        relay = self.derper()
        p = self.peer()
        p.login(relay, "a")
        p.do("end a")
        p.expect("closed a .*")
        self.end(relay)
        self.assertNotIn("client connected", relay.log.text())
        self.assertNotIn("client disconnected", relay.log.text())

    def test_who_is_connected_at_the_end_is_told(self):
        relay = self.derper("-log-connections")
        p = self.peer()
        p.login(relay, "a")
        self.end(relay)
        self.assertIn('reason="the relay shuts down"', relay.log.text())

    def test_the_journal_gets_levels_and_no_time(self):
        relay = self.derper("-log-format=journal", "-log-connections")
        p = self.peer()
        p.login(relay, "a")
        self.end(relay)
        lines = self.lines(relay)
        self.assertEqual([x for x in lines if not re.match(r"<[3467]>\S", x)], [])
        self.assertEqual([x for x in lines if GO_TIME.search(x)], [])
        self.assertIn("<4>", {x[:3] for x in lines})
        self.assertTrue(any(x.startswith("<6>client connected key=nodekey:") for x in lines))

    def test_the_journal_is_found_by_its_stream(self):
        """As systemd starts it: the variable names what standard error is."""
        for off, first in ((0, "<"), (1, "2")):
            read_end, write_end = os.pipe()
            st = os.fstat(write_end)
            env = clean_env({"JOURNAL_STREAM": f"{st.st_dev}:{st.st_ino + off}"})
            with os.fdopen(read_end) as lines:
                proc = subprocess.Popen(
                    [DERPER, f"-a={HOST}:{free_port()}", "-stun=false", "-c=/dev/null/x"],
                    stderr=write_end,
                    env=env,
                )
                os.close(write_end)
                text = lines.read()
            self.assertEqual(proc.wait(), 1)
            self.assertEqual(text[0], first, text)

    def test_levels_leave_lines_out(self):
        relay = self.derper("-log-level=warn", "-core-dumps")  # or is_up needs a line
        relay.wait_log("open relay")
        self.end(relay)
        text = relay.log.text()
        self.assertIn("open relay", text)
        self.assertNotIn("listening on", text)

    def test_values_are_checked(self):
        for flag, wanted in (
            ("-log-format=xml", "use auto, text, json or journal"),
            ("-log-level=all", "use error, warn, info or debug"),
        ):
            status, _, err = self.run_relay([flag, f"-a={HOST}:{free_port()}"])
            self.assertEqual(status, 1)
            self.assertIn(wanted, err)


if __name__ == "__main__":
    unittest.main()
