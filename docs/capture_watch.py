#!/usr/bin/env python3
"""Makes the pictures of the dashboard and of the status page: a relay under
load for a minute and a half, a real Prometheus beside it, and the expressions
of the Grafana dashboard drawn by matplotlib (Debian: python3-matplotlib).

  capture_watch.py BIN TESTS OUT    BIN: derper, derp-load; TESTS: derp-peer
"""

import os
import subprocess
import sys
import threading
import time

BIN, TESTS, OUT = (os.path.abspath(x) for x in sys.argv[1:4])
os.environ.update(DERPER_BUILT=f"{BIN}/derper", DERP_PEER=f"{TESTS}/derp-peer")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../tests/relay")
sys.argv[1:] = []

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from prometheustest import Prometheus
from relaytest import HOST, Scenario
from test_monitoring import EXAMPLES, dashboard_expressions

CHOSEN = {
    "Packets": 1e3,
    "Connections": 1,
    "Logins": 1,
    "Processors in use": 1,
    "Resident memory": 2**20,
    "CPU per packet": 1e-6,
}
LABELS = {"Packets": "thousands a second", "Resident memory": "MiB", "CPU per packet": "µs"}
# each phase of the load: pairs, packets a second, seconds
PHASES = ((10, 2000, 20), (100, 8000, 25), (200, 20000, 25), (20, 3000, 20))


class Capture(Scenario):
    def load(self, relay):
        for pairs, rate, seconds in PHASES:
            subprocess.run(
                [
                    f"{BIN}/derp-load",
                    "flow",
                    "-addr",
                    f"{HOST}:{relay.port}",
                    "-tls",
                    *("-pairs", str(pairs), "-rate", str(rate)),
                    *("-warmup", "1s", "-measure", f"{seconds}s"),
                ],
                stdout=subprocess.DEVNULL,
                check=True,
            )

    def screenshot(self, relay, name, *more):
        url = f"https://{HOST}:{relay.port}/debug/status"
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
            + ["--virtual-time-budget=3000", "--ignore-certificate-errors", "--window-size=1000,900", *more]
            + [f"--user-data-dir={self.path('chromium')}"]
            + [f"--screenshot={OUT}/{name}", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )

    def draw(self, server, begun):
        fig, axes = plt.subplots(2, 3, figsize=(12, 5.2), layout="constrained")
        wanted = {}
        for title, text in dashboard_expressions():
            if title in CHOSEN:
                wanted.setdefault(title, []).append(text)
        for ax, (title, scale) in zip(axes.flat, CHOSEN.items()):
            for text in wanted[title]:
                found = server.get(
                    "query_range", query=text, start=begun, end=time.time(), step=1
                )
                for series in found["result"]:
                    points = [(t - begun, float(v) / scale) for t, v in series["values"]]
                    ax.plot(*zip(*points), linewidth=1.2)
            ax.set_title(title, loc="left", fontsize=10)
            ax.set_ylabel(LABELS.get(title, ""), fontsize=8)
            ax.set_ylim(bottom=0)
            ax.grid(alpha=0.3)
            ax.spines[["top", "right"]].set_visible(False)
        for ax in axes[1]:
            ax.set_xlabel("seconds", fontsize=8)
        fig.savefig(f"{OUT}/dashboard.svg")

    def test_capture(self):
        relay = self.derper(tls=True, stun=True)
        text = (EXAMPLES / "prometheus.yml").read_text().replace(": 15s", ": 1s")
        text = text.replace("server_name: derp1.example.org", "insecure_skip_verify: true")
        text = text.replace("100.64.0.7:443", f"{HOST}:{relay.port}")
        text = text.replace("derpkit-alerts.yml", str(EXAMPLES / "derpkit-alerts.yml"))
        server = Prometheus(self, self.write("prometheus.yml", text))
        begun = time.time()
        load = threading.Thread(target=self.load, args=(relay,))
        load.start()
        time.sleep(sum(x[2] for x in PHASES) - 10)
        self.screenshot(relay, "status.png")
        load.join()
        self.draw(server, begun)


if __name__ == "__main__":
    import unittest

    unittest.main()
