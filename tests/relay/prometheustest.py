"""A real Prometheus, for scenarios: started on a free port, asked over HTTP."""

import http.client
import json
import subprocess
import urllib.parse
import urllib.request

from relaytest import HOST, free_port, wait_until

TRIES = 5


class Prometheus:
    def __init__(self, test, config):
        """config: path of its configuration. It is stopped behind the test."""
        self.proc = None
        test.addCleanup(self.end)
        # another program may take a free port first
        for _ in range(TRIES):
            port = free_port()
            self.url = f"http://{HOST}:{port}/api/v1/"
            self.start(test, config, port)
            wait_until(lambda: self.proc.poll() is not None or self.is_ours(port), "Prometheus to start")
            if self.proc.poll() is None:
                return
        with open(test.path("prometheus.log"), encoding="utf-8") as f:
            raise AssertionError("Prometheus does not start: " + f.read()[-2000:])

    def start(self, test, config, port):
        with open(test.path("prometheus.log"), "wb") as log:
            self.proc = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    "--storage.tsdb.path=" + test.path("data"),
                    f"--web.listen-address={HOST}:{port}",
                ],
                stdout=log,
                stderr=log,
                cwd=test.folder,
            )

    def is_ours(self, port):
        """Whether the one on the port is the one that was started there."""
        try:
            flags = self.get("status/flags")
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            return False
        return flags.get("web.listen-address") == f"{HOST}:{port}"

    def end(self):
        if self.proc:
            self.proc.kill()
            self.proc.wait()

    def get(self, path, **query):
        url = self.url + path + "?" + urllib.parse.urlencode(query)
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, text):
        """Samples by their labels; None while it does not answer."""
        try:
            found = self.get("query", query=text)["result"]
        except OSError:
            return None
        return {tuple(sorted(x["metric"].items())): float(x["value"][1]) for x in found}
