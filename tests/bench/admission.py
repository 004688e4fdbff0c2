"""What admission costs: logins that are verified, decisions of the engine, and
how soon a node that was deleted is disconnected.

Relays are compared on one stub, a program of its own (`admission.py stub`) on
the load's processors, which admits every key. What only ours has is shown alone.
"""

import asyncio
import ctypes
import ctypes.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

import deletion
from relays import Failure
from scenarios import Login, Metric, Scenario

HERE = os.path.dirname(os.path.abspath(__file__))
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n"
ALLOW = b'{"Allow":true}\n'
KEYS = 100000  # the most of one node list
FIRST_PRIVATE_KEY = 1  # of derp-crowd with DERP_CROWD_FIXED_KEYS
WAIT_S = 60


async def answer_all(reader, writer):
    """Admits every key, request after request on a connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            at = head.find(b"content-length:") + len(b"content-length:")
            await reader.readexactly(int(head[at:head.index(b"\r", at)]))
            writer.write(ANSWER + ALLOW)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def serve_stub():
    server = await asyncio.start_server(answer_all, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # standard input ends with who started it
    asyncio.get_running_loop().add_reader(0, os._exit, 0)
    await server.serve_forever()


class Stub:
    """The stub in a program of its own; `url` is where it answers."""

    def __init__(self, cores):
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.abspath(__file__), "stub"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        self.url = "http://127.0.0.1:%d/verify" % int(
            self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


class Verified(Login):
    name = "verified"
    title = "CPU per login, each verified by a URL"
    stub = None

    def cases(self):
        for tls in (True, False):  # a handshake costs more than a question
            yield tls, {"clients": self.set.logins, "concurrency": 16}

    def flags(self, params):
        if self.stub is None:
            self.stub = Stub(self.bench.machine.load)
        return ["-verify-client-url=" + self.stub.url,
                "-verify-client-url-fail-open=false"]

    def finish(self):
        if self.stub is not None:
            self.stub.stop()


class OursAlone(Scenario):
    """Has no counterpart in the Go derper."""

    def fits(self, relay):
        return relay.name == "ours"

    def program(self, name):
        """A tool that is built beside derp-load, or among the tests."""
        folder = os.path.dirname(self.bench.work.program)
        for path in (folder, os.path.join(folder, "..", "tests")):
            if os.access(os.path.join(path, name), os.X_OK):
                return os.path.join(path, name)
        raise Failure("no program %s beside derp-load" % name)


class Decisions(OursAlone):
    name = "decisions"
    title = "Decisions of the admission engine"

    def cases(self):
        seconds = 1 if self.set.runs == 1 else 3
        yield False, {"from": "set", "keys": KEYS, "seconds": seconds}
        yield False, {"from": "questions", "concurrency": 64,
                      "seconds": seconds}

    def label(self, params):
        if params["from"] == "set":
            return "from a set of %d keys, one core" % params["keys"]
        return "asked at a URL, %d at a time" % params["concurrency"]

    def metrics(self, params):
        found = [Metric("per_s", "decisions", "1/s", "higher"),
                 Metric("us", "CPU per decision", "us")]
        if params["from"] == "set":
            found.append(Metric("list_mb", "memory of the set", "MB"))
        return found

    def run(self, *words):
        tool = self.program("derp-verify-load")
        cores = self.bench.machine.relay
        done = subprocess.run(
            [tool, *map(str, words)], capture_output=True, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))
        if done.returncode != 0:
            raise Failure("derp-verify-load: " + done.stderr)
        return done.stdout

    def measure(self, running, params):
        if params["from"] == "set":
            with tempfile.NamedTemporaryFile("w", prefix="derp-bench-") as f:
                f.write(self.run("list", params["keys"]))
                f.flush()
                report = self.run("set", f.name, params["keys"],
                                  params["seconds"], 1)
        else:
            stub = Stub(self.bench.machine.load)
            try:
                report = self.run("ask", stub.url, params["concurrency"],
                                  params["seconds"])
            finally:
                stub.stop()
        return self.judged(json.loads(report), params)

    @staticmethod
    def judged(report, params):
        if report["allowed"] < report["decided"] * 0.8:
            raise Failure("the engine denied what it should allow")
        per_s = report["decided"] / report["seconds"]
        # the stub is slower than the engine
        limit = "load" if params["from"] == "questions" else "relay"
        return {**report, "per_s": per_s, "limit": limit, "noisy": False,
                "us": 1e6 * report["cpu_s"] / report["decided"],
                "list_mb": report["list_kb"] / 1000}


def public_keys(count):
    """Those of derp-crowd's first clients, hex."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    public = ctypes.create_string_buffer(32)
    for number in range(FIRST_PRIVATE_KEY, FIRST_PRIVATE_KEY + count):
        sodium.crypto_scalarmult_base(public, number.to_bytes(32, "big"))
        yield public.raw.hex()


class Crowd:
    """A derp-crowd whose clients have known keys."""

    def __init__(self, program, running, cores):
        host, port = running.addr.rsplit(":", 1)
        self.process = subprocess.Popen(
            [program, host, port] + (["tls"] if running.tls else []),
            env=dict(os.environ, DERP_CROWD_FIXED_KEYS="1"), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            preexec_fn=lambda: os.sched_setaffinity(0, cores))

    def login(self, count):
        self.process.stdin.write("login %d\n" % count)
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        if words[:3] != ["login", str(count), "0"]:
            raise Failure("derp-crowd: " + " ".join(words))

    def wait_broken(self, count):
        """Until so many connections were ended by the relay."""
        alarm = threading.Timer(WAIT_S, self.process.kill)
        alarm.start()
        for _ in range(count):
            if not self.process.stdout.readline().startswith("broken "):
                raise Failure("of %d clients not all were disconnected within "
                              "%d s" % (count, WAIT_S))
        alarm.cancel()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(WAIT_S)


class Deleted(OursAlone):
    name = "deleted"
    title = "From the deletion of a node to its disconnection"
    keep = "ff" * 32  # in the list before and after: it never is empty

    def __init__(self, bench):
        super().__init__(bench)
        self.source = None

    def cases(self):
        many = 2000 if self.set.runs == 1 else 10000
        for name in deletion.SOURCES:
            for clients in (1, many):
                yield True, {"source": name, "clients": clients}

    def label(self, params):
        return "%s, %d connections" % (params["source"], params["clients"])

    def metrics(self, params):
        return [Metric("seconds", "until the last is closed", "s")]

    def flags(self, params):
        self.finish()
        self.source = deletion.SOURCES[params["source"]](
            [self.keep, *public_keys(params["clients"])])
        return self.source.flags()

    def finish(self):
        if self.source is not None:
            self.source.stop()
            self.source = None

    def measure(self, running, params):
        crowd = Crowd(self.program("derp-crowd"), running,
                      self.bench.machine.load)
        try:
            crowd.login(params["clients"])
            time.sleep(self.set.settle)
            began = time.monotonic()
            self.source.put([self.keep])
            crowd.wait_broken(params["clients"])
            seconds = time.monotonic() - began
        finally:
            crowd.stop()
        return {"seconds": seconds, "limit": "none", "noisy": False}


ALL = [Verified, Decisions, Deleted]

if __name__ == "__main__" and sys.argv[1:] == ["stub"]:
    asyncio.run(serve_stub())
