"""A running derpverify serve, and requests to it."""

import http.client
import json
import os
import signal
import socket
import subprocess

from relaytest import HOST, PATIENCE, Lines, clean_env, free_port, tls_context

DERPVERIFY = os.environ.get("DERPVERIFY") or os.path.join(
    os.path.dirname(os.environ.get("DERPER_BUILT", "derper")), "derpverify"
)


class Server:
    """derpverify serve with these options, on a free port unless they say where
    to listen."""

    def __init__(self, test, *options, listen=True, wait=True):
        self.test, self.port = test, free_port()
        words = [DERPVERIFY, "serve", *options]
        if listen:
            words += ["--listen", f"{HOST}:{self.port}"]
        self.tls, self.killed = "--cert" in options, False
        self.proc = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=clean_env(),
            cwd=test.folder,
        )
        self.log = Lines(self.proc.stderr)
        test.addCleanup(self.check_end)
        if wait:
            self.log.wait("serving admission on")

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://{HOST}:{self.port}/verify"

    def stop(self, sig=signal.SIGTERM):
        """Ends it; its exit status."""
        if self.proc.poll() is None:
            self.proc.send_signal(sig)
        status = self.proc.wait(PATIENCE)
        self.log.thread.join(PATIENCE)
        return status

    def kill(self):
        """Ends it without its knowledge."""
        self.killed = True
        self.stop(signal.SIGKILL)

    def check_end(self):
        status, text = self.stop(), self.log.text()
        if "Sanitizer" in text or "runtime error" in text or (
            status not in (0, 2) and not self.killed
        ):
            raise AssertionError(f"derpverify serve ended with {status}:\n{text}")

    def connect(self):
        kind, options = http.client.HTTPConnection, {}
        if self.tls:
            kind, options = http.client.HTTPSConnection, {"context": tls_context()}
        conn = kind(HOST, self.port, timeout=PATIENCE, **options)
        self.test.addCleanup(conn.close)
        return conn

    def request(self, method="GET", path="/healthz", body=None, headers=None, conn=None):
        """A request on a connection of its own, or on that: the response, with
        its body in `text`."""
        own = conn is None
        conn = self.connect() if own else conn
        conn.request(method, path, body, headers or {})
        response = conn.getresponse()
        response.text = response.read().decode()
        if own:
            conn.close()
        return response

    def ask(self, key, source="", **options):
        options.setdefault("path", "/verify")
        return self.request("POST", body=question(key, source), **options)

    def metrics(self, **options):
        """All samples by name and labels."""
        text = self.request(path="/metrics", **options).text
        rows = (x.rsplit(" ", 1) for x in text.splitlines() if not x.startswith("#"))
        return {name: float(value) for name, value in rows}

    def metric(self, name):
        return self.metrics()["derpverify_" + name]


def question(key, source=""):
    return json.dumps({"NodePublic": f"nodekey:{key}", "Source": source})


class UnixConnection(http.client.HTTPConnection):
    """Over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self.path)
