"""A real Prometheus, for scenarios: started on a free port, asked over HTTP."""

import json
import subprocess
import urllib.parse
import urllib.request

from relaytest import HOST, free_port


class Prometheus:
    def __init__(self, test, config):
        """config: path of its configuration. It is stopped behind the test."""
        port = free_port()
        proc = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={config}",
                "--storage.tsdb.path=" + test.path("data"),
                f"--web.listen-address={HOST}:{port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=test.folder,
        )
        test.addCleanup(proc.wait)
        test.addCleanup(proc.kill)
        self.url = f"http://{HOST}:{port}/api/v1/"

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
