#!/usr/bin/env python3
"""The status page as people see it, in headless Chromium, with few clients and
with many. Run by `make e2e`.

Chromium is told what to do over its DevTools protocol, on the two descriptors
of --remote-debugging-pipe. The page may run no script; what is asked of it
here runs beside it.
"""

import fcntl
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import threading
import time
import unittest

from relaytest import HOST, PATIENCE, Scenario, make_cert, request, wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SEEN = """(() => {
  const color = (e) => getComputedStyle(e).color;
  const shown = (e) => e.getBoundingClientRect();
  const charts = [...document.querySelectorAll("figure")];
  return {
    title: document.querySelector("h1").textContent,
    cards: [...document.querySelectorAll(".cards div")].map((e) => e.textContent),
    charts: charts.map((e) => e.querySelector("figcaption").textContent),
    drawn: charts.filter((e) => shown(e.querySelector("svg")).height > 20).length,
    rows: document.querySelectorAll("table code").length,
    next: [...document.querySelectorAll("a")].filter((e) => e.textContent.startsWith("next")).length,
    scripts: document.scripts.length,
    ink: color(document.body),
    paper: getComputedStyle(document.body).backgroundColor,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  };
})()"""


class Browser:
    """Chromium, by its DevTools protocol."""

    def __init__(self, folder):
        ours, theirs = os.pipe(), os.pipe()

        def wire():
            # out of the way first, as they may be each other's
            reads, writes = (fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in (ours[0], theirs[1]))
            os.dup2(reads, 3)
            os.dup2(writes, 4)
        self.proc = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--no-proxy-server", "--ignore-certificate-errors",
             "--remote-debugging-pipe", f"--user-data-dir={folder}/profile"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=wire, close_fds=False, start_new_session=True, env={**os.environ, "HOME": folder})
        os.close(ours[0])
        os.close(theirs[1])
        self.out, self.answers = os.fdopen(ours[1], "wb", 0), os.fdopen(theirs[0], "rb", 0)
        self.lock, self.count, self.got, self.events = threading.Condition(), 0, {}, []
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()
        try:
            self.open_page()
        except BaseException:
            self.close()
            raise

    session = None

    def open_page(self):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Page.setLifecycleEventsEnabled", enabled=True)
        self.ask("Runtime.enable")
        self.ask("Log.enable")

    def listen(self):
        left = b""
        while True:
            part = self.answers.read(65536)
            if not part:
                return
            *whole, left = (left + part).split(b"\0")
            with self.lock:
                for text in whole:
                    told = json.loads(text)
                    if "id" in told:
                        self.got[told["id"]] = told
                    else:
                        self.events.append(told)
                self.lock.notify_all()

    def ask(self, method, **params):
        self.count += 1
        number = self.count
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.out.write(json.dumps(message).encode() + b"\0")
        with self.lock:
            if not self.lock.wait_for(lambda: number in self.got, 2 * PATIENCE):
                raise AssertionError(f"chromium does not answer {method}")
            told = self.got.pop(number)
        if "error" in told:
            raise AssertionError(f"{method}: {told['error']}")
        return told["result"]

    def load(self, url):
        with self.lock:
            self.events.clear()
        told = self.ask("Page.navigate", url=url)
        if "errorText" in told:
            raise AssertionError(f"{url}: {told['errorText']}")
        with self.lock:
            # the page before may still tell that it is there
            loaded = self.lock.wait_for(lambda: told["loaderId"] in self.loaded(), 2 * PATIENCE)
        if not loaded:
            raise AssertionError(f"chromium does not load {url}")

    def loaded(self):
        """Which pages have been loaded since the last one was asked for."""
        with self.lock:
            return {e["params"]["loaderId"] for e in self.events
                    if e["method"] == "Page.lifecycleEvent" and e["params"]["name"] == "load"}

    def see(self):
        return self.ask("Runtime.evaluate", expression=SEEN, returnByValue=True)["result"]["value"]

    def complaints(self):
        """What the browser has against the page."""
        with self.lock:
            return [e["params"]["entry"]["text"] for e in self.events if e["method"] == "Log.entryAdded"
                    and "favicon" not in e["params"]["entry"].get("url", "")]

    def close(self):
        os.killpg(self.proc.pid, signal.SIGKILL)
        self.proc.wait(PATIENCE)
        self.thread.join(PATIENCE)
        self.out.close()
        self.answers.close()


def brightness(color):
    return sum(int(x) for x in re.findall(r"\d+", color)[:3])


@unittest.skipUnless(CHROMIUM, "there is no chromium")
class StatusPage(Scenario):
    def setUp(self):
        super().setUp()
        # derp-peer has a descriptor for each of its clients
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        make_cert(self.folder, HOST, "IP:" + HOST)
        self.relay = self.derper("-loops=1", tls=True)
        self.url = f"https://{HOST}:{self.relay.port}/debug/status"
        self.browser = Browser(self.folder)
        self.addCleanup(self.browser.close)

    def fill(self, count):
        p = self.peer()
        names = [f"c{i}" for i in range(count)]
        for at in range(0, count, 100):
            p.login(self.relay, *names[at:at + 100])
        p.do("send c0 c1 010203")
        p.expect("recv c1 c0 3 .*")
        return p

    def load(self, query=""):
        self.browser.load(self.url + query)
        return self.browser.see()

    def cpu_s(self):
        """Of the relay, user and system."""
        with open(f"/proc/{self.relay.proc.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def check_seen(self, seen, clients, rows):
        self.assertEqual(seen["title"], HOST)
        self.assertEqual(seen["cards"][0], clients + "clients")
        self.assertEqual(seen["charts"][0][:7], "Packets")
        self.assertEqual((len(seen["charts"]), seen["drawn"]), (6, 6))
        # the public key of the relay is not a row
        self.assertGreaterEqual(seen["rows"], rows)
        self.assertEqual(seen["scripts"], 0)
        self.assertEqual(self.browser.complaints(), [])

    def test_ten_clients(self):
        self.fill(10)
        seen = self.load()
        self.check_seen(seen, "10", 10)
        self.assertEqual(seen["next"], 0)
        # light and dark, as the browser's user wants it
        self.assertGreater(brightness(seen["paper"]), brightness(seen["ink"]))
        self.browser.ask("Emulation.setEmulatedMedia",
                         features=[{"name": "prefers-color-scheme", "value": "dark"}])
        seen = self.load()
        self.assertLess(brightness(seen["paper"]), brightness(seen["ink"]))
        # on a phone nothing is wider than the screen
        self.browser.ask("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=2, mobile=True)
        seen = self.load()
        self.check_seen(seen, "10", 10)
        self.assertLessEqual(seen["overflow"], 0)
        # without any JavaScript it is the same page, and loads itself again
        self.browser.ask("Emulation.setScriptExecutionDisabled", value=True)
        self.browser.load(self.url + "?refresh=1")
        wait_until(lambda: len(self.browser.loaded()) >= 2, "the page to load itself again")

    def test_a_thousand_clients(self):
        self.fill(1000)
        seen = self.load()
        self.check_seen(seen, "1.0k", 100)
        self.assertEqual(seen["next"], 1)
        for what, query in (("pages", "/debug/status"), ("JSON", "/debug/status.json")):
            before, began = self.cpu_s(), time.monotonic()
            for _ in range(50):
                self.assertEqual(request(self.relay, query).status, 200)
            spent, lasted = self.cpu_s() - before, time.monotonic() - began
            # with a TLS handshake for each
            print(f"1,000 clients: {what}: {spent / 50 * 1000:.1f} ms of CPU each; ten a second are "
                  f"{spent / 50 * 1000:.1f} % of a core (50 in {lasted:.1f} s)")


if __name__ == "__main__":
    unittest.main(verbosity=2)
