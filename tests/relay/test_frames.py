"""Frames and logins that a client must not send, and those it may."""

import contextlib
import os
import socket
import time
import unittest

from hostile import LOGIN_S
from rawlogin import client_info, raw_login, zero_box_key
from relaytest import (
    HOST,
    PATIENCE,
    UPGRADE,
    Scenario,
    dial,
    frame,
    ours_only,
    read_all,
    read_until,
)

KEY = "55" * 32

# the points whose product with any private key is zero, also not reduced
LOW_ORDER = [
    ("zero", "00" * 32),
    ("one", "01" + "00" * 31),
    ("p - 1", "ec" + "ff" * 30 + "7f"),
    ("p", "ed" + "ff" * 30 + "7f"),
    ("p + 1", "ee" + "ff" * 30 + "7f"),
    ("order 8", "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    ("order 8", "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
]

# type, body in hex, announced length (None: the true one), what is wrong
FORBIDDEN = [
    ("04", "00" * 31, None, "SendPacket without a whole key"),
    ("04", "", None, "empty SendPacket"),
    ("04", KEY + "00" * 65537, None, "packet one byte too long"),
    ("04", KEY, 0xFFFFFFFF, "SendPacket of 4 GiB"),
    ("07", "-", None, "empty NotePreferred"),
    ("07", "0101", None, "NotePreferred of two bytes"),
    ("12", "00" * 7, None, "ping of 7 bytes"),
    ("12", "00" * 1001, None, "ping of 1001 bytes"),
    ("12", "-", None, "empty ping"),
    ("0a", KEY * 2 + "00", None, "ForwardPacket from an ordinary client"),
    ("0a", "00" * 63, None, "short ForwardPacket"),
    ("10", "-", None, "WatchConns from an ordinary client"),
    ("10", "00", None, "WatchConns with a body"),
    ("11", KEY, None, "ClosePeer from an ordinary client"),
    ("11", "00" * 31, None, "short ClosePeer"),
    ("11", KEY + "00", None, "long ClosePeer"),
]

# what the server ignores, whatever its length
IGNORED = [
    ("00", "-"),
    ("01", "00" * 40),
    ("03", "00" * 80),
    ("05", KEY + "01"),
    ("06", "-"),
    ("06", "00" * 9),
    ("08", KEY + "00"),
    ("09", KEY),
    ("0b", "00"),
    ("13", "00" * 3),
    ("14", "ff" * 20),
    ("15", "00" * 8),
    ("16", "-"),
    ("7f", "aa" * 3000),
    ("ff", "bb" * 300000),
]


def dial_plain(relay):
    return socket.create_connection((HOST, relay.port), PATIENCE)


class Frames:
    tls = False

    def setUp(self):
        super().setUp()
        self.relay = self.derper(tls=self.tls)
        self.p = self.peer()

    def test_a_forbidden_frame_ends_its_connection_only(self):
        self.p.login(self.relay, "good", "friend")
        for i, (kind, body, length, what) in enumerate(FORBIDDEN):
            with self.subTest(what):
                self.p.login(self.relay, f"bad{i}")
                announced = "" if length is None else f" {length}"
                self.p.do(f"frame bad{i} {kind} {body or '-'}{announced}")
                self.p.expect(f"closed bad{i} .*")
                self.p.do("send good friend 01")
                self.p.expect("recv friend good 1 01")
        self.p.absent("closed (good|friend) .*")

    def test_frames_before_the_forbidden_one_count(self):
        self.p.login(self.relay, "bad", "friend")
        self.p.do(f"raw bad 0400000021{self.p.key('friend')}77" + "0700000000")
        self.p.expect("recv friend bad 1 77")
        self.p.expect("closed bad .*")

    def test_unknown_frames_are_thrown_away(self):
        self.p.login(self.relay, "a", "b")
        for kind, body in IGNORED:
            self.p.do(f"frame a {kind} {body}")
        self.p.do("send a b 01")
        self.p.expect("recv b a 1 01")

    def test_an_unknown_frame_may_announce_four_gigabytes(self):
        self.p.login(self.relay, "a", "b")
        self.p.do(f"frame a 20 {'00' * 1000} {0xFFFFFFFF}")
        for _ in range(20):  # all of it is swallowed, also what looks like more
            self.p.do(f"raw a {'1200000008' + '00' * 8}" * 1)
        self.p.do("send b a 01")
        self.p.expect("recv a b 1 01")
        self.p.absent("(pong|closed) a .*")

    def test_a_second_client_info_is_just_unknown(self):
        self.p.login(self.relay, "a")
        self.p.do(f"frame a 02 {'00' * 100}")
        self.p.ping("a")

    def test_a_ping_flood_disturbs_nobody(self):
        self.p.login(self.relay, "flood", "a", "b")
        self.p.do("pause flood", f"raw flood {('1200000008' + 'ab' * 8) * 20000}")
        self.p.do("send a b 01")
        self.p.expect("recv b a 1 01")
        self.p.ping("a", "b")


    def test_a_thousand_silent_connections_do_not_delay_a_login(self):
        for i in range(1000):
            # over TLS some have shaken hands, which takes longer
            sock = dial(self.relay) if i < 50 else dial_plain(self.relay)
            self.addCleanup(sock.close)
        started = time.monotonic()
        self.p.login(self.relay, "a", "b")
        self.p.do("send a b 01")
        self.p.expect("recv b a 1 01")
        self.assertLess(time.monotonic() - started, LOGIN_S)


class Plain(Frames, Scenario):
    def greeted(self):
        """A raw connection that is waited for to say who it is."""
        sock = dial(self.relay)
        sock.sendall(UPGRADE)
        read_until(sock, b"\r\n\r\n")
        self.addCleanup(sock.close)
        return sock

    def test_bad_logins_are_closed(self):
        for what, data in (
            ("wrong first frame", frame(0x04, bytes(64))),
            ("short", frame(0x02, bytes(55))),
            ("oversized", frame(0x02, b"", 262145)),
            ("huge", frame(0x02, b"", 0xFFFFFFFF)),
            ("no box", frame(0x02, b"\x05" * 32 + bytes(24) + bytes(60))),
            ("zero key", frame(0x02, bytes(32) + bytes(24) + bytes(60))),
            ("unknown type", frame(0x99, bytes(80))),
        ):
            with self.subTest(what):
                sock = self.greeted()
                sock.sendall(data)
                self.assertEqual(len(read_all(sock)), 45)  # ServerKey only

    def test_the_log_tells_why_a_login_failed(self):
        for data, line in (
            (frame(0x04, bytes(64)), "bad frame type 0x4, want 0x2"),
            (frame(0x02, bytes(55)), "short client info"),
            (frame(0x02, b"", 262145), "long client info"),
            (frame(0x02, b"\x05" * 32 + bytes(84)), "msgbox: cannot open len="),
        ):
            mark = self.relay.log_mark()
            sock = self.greeted()
            sock.sendall(data)
            self.relay.wait_log(rf"derp: {HOST}:\d+: .*{line}", mark)

    @ours_only  # the Go one lets them in
    def test_low_order_keys_are_refused(self):
        """Whoever has one, the relay's shared secret with it is zero, so that
        anybody can seal what opens."""
        for name, low in LOW_ORDER:
            with self.subTest(name):
                mark, sock = self.relay.log_mark(), self.greeted()
                sock.sendall(client_info(bytes.fromhex(low), zero_box_key()))
                self.assertEqual(len(read_all(sock)), 45)
                self.relay.wait_log(f"derp: {HOST}:.*: receive client key: ", mark)
        raw_login(self.relay).close()  # so sealed, a good key logs in

    def test_silent_and_half_sent_logins_are_cut_off(self):
        socks = [self.greeted() for _ in range(3)]
        socks[1].sendall(b"\x02\x00\x00")
        socks[2].sendall(frame(0x02, bytes(40), 100))
        dumb = dial(self.relay)  # has not even asked; 30 s, so not waited for
        self.addCleanup(dumb.close)
        self.p.login(self.relay, "a")  # meanwhile others get in
        for sock in socks:
            sock.settimeout(60)
            read_all(sock)

    def test_garbage_instead_of_http(self):
        for data in (os.urandom(3000), b"\x16\x03\x01\x02\x00" + bytes(600), b"\n" * 99):
            sock = dial(self.relay)
            with sock:
                sock.sendall(data + b"\r\n\r\n")
                answer = read_all(sock)
                self.assertTrue(answer == b"" or b" 400 " in answer.split(b"\r\n")[0])
        self.p.login(self.relay, "a")


class Tls(Frames, Scenario):
    tls = True

    def test_garbage_instead_of_tls(self):
        self.relay.tls = False
        for data in (os.urandom(3000), b"\x16\x03\x01\x02\x00" + bytes(600), b"\x80" * 50):
            with dial(self.relay) as sock:
                sock.sendall(data)
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
                read_all(sock)
        self.relay.tls = True
        self.p.login(self.relay, "a")


if __name__ == "__main__":
    unittest.main()
