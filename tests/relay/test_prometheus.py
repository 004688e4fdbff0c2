#!/usr/bin/env python3
"""The metrics as monitoring systems take them: promtool's rules, and a real
Prometheus that scrapes a relay."""

import shutil
import subprocess
import unittest

import prometheustest
from relaytest import HOST, Scenario, ours_only, request, wait_until

CONFIG = """
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
- job_name: derper
  static_configs: [{targets: ["%s:%d"]}]
"""


def have(program):
    return unittest.skipUnless(shutil.which(program), f"{program} is not installed")


@ours_only
class Prometheus(Scenario):
    def start(self, relay):
        config = self.write("prometheus.yml", CONFIG % (HOST, relay.port))
        return prometheustest.Prometheus(self, config)

    def wait_value(self, server, text, value):
        def values():
            found = server.query(text)
            return found and list(found.values()) == [value]

        wait_until(values, f"{text} to be {value}")

    @have("prometheus")
    def test_a_real_one_scrapes_all_of_it(self):
        p = self.peer()
        # its name is a label's value
        nodes = self.write('no"d\\es', "nodekey:" + p.key("a") + "\n")
        # which has to be UTF-8, or all of it is lost
        odd = self.write("no\udcff\u202edes", "nodekey:" + p.key("a") + "\n")
        relay = self.derper(f"-verify-nodes={nodes}", f"-verify-nodes={odd}", stun=True)
        p.login(relay, "a")
        p.refused(relay, "b")
        server = self.start(relay)
        self.wait_value(server, "up", 1)
        self.wait_value(server, "derp_accepts", 1)
        self.wait_value(server, 'derpkit_admission_answers_total{verdict="deny"}', 1)
        for place in "12":
            self.wait_value(server, f'derpkit_admission_source_keys{{place="{place}"}}', 1)
        self.wait_value(server, 'derpkit_stun_answer_seconds_bucket{le="+Inf"}', 0)
        # as many samples as there are in the page: none was refused
        page = request(relay, "/metrics").body.decode()
        lines = [x for x in page.splitlines() if x and not x.startswith("#")]
        self.wait_value(server, "scrape_samples_scraped", len(lines))
        types = {k: v[0]["type"] for k, v in server.get("metadata").items()}
        self.assertEqual(types["derp_accepts"], "counter")
        self.assertEqual(types["derpkit_queue_bytes"], "gauge")
        self.assertEqual(types["derp_mesh_update_batch_size"], "histogram")
        self.assertEqual(types["derp_buffered_write_frames"], "histogram")

    @have("promtool")
    def test_promtool_has_nothing_against_ours(self):
        nodes = self.write("nodes", "")
        relay = self.derper(f"-verify-nodes={nodes}", "-verify-allow-empty")
        text = request(relay, "/metrics").body
        self.assertIn(b"derpkit_admission_source_answers_total{", text)
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
        complaints = done.stderr.decode().splitlines()
        # 3: it can be read, and upstream's names break rules of style
        self.assertEqual(done.returncode, 3, complaints)
        ours = [x for x in complaints if x.startswith(("derpkit_", "process_"))]
        self.assertEqual([x for x in ours if not x.startswith("process_start_unix_time")], [])
        self.assertFalse([x for x in complaints if "error while" in x])


if __name__ == "__main__":
    unittest.main()
