#!/usr/bin/env python3
"""examples/monitoring as people use it: a real Prometheus with its
configuration and its alerts, a relay, derpmap probe behind node_exporter and
blackbox_exporter; every expression of the dashboard must find something."""

import json
import os
import re
import shutil
import socket
import subprocess
import unittest
from pathlib import Path

import prometheustest
from relaytest import (
    DERPER,
    HOST,
    PATIENCE,
    Scenario,
    free_port,
    make_cert,
    ours_only,
    stun_request,
    wait_until,
)

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[1] / "examples/monitoring"
PROGRAMS = (
    "prometheus",
    "promtool",
    "prometheus-node-exporter",
    "prometheus-blackbox-exporter",
)
# What Grafana puts in place of its variables.
VARIABLES = {"$__rate_interval": "5s", "$job": "derper", "$instance": ".*"}


def alerts():
    text = (EXAMPLES / "derpkit-alerts.yml").read_text()
    return re.findall(r"^ +- alert: (\w+)", text, re.M)


def dashboard_expressions():
    panels = json.loads((EXAMPLES / "grafana-derpkit.json").read_text())["panels"]
    for panel in panels:
        for target in panel.get("targets", []):
            text = target["expr"]
            for name, value in VARIABLES.items():
                text = text.replace(name, value)
            yield panel["title"], text


@ours_only
@unittest.skipUnless(all(map(shutil.which, PROGRAMS)), "one of %s is not there" % (PROGRAMS,))
class Monitoring(Scenario):
    def run_behind(self, *command):
        proc = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder
        )
        self.addCleanup(proc.wait)
        self.addCleanup(proc.kill)

    def probe(self, relay):
        """What derpmap probe says of the relay, for node_exporter."""
        os.mkdir(self.path("textfile"))
        derpmap = os.path.join(os.path.dirname(DERPER), "derpmap")
        region = {
            "RegionID": 900,
            "RegionCode": "home",
            "Nodes": [
                {
                    "Name": "900a",
                    "RegionID": 900,
                    "HostName": "localhost",
                    "IPv4": HOST,
                    "DERPPort": relay.port,
                    "STUNPort": relay.stun_port,
                    "InsecureForTests": True,
                    "CanPort80": False,
                }
            ],
        }
        world = self.write("derp.json", json.dumps({"Regions": {"900": region}}))
        done = subprocess.run(
            [derpmap, "probe", "--metrics-file", self.path("textfile/derpmap.prom"), world],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.assertTrue(os.path.exists(self.path("textfile/derpmap.prom")), done.stderr)

    def prometheus(self, relay):
        """With the example's configuration, whose addresses are the test's."""
        node, blackbox = free_port(), free_port()
        self.run_behind(
            "prometheus-node-exporter",
            "--collector.disable-defaults",
            "--collector.textfile",
            "--collector.textfile.directory=" + self.path("textfile"),
            f"--web.listen-address={HOST}:{node}",
        )
        self.run_behind(
            "prometheus-blackbox-exporter",
            f"--config.file={EXAMPLES}/blackbox.yml",
            f"--web.listen-address={HOST}:{blackbox}",
        )
        text = (EXAMPLES / "prometheus.yml").read_text()
        for old, new in (
            (
                "server_name: derp1.example.org",
                "server_name: localhost\n      insecure_skip_verify: true",
            ),
            ("100.64.0.7:443", f"{HOST}:{relay.port}"),
            ("127.0.0.1:9100", f"{HOST}:{node}"),
            ("127.0.0.1:9115", f"{HOST}:{blackbox}"),
            ("127.0.0.1:8080", f"{HOST}:{free_port()}"),
            ("https://derp1.example.org/", f"https://localhost:{relay.port}/"),
            ("derp_https]", "derp_pinned]"),
            (": 15s", ": 1s"),
            ("derpkit-alerts.yml", str(EXAMPLES / "derpkit-alerts.yml")),
        ):
            self.assertIn(old, text)
            text = text.replace(old, new)
        return prometheustest.Prometheus(self, self.write("prometheus.yml", text))

    def found(self, server, text):
        """Whether the expression gives numbers; fails where it is wrong."""
        samples = server.query(text)
        return samples and all(value == value for value in samples.values())

    def test_every_expression_finds_something(self):
        p = self.peer()
        nodes = self.write("nodes", p.key("a") + "\n" + p.key("b") + "\n")
        make_cert(self.folder, "localhost", "DNS:localhost")
        relay = self.derper(
            f"-verify-nodes={nodes}", tls=True, stun=True, hostname="localhost"
        )
        p.login(relay, "a", "b", options="name=localhost")
        self.probe(relay)
        server = self.prometheus(relay)
        wait_until(lambda: server.query('up{job="derper"} == 1'), "the relay to be scraped")

        def traffic():
            p.do("send a b 0a0b")
            stun(relay)
            return True

        for title, text in dashboard_expressions():
            with self.subTest(panel=title, expr=text):
                wait_until(lambda: traffic() and self.found(server, text), text)
        groups = wait_until(lambda: server.get("rules")["groups"], "the rules")
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertEqual([rule["name"] for rule in rules], alerts())

        def evaluated():
            found = [r for g in server.get("rules")["groups"] for r in g["rules"]]
            return all(r["health"] == "ok" for r in found)

        wait_until(evaluated, "all rules to be evaluated")
        wait_until(lambda: server.query('probe_success{job="derp-https"} == 1'), "the probe of HTTPS")

    def test_each_alert_fires_and_is_silent(self):
        tests = HERE / "alerts.test.yml"
        done = subprocess.run(
            ["promtool", "test", "rules", tests], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        text = tests.read_text()
        for name in alerts():
            self.assertIn(f"name: {name} fires", text)
            self.assertIn(f"name: {name} is silent", text)

    def test_promtool_takes_the_files(self):
        for kind, name in (("config", "prometheus.yml"), ("rules", "derpkit-alerts.yml")):
            done = subprocess.run(
                ["promtool", "check", kind, EXAMPLES / name], capture_output=True, text=True
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


def stun(relay):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(stun_request(), (HOST, relay.stun_port))


if __name__ == "__main__":
    unittest.main()
