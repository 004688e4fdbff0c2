#!/usr/bin/env python3
"""The metrics as monitoring systems take them: promtool's rules, and a real
Prometheus that scrapes a relay."""

import json
import shutil
import subprocess
import unittest
import urllib.parse
import urllib.request

from relaytest import HOST, Scenario, free_port, ours_only, request, wait_until

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
        """Its address, once it is ready."""
        config = self.write("prometheus.yml", CONFIG % (HOST, relay.port))
        port = free_port()
        proc = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                "--storage.tsdb.path=" + self.path("data"),
                f"--web.listen-address={HOST}:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
        )
        self.addCleanup(proc.wait)
        self.addCleanup(proc.kill)
        return f"http://{HOST}:{port}"

    def query(self, server, text):
        """Samples by their labels; None while it does not answer."""
        url = f"{server}/api/v1/query?" + urllib.parse.urlencode({"query": text})
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return None
        return {tuple(sorted(x["metric"].items())): float(x["value"][1]) for x in found}

    def wait_value(self, server, text, value):
        def values():
            found = self.query(server, text)
            return found and list(found.values()) == [value]

        wait_until(values, f"{text} to be {value}")

    @have("prometheus")
    def test_a_real_one_scrapes_all_of_it(self):
        p = self.peer()
        # its name is a label's value
        nodes = self.write('no"d\\es', "nodekey:" + p.key("a") + "\n")
        relay = self.derper(f"-verify-nodes={nodes}", stun=True)
        p.login(relay, "a")
        p.refused(relay, "b")
        server = self.start(relay)
        self.wait_value(server, "up", 1)
        self.wait_value(server, "derp_accepts", 1)
        self.wait_value(server, 'derpkit_admission_answers_total{verdict="deny"}', 1)
        self.wait_value(server, 'derpkit_admission_source_keys{place="1"}', 1)
        self.wait_value(server, 'derpkit_stun_answer_seconds_bucket{le="+Inf"}', 0)
        # as many samples as there are in the page: none was refused
        page = request(relay, "/metrics").body.decode()
        lines = [x for x in page.splitlines() if x and not x.startswith("#")]
        self.wait_value(server, "scrape_samples_scraped", len(lines))
        types = self.metadata(server)
        self.assertEqual(types["derp_accepts"], "counter")
        self.assertEqual(types["derpkit_queue_bytes"], "gauge")
        self.assertEqual(types["derp_mesh_update_batch_size"], "histogram")

    def metadata(self, server):
        with urllib.request.urlopen(f"{server}/api/v1/metadata") as answer:
            return {k: v[0]["type"] for k, v in json.load(answer)["data"].items()}

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
