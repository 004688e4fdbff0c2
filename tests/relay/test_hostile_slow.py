"""Clients that take their time: a byte now and then, or none."""

import contextlib
import os
import socket
import ssl
import struct
import threading
import time
import unittest

from hostile import AT_ONCE_S, HostileScenario, scaled
from relaytest import HOST, UPGRADE, frame, make_cert, read_until, tls_context

HTTP_S, LOGIN_S = 30, 10  # the relay's deadlines
LATE_S = 20  # a busy machine
LOGIN_LATE_S = 15  # the same, and over before HTTP_S could end it
DRIP_S = 0.1


class Drip:
    """A connection that sends its bytes one by one until the relay ends it."""

    def __init__(self, begin, data):
        self.started, self.lasted = time.monotonic(), None
        self.sock, self.data = begin(), data
        self.sent = 0

    def go_on(self):
        """False once it has ended."""
        try:
            if self.sent < len(self.data):
                self.sock.send(self.data[self.sent : self.sent + 1])
                self.sent += 1
            while self.sock.recv(4096):
                pass
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            pass
        self.lasted = time.monotonic() - self.started
        self.sock.close()
        return False


class Slow(HostileScenario):
    def plain(self):
        return socket.create_connection((HOST, self.relay.port))

    def upgraded(self):
        sock = self.plain() if not self.tls else self.shaken()
        sock.sendall(UPGRADE)
        read_until(sock, b"DERP\xf0\x9f\x94\x91")
        return sock

    def shaken(self):
        return tls_context().wrap_socket(self.plain())

    def raw(self):
        """Behind a handshake, but nothing is sealed any more."""
        return socket.socket(fileno=self.shaken().detach())

    def drip_all(self, kinds):
        """Runs as many of each kind until they end: name, how to begin, the
        bytes, seconds it may last at least and at most."""
        drips = []
        for name, begin, data, least, most in kinds:
            for _ in range(max(2, scaled(20))):
                drip = Drip(begin, data)
                drip.sock.setblocking(False)
                drips.append((name, drip, least, most))
        going = list(drips)
        deadline = time.monotonic() + 3 * HTTP_S
        while going:
            self.assertLess(time.monotonic(), deadline, [x[0] for x in going])
            time.sleep(DRIP_S)
            going = [x for x in going if x[1].go_on()]
        for name, drip, least, most in drips:
            with self.subTest(name):
                self.assertGreater(drip.lasted, least)
                self.assertLess(drip.lasted, most)
        for name in dict.fromkeys(x[0] for x in drips):
            lasted = [d.lasted for n, d, *_ in drips if n == name]
            print(f"{name}: ended after {min(lasted):.1f} to {max(lasted):.1f} s")

    def test_deadlines_end_those_who_drip(self):
        make_cert(self.folder, HOST, f"IP:{HOST}")
        self.besiege()
        mark, started = self.relay.log_mark(), time.monotonic()
        head = b"GET /derp HTTP/1.1\r\nX: " + b"y" * 4000
        info = frame(0x02, os.urandom(4000))
        kinds = [
            ("http", self.plain, head, HTTP_S - 2, HTTP_S + LATE_S),
            ("silent", self.plain, b"", HTTP_S - 2, HTTP_S + LATE_S),
            ("login", self.upgraded, info, LOGIN_S - 2, LOGIN_S + LOGIN_LATE_S),
            ("nothing", self.upgraded, b"", LOGIN_S - 2, LOGIN_S + LOGIN_LATE_S),
        ]
        self.drip_all(kinds)
        self.logged("receive client key: i/o timeout", mark, started)
        self.undisturbed()
        self.left()

    def test_deadlines_end_slow_handshakes(self):
        self.tls = True
        make_cert(self.folder, HOST, f"IP:{HOST}")
        self.besiege()
        outward = ssl.MemoryBIO()
        hello = tls_context().wrap_bio(ssl.MemoryBIO(), outward)
        with contextlib.suppress(ssl.SSLWantReadError):
            hello.do_handshake()
        # a long record that never ends
        record = b"\x17\x03\x03" + struct.pack(">H", 16000) + bytes(4000)
        kinds = [
            ("hello", self.plain, outward.read()[:-1], HTTP_S - 2, HTTP_S + LATE_S),
            ("no hello", self.plain, b"", HTTP_S - 2, HTTP_S + LATE_S),
            ("no request", self.shaken, b"", HTTP_S - 2, HTTP_S + LATE_S),
            ("no login", self.upgraded, b"", LOGIN_S - 2, LOGIN_S + LOGIN_LATE_S),
            ("record", self.raw, record, HTTP_S - 2, HTTP_S + LATE_S),
        ]
        self.drip_all(kinds)
        self.undisturbed()
        self.left()

    def test_half_closed_connections_end(self):
        self.besiege()
        for data in (b"", b"GET /", UPGRADE, UPGRADE + b"\x02"):
            sock = self.plain()
            sock.settimeout(60)
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            started = time.monotonic()
            with contextlib.suppress(ConnectionError):
                while sock.recv(4096):
                    pass
            self.assertLess(time.monotonic() - started, AT_ONCE_S)
            sock.close()
        self.undisturbed()
        self.left()

    def test_packets_byte_by_byte_arrive(self):
        """After login there is no deadline: a slow client is just slow."""
        self.besiege()
        peer = self.peer()
        peer.login(self.relay, "slow", "friend")
        for byte in bytes.fromhex("0400000022" + peer.key("friend") + "abcd"):
            peer.do(f"raw slow {byte:02x}")
            peer.sync()
        peer.expect("recv friend slow 2 abcd")
        self.undisturbed()
        peer.do("close slow", "close friend")
        self.left()


if __name__ == "__main__":
    unittest.main()
