"""DERP over WebSocket: a stream of bytes for the relay above, whatever the
frames below are, and limits for those who make the most of them."""

import struct
import types
import unittest

import nginx
from hostile import SCALE
from relaytest import DISCO, HOST, Scenario, frame, make_cert, read_exactly, wait_until
from websocket import (ACCEPT, BINARY, CLOSE, CONTINUATION, FIN, MESSAGE_MAX, PING, PONG,
                       TEXT, WebSocket, ws_frame)

SEND_PACKET, RECV_PACKET, PEER_GONE, PING_FRAME, PONG_FRAME = 0x04, 0x05, 0x08, 0x12, 0x13
MAX_PACKET = 65536


def send_packet(to, payload):
    return frame(SEND_PACKET, bytes.fromhex(to.removeprefix("nodekey:")) + payload)


class WebSocketScenario(Scenario):
    def read_packet(self, ws):
        """The payload of the next packet."""
        while True:
            kind, n = struct.unpack(">BI", read_exactly(ws, 5))
            body = read_exactly(ws, n)
            if kind == RECV_PACKET:
                return body[32:]

    def websocket(self, relay):
        ws = WebSocket(relay)
        self.addCleanup(ws.sock.close)
        return ws

    def alive(self, ws):
        """It still gets an answer."""
        ws.sendall(frame(PING_FRAME, b"8 bytes!"))
        while True:
            kind, n = struct.unpack(">BI", read_exactly(ws, 5))
            if kind == PONG_FRAME and read_exactly(ws, n) == b"8 bytes!":
                return


class Stream(WebSocketScenario):
    def exchange(self, tls):
        if tls:
            make_cert(self.folder, "127.0.0.1", "IP:127.0.0.1")
        relay = self.derper(tls=tls)
        ws, p = self.websocket(relay).login(), self.peer()
        self.assertEqual(ws.response.headers["sec-websocket-accept"], ACCEPT)
        self.assertNotIn("sec-websocket-extensions", ws.response.headers)
        p.login(relay, "plain")
        plain = "nodekey:" + p.key("plain")
        for size in (1, 100, 1400, MESSAGE_MAX - 40, MESSAGE_MAX, MAX_PACKET):
            p.do("count plain")
            before = p.stats("plain")["packets"]
            message = send_packet(plain, bytes(size))
            for at in range(0, len(message), MESSAGE_MAX):
                ws.sendall(message[at : at + MESSAGE_MAX])
            wait_until(lambda: p.stats("plain")["packets"] == before + 1, f"{size} bytes")
            p.do(f"send plain {ws.key} " + "ab" * size)
            self.assertEqual(self.read_packet(ws), b"\xab" * size)
        self.assertLessEqual(max(ws.sizes), MESSAGE_MAX)
        self.assertEqual(relay.counters()["websocket_accepts"], 1)
        ws.send(ws_frame(FIN | CLOSE, struct.pack(">H", 1001)))
        self.assertEqual(ws.end(), (1001, ""))
        self.assertEqual(ws.sock.recv(1), b"")
        p.expect(f"gone plain {ws.key} 0")

    def test_packets_both_ways(self):
        self.exchange(tls=False)

    def test_packets_both_ways_over_tls(self):
        self.exchange(tls=True)

    def test_messages_and_frames_are_independent(self):
        relay = self.derper()
        a, b = self.websocket(relay).login(), self.websocket(relay).login()
        packets = b"".join(send_packet(b.key, bytes([i]) * (i + 1)) for i in range(9))
        cuts = [packets[i : i + 7] for i in range(0, len(packets), 7)]
        # each message holds parts of two packets, in frames of one byte
        for cut in cuts:
            frames = [ws_frame(CONTINUATION if i else BINARY, cut[i : i + 1])
                      for i in range(len(cut))]
            frames.insert(3, ws_frame(FIN | PING, b"in between"))
            frames.insert(4, ws_frame(FIN | PONG, b"nobody asked"))
            a.send(*frames, ws_frame(FIN | CONTINUATION))
        for i in range(9):
            self.assertEqual(self.read_packet(b), bytes([i]) * (i + 1))
        # all of them in one, and each byte of it by itself
        for byte in ws_frame(FIN | BINARY, packets):
            a.send(bytes([byte]))
        for i in range(9):
            self.assertEqual(self.read_packet(b), bytes([i]) * (i + 1))
        self.alive(a)
        self.assertEqual(a.pongs, [b"in between"] * len(cuts))

    def test_the_relay_says_when_it_ends(self):
        relay = self.derper()
        ws = self.websocket(relay).login()
        ws.sendall(frame(0x10))  # WatchConns, which is for a mesh
        self.assertEqual(ws.end(), (1000, ""))
        ws = self.websocket(relay)
        ws.sendall(frame(0x01, bytes(100)))  # instead of ClientInfo
        self.assertEqual(ws.end(), (1000, ""))
        ws = self.websocket(relay).login()
        relay.exit_expected = True
        relay.stop()
        self.assertEqual(ws.end(), (1000, ""))


@unittest.skipUnless(nginx.NGINX, "there is no nginx")
class ThroughNginx(WebSocketScenario):
    """Which people put before a relay that has no address of its own."""

    def exchange(self, front_tls, back_tls):
        make_cert(self.folder, HOST, "IP:" + HOST)
        relay = self.derper(tls=back_tls)
        back = f"{'https' if back_tls else 'http'}://{HOST}:{relay.port}"
        port = nginx.http(self, nginx.PASS_ON % back,
                          self.path(HOST) if front_tls else "")
        ws = self.websocket(types.SimpleNamespace(port=port, tls=front_tls)).login()
        self.assertEqual(ws.response.headers["sec-websocket-accept"], ACCEPT)
        self.assertEqual(ws.response.headers["sec-websocket-protocol"], "derp")
        p = self.peer()
        p.login(relay, "direct")
        direct = "nodekey:" + p.key("direct")
        for i, size in enumerate((1, 1400, MAX_PACKET)):
            message = send_packet(direct, bytes([i]) * size)
            for at in range(0, len(message), MESSAGE_MAX):
                ws.sendall(message[at : at + MESSAGE_MAX])
            p.expect(f"recv direct {ws.key} {size} .*")
            p.do(f"send direct {ws.key} " + "ab" * size)
            self.assertEqual(self.read_packet(ws), b"\xab" * size)
        ws.send(ws_frame(FIN | CLOSE, struct.pack(">H", 1001)))
        self.assertEqual(ws.end(), (1001, ""))
        p.expect(f"gone direct {ws.key} 0")

    def test_plain_to_plain(self):
        self.exchange(front_tls=False, back_tls=False)

    def test_tls_to_plain(self):
        self.exchange(front_tls=True, back_tls=False)

    def test_tls_to_tls(self):
        self.exchange(front_tls=True, back_tls=True)


class Hostile(WebSocketScenario):
    """What breaks a limit: the first byte and payload of frames, the code."""

    BAD = {
        "an unmasked frame": ([ws_frame(FIN | BINARY, b"x", masked=False)], 1002),
        "a reserved bit": ([ws_frame(FIN | 0x40 | BINARY, b"x")], 1002),
        "an opcode": ([ws_frame(FIN | 5, b"x")], 1002),
        "a control opcode": ([ws_frame(FIN | 15)], 1002),
        "a long ping": ([ws_frame(FIN | PING, bytes(126))], 1002),
        "half a ping": ([ws_frame(PING, b"x")], 1002),
        "a continuation of nothing": ([ws_frame(FIN | CONTINUATION, b"x")], 1002),
        "two messages at once": ([ws_frame(BINARY, b""), ws_frame(BINARY, b"")], 1002),
        "a close code": ([ws_frame(FIN | CLOSE, struct.pack(">H", 1005))], 1002),
        "a close reason": ([ws_frame(FIN | CLOSE, b"\x03\xe8\xff")], 1007),
        "text": ([ws_frame(FIN | TEXT, b"x")], 1003),
        "a huge length": ([ws_frame(FIN | BINARY, b"x", length=2**63)], 1009),
        "a long message": ([ws_frame(FIN | BINARY, bytes(MESSAGE_MAX + 1))], 1009),
        "a message that grows": (
            [ws_frame(BINARY, bytes([0xFF]) + b"\0\0\xff\xff" + bytes(9995))]
            + [ws_frame(CONTINUATION, bytes(10000))] * 3, 1009),
        "endless fragments": (
            [ws_frame(BINARY, b"")] + [ws_frame(CONTINUATION, b"")] * 4096, 1008),
    }

    def test_what_is_not_allowed_ends_it(self):
        relay = self.derper()
        other = self.websocket(relay).login()
        for what, (frames, code) in self.BAD.items():
            # before the login that one ends as a bad ClientInfo does
            for logged_in in (False, True) if what != "a message that grows" else (True,):
                with self.subTest(what=what, logged_in=logged_in):
                    mark = relay.log_mark()
                    ws = self.websocket(relay)
                    if logged_in:
                        ws.login()
                    else:
                        read_exactly(ws, 45)  # ServerKey
                    ws.send(*frames)
                    self.assertEqual(ws.end()[0], code)
                    self.assertEqual(ws.sock.recv(1), b"")
        self.alive(other)
        counters = relay.counters()
        self.assertEqual(counters["websocket_bad_frames"], 20)
        self.assertEqual(counters["websocket_text"], 2)
        self.assertEqual(counters["websocket_too_large"], 5)
        self.assertEqual(counters["websocket_too_many_frames"], 2)

    def test_who_was_closed_gets_nothing_more(self):
        """It has left for others, though it keeps its connection."""
        relay = self.derper()
        ws, p = self.websocket(relay).login(), self.peer()
        p.login(relay, "other")
        p.do(f"send other {ws.key} 01")
        self.assertEqual(self.read_packet(ws), b"\x01")
        ws.sendall(send_packet("nodekey:" + p.key("other"), b"2"))
        p.expect(f"recv other {ws.key} 1 32")
        ws.send(ws_frame(FIN | TEXT, b"x"))
        self.assertEqual(ws.end()[0], 1003)
        p.expect(f"gone other {ws.key} 0")
        p.do(f"send other {ws.key} {DISCO.hex()}")
        p.sync()
        self.assertEqual(ws.sock.recv(1), b"")

    def test_a_flood_of_pings_is_bounded(self):
        """Who reads no answer has one kept; the last one is answered."""
        relay = self.derper()
        flood, other = self.websocket(relay).login(), self.websocket(relay).login()
        block = b"".join(ws_frame(FIN | PING, bytes(125)) for _ in range(500))
        sent = 0
        while relay.counters().get("websocket_pings_unanswered", 0) < 10000 // SCALE:
            flood.send(block)
            sent += 500
            self.assertLess(sent, 2_000_000, "all pings were answered")
        self.alive(other)
        flood.send(ws_frame(FIN | PING, b"the last"))
        flood.wait_pong(b"the last")
        self.alive(flood)
        counters = relay.counters()
        self.assertEqual(counters["websocket_pings"], sent + 1)
        self.assertEqual(
            len(flood.pongs), sent + 1 - counters["websocket_pings_unanswered"])


if __name__ == "__main__":
    unittest.main()
