#!/usr/bin/env python3
"""WebSocket clients that are not ours, at a relay of ours. Run by `make e2e`.

  chromium     a page logs in (browser.js, over tweetnacl of npm) and exchanges
               packets with another one of itself and with a native client
  wasm         upstream's own client, compiled for a page, in chromium
  websockets   PyPI
  autobahn     its fuzzing client (autobahntestsuite, Python 2.7), at
               derp-websocket-echo: the relay's frames with an echo over them

What cannot be had is skipped, by name. Environment: see relaytest.py;
WEBSOCKET_ECHO is the program derp-websocket-echo.
"""

import functools
import http.server
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import nginx  # noqa: E402
import tools  # noqa: E402
from relaytest import (HOST, PATIENCE, Scenario, free_port, make_cert,  # noqa: E402
                       wait_until)

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ECHO = os.environ.get("WEBSOCKET_ECHO", "derp-websocket-echo")
SAID, HEARD = b"from the page", b"from elsewhere"

PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<title>derp</title>
<script>
const report = (verdict) => fetch("/report", {method: "POST", body: verdict});
</script>
"""
OUR_PAGE = PAGE + """<script src="nacl.js"></script>
<script src="browser.js"></script>
<script>
run().then(() => report("passed")).catch((why) => report(String(why)));
</script>
"""
WASM_PAGE = PAGE + """<script src="wasm_exec.js"></script>
<script>
const relayURL = new URLSearchParams(location.search).get("relay");
window.relayURL = relayURL;
window.report = report;
const go = new Go();
WebAssembly.instantiateStreaming(fetch("client.wasm"), go.importObject)
  .then((made) => go.run(made.instance)).catch((why) => report(String(why)));
</script>
"""


class PageHandler(http.server.BaseHTTPRequestHandler):
    """Serves what is in server.files, and keeps what is reported."""

    def do_GET(self):
        name = self.path.split("?")[0].lstrip("/")
        body = self.server.files.get(name)
        if body is None:
            return self.send_error(404)
        kind = {"js": "text/javascript", "wasm": "application/wasm"}.get(
            name.rpartition(".")[2], "text/html")
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        size = int(self.headers.get("Content-Length", "0"))
        self.server.reports.put(self.rfile.read(size).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass


def needs(install):
    """A test whose programs must be installed: skipped where they cannot be."""
    @functools.wraps(install)
    def wrapped(self):
        try:
            return install(self)
        except tools.Skipped as why:
            self.skipTest(str(why))
    return wrapped


class Installed(Scenario):
    def setUp(self):
        super().setUp()
        tools_folder = tempfile.TemporaryDirectory(prefix="derpkit-tools-",
                                                   ignore_cleanup_errors=True)
        self.addCleanup(tools_folder.cleanup)
        self.tools = pathlib.Path(tools_folder.name)

    def start(self, words, **options):
        """A program in a process group of its own, which ends with the test."""
        log = self.enterContext(open(self.path("program.log"), "ab"))
        proc = subprocess.Popen([str(w) for w in words], start_new_session=True,
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                **options)
        self.addCleanup(self.end, proc)
        return proc

    @staticmethod
    def end(proc):
        if proc.poll() is None:
            os.killpg(proc.pid, signal.SIGKILL)
        proc.wait(PATIENCE)

    def said(self):
        with open(self.path("program.log"), errors="replace") as f:
            return f.read()[-3000:]


@unittest.skipUnless(CHROMIUM, "there is no chromium")
class Browser(Installed):
    def serve(self, files):
        server = http.server.ThreadingHTTPServer((HOST, 0), PageHandler)
        server.files = {name: body if isinstance(body, bytes) else body.encode()
                        for name, body in files.items()}
        server.reports = queue.Queue()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def browse(self, server, words):
        """Opens the page; what it reports."""
        profile = self.path("profile")
        proc = self.start(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
             "--ignore-certificate-errors", "--remote-debugging-port=0",
             "--enable-logging=stderr",
             "--user-data-dir=" + profile,
             f"http://{HOST}:{server.server_port}/page.html?{words}"],
            env={**os.environ, "HOME": self.folder})

        def reported():
            self.assertIsNone(proc.poll(), self.said())
            return not server.reports.empty()
        try:
            wait_until(reported, "the page's report", 3 * PATIENCE)
        except AssertionError as why:
            raise AssertionError(f"{why}\n{self.said()}") from None
        return server.reports.get()

    def relay(self):
        make_cert(self.folder, HOST, "IP:" + HOST)
        return self.derper(tls=True)

    @needs
    def test_a_page_logs_in_and_exchanges_packets(self):
        nacl = tools.node(self.tools, "tweetnacl@1.0.3")
        relay, p = self.relay(), self.peer()
        p.login(relay, "native")
        server = self.serve({
            "page.html": OUR_PAGE,
            "nacl.js": (nacl / "nacl-fast.min.js").read_bytes(),
            "browser.js": (HERE / "browser.js").read_bytes()})

        def answer():
            got = p.expect(f"recv native (nodekey:[0-9a-f]*) {len(SAID)} .*",
                           3 * PATIENCE)
            p.do(f"send native {got.group(1)} {HEARD.hex()}")
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        verdict = self.browse(server, (
            f"relay=wss://{HOST}:{relay.port}/derp&native={p.key('native')}"
            f"&say={SAID.hex()}&hear={HEARD.hex()}"))
        self.assertEqual(verdict, "passed")
        thread.join(PATIENCE)
        counters = relay.counters()
        self.assertEqual(counters["websocket_accepts"], 2)
        self.assertEqual(counters["websocket_text"], 1)

    @needs
    def test_upstreams_client_in_a_page(self):
        wasm = self.path("client.wasm")
        tools.install("go", "build", "-C", str(HERE.parent / "interop"),
                      "-buildvcs=false", "-o", wasm, "./wasm",
                      GOOS="js", GOARCH="wasm")
        goroot = pathlib.Path(tools.check("go", "env", "GOROOT").strip())
        relay = self.relay()
        server = self.serve({
            "page.html": WASM_PAGE,
            "wasm_exec.js": (goroot / "lib/wasm/wasm_exec.js").read_bytes(),
            "client.wasm": pathlib.Path(wasm).read_bytes()})
        verdict = self.browse(server, f"relay=wss://{HOST}:{relay.port}/derp")
        self.assertEqual(verdict, "passed")
        self.assertEqual(relay.counters()["websocket_accepts"], 2)


class Websockets(Installed):
    """The same by a library for Python, which checks what it gets."""

    @needs
    def test_packets_both_ways(self):
        python = tools.python(self.tools, "websockets==15.0.1")
        make_cert(self.folder, HOST, "IP:" + HOST)
        for tls in (False, True):
            relay, p = self.derper(tls=tls), self.peer()
            p.login(relay, "native")
            scheme = "wss" if tls else "ws"
            client = self.start(
                [python, "-B", HERE / "websockets_client.py",
                 f"{scheme}://{HOST}:{relay.port}/derp", p.key("native")])
            for size in (1, 125, 126, 1400, 30000, 65536):
                got = p.expect(f"recv native (nodekey:[0-9a-f]*) {size} .*")
                p.do(f"send native {got.group(1)} " + "cd" * size)
            self.assertEqual(client.wait(PATIENCE), 0, self.said())
            p.expect(f"gone native {got.group(1)} 0")
            counters = relay.counters()
            self.assertEqual(counters["websocket_accepts"], 1)
            self.assertEqual(counters["websocket_pings"], 1)


class Autobahn(Installed):
    """All its cases but those of UTF-8, which a relay does not read, and of
    compression, which it does not offer."""

    CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "7.*", "9.7.*", "9.8.*"]
    GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
    # messages of more than the 32 KiB that a relay takes: closed with 1009
    LONG = {f"{kind}.{i}" for kind in ("1.1", "1.2") for i in (6, 7, 8)}
    # it waits a second for an answer: so many may be late on a busy machine,
    # and have to be good alone
    LATE_MAX = 5

    def suite(self):
        """The program and its environment."""
        pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"))
        pythons = [*pyenv.glob("versions/2.7*/bin/python2.7"), shutil.which("python2.7")]
        python = next((p for p in pythons if p and pathlib.Path(p).exists()), None)
        if python is None:
            raise tools.Skipped("there is no Python 2.7 for autobahntestsuite")
        env = {"PYTHONUSERBASE": str(self.tools / "autobahn")}
        tools.install(str(python), "-m", "pip", "install", "-q", "--user",
                      "autobahntestsuite==0.8.2", **env)
        return self.tools / "autobahn/bin/wstest", env

    def listening_echo(self):
        """Its port."""
        for _ in range(5):
            port = free_port()
            echo = self.start([ECHO, port])
            wait_until(lambda p=port, e=echo: e.poll() is not None or nginx.reaches(p),
                       "the echo to listen")
            if echo.poll() is None:
                return port
        raise AssertionError("the echo does not start: " + self.said())

    def run_cases(self, program, port, wanted):
        """What it says of each."""
        wstest, env = program
        reports = tempfile.mkdtemp(dir=self.folder)
        self.write("fuzz.json", json.dumps({
            "outdir": reports, "cases": wanted, "exclude-cases": [],
            "exclude-agent-cases": {},
            "servers": [{"agent": "derpkit", "url": f"ws://{HOST}:{port}"}]}))
        suite = self.start([wstest, "-m", "fuzzingclient", "-s", self.path("fuzz.json")],
                           env={**os.environ, **env}, cwd=self.folder)
        self.assertEqual(suite.wait(5 * PATIENCE), 0, self.said())
        with open(reports + "/index.json") as f:
            return json.load(f)["derpkit"]

    def bad(self, cases):
        def is_good(name, case):
            if name in self.LONG:
                return case["remoteCloseCode"] == 1009
            return case["behavior"] in self.GOOD and case["behaviorClose"] in self.GOOD
        return {name: case for name, case in cases.items() if not is_good(name, case)}

    @needs
    def test_its_cases(self):
        program, port = self.suite(), self.listening_echo()
        cases = self.run_cases(program, port, self.CASES)
        self.assertGreater(len(cases), 90)
        self.assertLessEqual(self.LONG, set(cases))
        bad = self.bad(cases)
        if 0 < len(bad) <= self.LATE_MAX:
            print("autobahn: once more:", *sorted(bad), file=sys.stderr)
            bad = self.bad(self.run_cases(program, port, sorted(bad)))
        self.assertEqual(bad, {})


if __name__ == "__main__":
    unittest.main(verbosity=2)
