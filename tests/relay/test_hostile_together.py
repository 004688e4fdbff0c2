"""Everything at once: traffic between loops, certificates and node lists that
change, logins that are admitted and refused, connections that come and go.
Above all for the thread sanitizer, whose reports fail it."""

import contextlib
import os
import signal
import ssl
import threading
import time
import unittest

from hostile import SCALE, Crowd, HostileScenario
from rawlogin import public_of
from relaytest import CLOSE, HOST, dial, make_cert, ours_only, stub_verify

LASTS_S = 8 if SCALE == 1 else 20
ALLOW = (200, '{"Allow":true}\n')


@ours_only
class Together(HostileScenario):
    tls = True

    def repeat(self, what):
        """Calls it in a thread of its own until time is up."""

        def run():
            try:
                while not self.over.is_set():
                    what()
                    self.rounds[what.__name__] = self.rounds.get(what.__name__, 0) + 1
            except Exception as e:  # any: it is reported by the test
                self.failures.append((what.__name__, repr(e)))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def change_certificate(self):
        make_cert(self.folder, "new", f"IP:{HOST}")
        for end in ("key", "crt"):
            os.rename(self.path("new." + end), self.path(f"{HOST}.{end}"))
        # seen within a second by itself, which signals would put off
        self.certificates += 1
        if self.certificates % 2 == 0:
            self.relay.proc.send_signal(signal.SIGHUP)
        self.over.wait(1.3)

    def change_list(self):
        self.turns += 1
        listed = [self.keys[x] for x in self.keys if x not in ("sometimes", "unknown")]
        listed += [self.keys["sometimes"]] * (self.turns % 2)
        self.write("nodes", "\n".join(listed) + "\n")
        self.over.wait(0.5)

    def report(self):
        self.relay.proc.send_signal(signal.SIGUSR1)
        self.over.wait(2.5)

    def ask_pages(self):
        with contextlib.suppress(OSError, ssl.SSLError), dial(self.relay) as sock:
            sock.sendall(b"GET /generate_204 HTTP/1.1\r\nHost: h\r\n\r\n")
            sock.recv(1000)

    def come_and_go(self):
        peer = self.comers
        for name in ("comer", "sometimes", "unknown"):
            peer.connect(name, self.relay)
            if peer.expect(f"(up|closed|failed) {name} .*").group(1) == "up":
                self.came.add(name)
                peer.do(f"send {name} {self.target} 01", f"close {name}")
                peer.expect(f"closed {name} .*")

    def traffic(self):
        self.p.do("flood traffic0 traffic1 300 1000", "flood traffic1 traffic0 300 1000")
        self.p.sync()

    def storm(self):
        answer = self.crowd.ask("storm 50").split()
        if answer[:2] != ["50", "0"]:
            raise AssertionError(f"storm: {answer}")

    def start(self):
        make_cert(self.folder, HOST, f"IP:{HOST}")
        self.over, self.failures, self.rounds, self.turns = threading.Event(), [], {}, 0
        self.p, self.comers = self.peer(), self.peer()
        self.keys, self.certificates, self.came = {}, 0, set()

    def run_all(self, *whats):
        threads = [self.repeat(what) for what in whats]
        time.sleep(LASTS_S)
        self.over.set()
        for thread in threads:
            thread.join(120)
            self.assertFalse(thread.is_alive())
        print(", ".join(f"{name} {n}x" for name, n in sorted(self.rounds.items())))
        self.assertEqual(self.failures, [])
        self.assertEqual(len(self.rounds), len(whats))  # each has had a turn

    def test_with_a_node_list(self):
        self.start()
        for name in ("traffic0", "traffic1"):
            self.keys[name] = self.p.key(name)
        for name in ("comer", "sometimes", "unknown"):
            self.keys[name] = self.comers.key(name)
        self.target = "nodekey:" + self.keys["traffic0"]
        self.change_list_once()
        self.relay = self.derper(
            "-loops=4", "-verify-nodes=" + self.path("nodes"), tls=True
        )
        self.p.login(self.relay, "traffic0", "traffic1")
        self.p.do("count traffic0", "count traffic1")
        self.run_all(
            self.change_certificate,
            self.change_list,
            self.report,
            self.ask_pages,
            self.come_and_go,
            self.traffic,
        )
        self.p.ping("traffic0", "traffic1")
        # what comers send is too short to be a numbered packet
        self.assertGreater(self.p.stats("traffic0")["corrupt"], 0)
        self.assertLessEqual(
            self.p.stats("traffic0")["corrupt"], 2 * self.rounds["come_and_go"] + 2
        )
        self.assertEqual(self.p.stats("traffic1")["corrupt"], 0)

    def change_list_once(self):
        listed = [k for n, k in self.keys.items() if n != "unknown"]
        self.write("nodes", "\n".join(listed) + "\n")

    def allow(self):
        """Takes turns: comers may come, or not, or nothing can be told."""
        self.stub.answer = self.answers[self.rounds.get("allow", 0) % 3]
        self.over.wait(0.7)

    def test_with_a_node_list_and_a_url(self):
        """Both must agree; both change while packets flow."""
        self.start()
        for name in ("traffic0", "traffic1"):
            self.keys[name] = self.p.key(name)
        for name in ("comer", "sometimes", "unknown"):
            self.keys[name] = self.comers.key(name)
        for i in (1, 2):
            self.keys[f"quiet{i}"] = public_of(i)
        self.target = "nodekey:" + self.keys["traffic0"]
        self.quiet_env = {**os.environ, "DERP_CROWD_FIXED_KEYS": "1"}
        self.change_list_once()
        deny = (200, '{"Allow":false}\n')
        self.answers = [lambda p, b: ALLOW, lambda p, b: deny, lambda p, b: CLOSE]
        self.stub = stub_verify(self, self.answers[0])
        self.besiege(
            "-loops=4",
            "-verify-nodes=" + self.path("nodes"),
            "-verify-client-url=" + self.stub.url,
            "-verify-client-url-fail-open=false",
        )
        self.p.login(self.relay, "traffic0", "traffic1")
        self.p.do("count traffic0", "count traffic1")
        self.run_all(
            self.change_certificate,
            self.change_list,
            self.allow,
            self.report,
            self.come_and_go,
            self.traffic,
        )
        self.p.ping("traffic0", "traffic1")
        self.assertEqual(self.p.stats("traffic1")["corrupt"], 0)
        # some of those on the list got in, and nobody else did
        self.assertGreater(self.p.stats("traffic0")["corrupt"], 0)
        self.assertGreater(self.relay.counters()["rejected"], 0)
        self.assertNotIn("unknown", self.came)
        self.assertGreater(len(self.stub.requests), 4)
        self.undisturbed()

    def test_with_a_url(self):
        self.start()
        stub = stub_verify(self, lambda path, body: ALLOW)
        self.besiege("-loops=4", "-verify-client-url=" + stub.url)
        for i in range(2):
            self.p.login(self.relay, f"traffic{i}")
            self.p.do(f"count traffic{i}")
        self.crowd = Crowd(self, self.relay)
        self.crowd.login(30)
        self.run_all(
            self.change_certificate,
            self.report,
            self.ask_pages,
            self.traffic,
            self.storm,
        )
        self.p.ping("traffic0", "traffic1")
        for i in range(2):
            self.assertEqual(self.p.stats(f"traffic{i}")["corrupt"], 0)
        self.undisturbed()


if __name__ == "__main__":
    unittest.main()
