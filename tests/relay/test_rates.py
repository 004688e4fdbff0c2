"""Limits of what clients send and of how many come: -rate-config and
-accept-connection-limit. Judged by what was counted, not by the clock."""

import json
import os
import signal
import socket
import struct
import time
import unittest

from rawlogin import raw_login
from relaytest import HOST, Scenario, frame, make_cert, wait_until

try:
    import jsonschema
except ImportError:
    jsonschema = None

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../schemas/rate-config.schema.json")

FRAME_MAX = 65568  # the least burst
SEND_PACKET, UNKNOWN = 0x04, 0x77


class Rates(Scenario):
    def relay(self, **limits):
        if jsonschema is not None:
            with open(SCHEMA) as f:
                jsonschema.validate(limits, json.load(f))
        self.write("rates", json.dumps(limits))
        return self.derper("-rate-config=" + self.path("rates"), "-loops=2")

    def pair(self, relay):
        p = self.peer()
        p.login(relay, "a", "b")
        p.do("count b")
        return p, "nodekey:" + p.key("b")

    def at_once(self, p, to, count, size):
        """Packets in one write: they come faster than any limit here allows,
        however busy the machine is."""
        packet = frame(SEND_PACKET, bytes.fromhex(to.partition(":")[2]) + bytes(size))
        p.do("raw a " + (packet * count).hex())

    def waited(self, relay, scope):
        return relay.counters().get(f"rate_limit_{scope}_waited", 0)

    def received(self, p):
        return p.stats("b")["packets"]

    def test_a_client_waits_and_loses_nothing(self):
        relay = self.relay(PerClientRateLimitBytesPerSec=100_000)
        relay.wait_log("rate config applied: client-rate=100000 bytes/sec, "
                       f"client-burst={FRAME_MAX} bytes")
        p, to = self.pair(relay)
        mark, began = relay.log_mark(), time.monotonic()
        self.at_once(p, to, 40, 4968)
        wait_until(lambda: self.received(p) == 40, "all packets")
        took = time.monotonic() - began
        # 40 * 5000 bytes, less the burst: never faster, however slow we are
        self.assertGreater(took, (200_000 - FRAME_MAX - 5000) / 100_000)
        self.assertGreater(self.waited(relay, "per_client"), 0)
        self.assertEqual(relay.counters()["rate_limited_clients"], 1)
        relay.wait_log("rate config: .*: sends more than a PerClientRateLimit allows", mark)
        # who sends little goes on meanwhile, and it is not closed
        p.ping("b")
        p.ping("a")

    def test_each_limit_counts(self):
        for scope, name in (("per_key", "PerKey"), ("per_address", "PerAddress"),
                            ("total", "Total")):
            with self.subTest(scope):
                relay = self.relay(**{name + "RateLimitPacketsPerSec": 50,
                                      name + "RateBurstPackets": 20})
                p, to = self.pair(relay)
                self.at_once(p, to, 40, 1)
                wait_until(lambda: self.received(p) == 40, "all packets")
                self.assertGreater(self.waited(relay, scope), 0)
                self.assertEqual(self.waited(relay, "per_client"), 0)

    def test_new_limits_free_who_waits(self):
        relay = self.relay(PerClientRateLimitPacketsPerSec=1, PerClientRateBurstPackets=2)
        p, to = self.pair(relay)
        for _ in range(1000):
            p.do(f"send a {to} 00")
        wait_until(lambda: self.waited(relay, "per_client") > 0, "the client to wait")
        for text, log in (
            ("{", "derper: rate config reload failed: .*rates: malformed JSON"),
            ("[]", "derper: rate config reload failed: .*rates: JSON is not an object"),
            ('{"PerClientRate":1}', "derper: rate config reloaded successfully"),
        ):
            self.assertLess(self.received(p), 1000)
            mark = relay.log_mark()
            self.write("rates", text)
            relay.proc.send_signal(signal.SIGHUP)
            relay.wait_log("derper: received SIGHUP, reloading rate config from .*rates", mark)
            relay.wait_log(log, mark)
        relay.wait_log("rate config: it sets no limit", mark)
        wait_until(lambda: self.received(p) == 1000, "all packets")

    def test_a_waiting_client_can_leave(self):
        """What it has sent still goes its way, at the rate of the limit."""
        relay = self.relay(TotalRateLimitPacketsPerSec=50, TotalRateBurstPackets=1)
        p, q = self.peer(), self.peer()
        p.login(relay, "a")
        q.login(relay, "b")
        q.do("count b")
        for _ in range(100):
            p.do(f"send a nodekey:{q.key('b')} 00")
        wait_until(lambda: self.waited(relay, "total") > 0, "the client to wait")
        p.stop()
        wait_until(lambda: self.received(q) == 100, "all that it has sent")
        wait_until(lambda: relay.counters().get("current_connections", 0) == 1, "it to leave")

    def test_connecting_anew_fills_no_bucket(self):
        relay = self.relay(PerAddressRateLimitBytesPerSec=10)
        packet = frame(SEND_PACKET, bytes(60_000))
        for waited, sent in ((1, packet + packet), (2, packet)):
            sock = raw_login(relay)
            sock.sendall(sent)
            wait_until(lambda: self.waited(relay, "per_address") == waited, "it to wait")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            wait_until(lambda: relay.counters().get("current_connections", 0) == 0, "it to leave")
        self.assertEqual(relay.counters()["packets_received"], 1)

    def test_short_waits_are_taken_together(self):
        """Each wait has what is kept of the client copied."""
        relay = self.relay(PerClientRateLimitPacketsPerSec=500, PerClientRateBurstPackets=1)
        p, to = self.pair(relay)
        for _ in range(500):
            p.do(f"send a {to} 00")
        wait_until(lambda: self.received(p) == 500, "all packets")
        # none for less than 10 ms, in which five are let through
        self.assertLess(self.waited(relay, "per_client"), 500 / 4)

    def test_a_length_alone_costs_others_nothing(self):
        relay = self.relay(TotalRateLimitBytesPerSec=1000)
        socks = [raw_login(relay) for _ in range(5)]
        for sock in socks:
            self.addCleanup(sock.close)
            sock.sendall(frame(UNKNOWN, length=60_000))
        wait_until(lambda: relay.counters().get("unknown_frames", 0) == 5, "the heads")
        p, to = self.pair(relay)
        p.do(f"send a {to} 00")
        wait_until(lambda: self.received(p) == 1, "the packet")
        self.assertEqual(self.waited(relay, "total"), 0)
        # but what comes of it is counted
        for sock in socks:
            sock.sendall(bytes(60_000))
        wait_until(lambda: self.waited(relay, "total") > 0, "them to wait")

    def test_frames_of_those_who_left_cost_others_nothing(self):
        relay = self.relay(TotalRateLimitBytesPerSec=1000)
        p, to = self.pair(relay)
        p.do(f"send a {to} " + "00" * 60_000)
        wait_until(lambda: self.received(p) == 1, "the packet that was free")
        socks = [raw_login(relay) for _ in range(10)]
        for sock in socks:
            sock.sendall(frame(SEND_PACKET, bytes(60_000)))
        wait_until(lambda: self.waited(relay, "total") == 10, "all to wait")
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        wait_until(lambda: relay.counters()["current_connections"] == 2, "them to leave")
        p.do(f"send a {to} 00")
        wait_until(lambda: self.received(p) == 2, "a packet without their debts")

    def test_a_bad_file_is_told_at_start(self):
        flags = ["-a=127.0.0.1:0", "-c=" + self.path("key"), "-stun=false"]
        for text, want in (("{", "malformed JSON"),
                           ('{"PerClientRateLimitBytesPerSec":-1}', "is not a whole number")):
            self.write("rates", text)
            status, _, err = self.run_relay(flags + ["-rate-config=" + self.path("rates")])
            self.assertEqual(status, 1)
            self.assertIn("rate config: " + self.path("rates"), err)
            self.assertIn(want, err)
        os.mkfifo(self.path("pipe"))
        status, _, err = self.run_relay(flags + ["-rate-config=" + self.path("pipe")])
        self.assertEqual(status, 1)
        self.assertIn("pipe: not a regular file", err)
        status, _, err = self.run_relay(flags + ["-rate-config=" + self.path("nothing")])
        self.assertEqual(status, 1)
        self.assertIn("No such file", err)


class Accepts(Scenario):
    def test_more_than_the_limit_wait(self):
        make_cert(self.folder, HOST, "IP:127.0.0.1")
        relay = self.derper("-accept-connection-limit=100", "-accept-connection-burst=5",
                            "-loops=2", tls=True)
        p = self.peer()
        p.login(relay, "a")  # and there is something to count
        # all are there before the first is accepted
        relay.proc.send_signal(signal.SIGSTOP)
        socks = [socket.create_connection((HOST, relay.port), 60) for _ in range(50)]
        for sock in socks:
            self.addCleanup(sock.close)
        began = time.monotonic()
        relay.proc.send_signal(signal.SIGCONT)
        wait_until(lambda: relay.counters()["connections"] >= 51, "all to be accepted")
        self.assertGreater(time.monotonic() - began, (50 - 5 - 2) / 100)
        self.assertGreater(relay.counters()["accept_delays"], 0)
        self.assertEqual(relay.counters().get("refused_limit", 0), 0)
        p.login(relay, "b")

    def test_values_that_let_nobody_in(self):
        for flag in ("-accept-connection-limit=0", "-accept-connection-limit=-1",
                     "-accept-connection-burst=0"):
            status, _, err = self.run_relay(["-a=127.0.0.1:0", flag])
            self.assertEqual(status, 1)
            self.assertIn(flag[1:].split("=")[0], err)


if __name__ == "__main__":
    unittest.main()
