"""WebSocket bombs: clients that make the most of frames, while others talk."""

import struct
import unittest

from hostile import SCALE, HostileScenario, rss_kb, scaled
from relaytest import HOST, make_cert, ours_only, read_exactly, wait_until
from websocket import BINARY, CONTINUATION, FIN, PING, WebSocket, ws_frame

RESERVED = 0x40  # what a compressed message has set
# Of all attackers together: what a socket holds, and what a sanitizer keeps.
GROWTH_KB = 16 * 1024 * (1 if SCALE == 1 else 24)
ATTACKERS = 8


@ours_only
class Bombs:
    def setUp(self):
        super().setUp()
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")
        self.besiege("-loops=1")

    def attacker(self, logged_in=True):
        ws = WebSocket(self.relay)
        self.addCleanup(ws.sock.close)
        if logged_in:
            return ws.login()
        read_exactly(ws, 45)  # ServerKey
        return ws

    def closed_each_time(self, rounds, code, frames):
        """Logged in or not, each is closed with that code; nothing stays."""
        for i in range(rounds):
            ws = self.attacker(logged_in=i % 2 == 0)
            ws.send(*frames)
            self.assertEqual(ws.end()[0], code)
            ws.sock.close()
        self.undisturbed()
        self.left()

    def test_endless_fragments(self):
        frames = [ws_frame(BINARY)] + [ws_frame(CONTINUATION)] * 4096
        self.closed_each_time(scaled(40) + 1, 1008, frames)

    def test_a_compressed_flag(self):
        """Nothing was agreed on, so that nothing is inflated."""
        bomb = ws_frame(FIN | RESERVED | BINARY, bytes(16))
        self.closed_each_time(scaled(100) + 1, 1002, [bomb])

    def test_giant_lengths(self):
        for length in (32769, 2**32 - 1, 2**63, 2**64 - 1):
            bomb = ws_frame(FIN | BINARY, bytes(16), length=length)
            self.closed_each_time(scaled(40) + 1, 1009, [bomb])

    def test_messages_of_one_byte_a_frame(self):
        """The worst that is allowed: seven bytes for one, all of it read."""
        body = struct.pack(">BI", 0x77, 4090) + bytes(4090)
        message = [ws_frame(0 if i else BINARY, body[i : i + 1]) for i in range(4095)]
        attackers = [self.attacker() for _ in range(ATTACKERS)]
        for _ in range(scaled(20) + 1):
            for ws in attackers:
                ws.send(*message, ws_frame(FIN | CONTINUATION))
        self.all_alive(attackers)
        self.undisturbed()

    def all_alive(self, attackers):
        """They have done nothing that is not allowed: each gets an answer."""
        for ws in attackers:
            ws.send(ws_frame(FIN | PING, b"the last"))
            ws.wait_pong(b"the last")

    def test_pings_whose_answers_nobody_reads(self):
        attackers = [self.attacker() for _ in range(ATTACKERS)]
        block = b"".join(ws_frame(FIN | PING, bytes(125)) for _ in range(200))
        before, largest = rss_kb(self.relay), 0

        def flooded():
            nonlocal largest
            for ws in attackers:
                ws.send(block)
            largest = max(largest, rss_kb(self.relay) - before)
            return self.relay.counters().get("websocket_pings_unanswered", 0) > 2000
        wait_until(flooded, "pings that are not answered")
        self.assertLess(largest, GROWTH_KB)
        self.undisturbed()
        self.all_alive(attackers)
        for ws in attackers:
            ws.sock.close()
        self.left()


class Plain(Bombs, HostileScenario):
    pass


class Tls(Bombs, HostileScenario):
    tls = True


if __name__ == "__main__":
    unittest.main()
