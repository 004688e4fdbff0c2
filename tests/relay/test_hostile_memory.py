"""No memory is kept: the same attack again, and the relay has not grown.

What the allocator keeps of the first rounds it uses again in later ones; what
is lost grows with every one of them. So it is not how big the relay has become
that counts, but that some round went by without it growing.
"""

import contextlib
import os
import socket
import time
import unittest

from hostile import SCALE, HostileScenario, open_files, rss_kb, scaled
from relaytest import (
    HOST,
    PATIENCE,
    UPGRADE,
    dial,
    frame,
    make_cert,
    ours_only,
    read_all,
    stub_verify,
    wait_until,
)

COUNT = max(50, scaled(300))  # of each attack in a round
ROUNDS = 5
# A third of a kilobyte each time; sanitizers keep freed memory on purpose, and find
# what is lost by themselves.
GROWTH_KB = COUNT // 3 if SCALE == 1 else 64 * 1024


class Kept:
    def setUp(self):
        super().setUp()
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")

    def rounds(self, attack):
        """Runs it COUNT times per round until one costs no memory."""
        sizes = [rss_kb(self.relay)]
        for _ in range(ROUNDS):
            for _ in range(COUNT):
                attack()
            wait_until(lambda: open_files(self.relay) <= self.files + 2, "all to be closed")
            time.sleep(0.1)  # the end of a turn, where things are freed
            sizes.append(rss_kb(self.relay))
            if len(sizes) > 2 and sizes[-1] - sizes[-2] < GROWTH_KB:
                break
        grown = [b - a for a, b in zip(sizes, sizes[1:])]
        print(f"{COUNT} at a time: {grown} kB")
        self.assertLess(grown[-1], GROWTH_KB)
        self.undisturbed()

    def says(self, data):
        def attack():
            with dial(self.relay) as sock:
                sock.sendall(data)
                read_all(sock)

        self.rounds(attack)

    def hangs_up(self, data):
        """Closed by us in the middle of something."""

        def attack():
            with dial(self.relay) as sock:
                sock.sendall(data)

        self.rounds(attack)

    def test_a_wrong_first_frame(self):
        self.besiege()
        self.says(UPGRADE + frame(0x04, bytes(400)))

    def test_a_box_that_nobody_can_open(self):
        self.besiege()
        self.says(UPGRADE + frame(0x02, os.urandom(3000)))

    def test_a_long_head(self):
        self.besiege()
        self.says(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 18000)

    def test_half_a_head(self):
        self.besiege()
        self.hangs_up(b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 9000)

    def test_half_a_login(self):
        self.besiege()
        self.hangs_up(UPGRADE + frame(0x02, bytes(20000), 60000))

    def as_client(self, *commands):
        """Logs in, does these, and is closed by us or the relay."""
        peer = self.peer()
        peer.login(self.relay, "friend")
        self.files += 1
        friend = peer.key("friend")

        def attack():
            peer.login(self.relay, "bad")
            for i, command in enumerate(commands):
                peer.do(command.replace("FRIEND", friend))
                if i == 0:  # a reset would end what was not yet read
                    peer.expect("recv friend bad 1 01")
            peer.expect("closed bad .*")
            peer.expect("gone friend bad 0")

        self.rounds(attack)

    def test_a_bad_frame(self):
        self.besiege()
        self.as_client("send bad friend 01", "frame bad 07 0101")

    def test_pings_that_nobody_reads(self):
        self.besiege()
        pings = ("1200000008" + "ab" * 8) * 300
        self.as_client("send bad friend 01", "pause bad", f"raw bad {pings}", "close bad")

    def test_unknown_frames(self):
        self.besiege()
        frames = ("7f00000000" + "7f00000fa0" + "cd" * 4000) * 5
        self.as_client("send bad friend 01", f"raw bad {frames}", "close bad")

    def test_half_a_packet(self):
        self.besiege()
        half = "0400004020FRIEND" + "ab" * 9000
        self.as_client("send bad friend 01", f"raw bad {half}", "close bad")

    def test_a_full_queue(self):
        self.besiege()
        self.as_client(
            "send bad friend 01", "pause bad", "flood friend bad 40 30000", "close bad"
        )

    @ours_only
    def test_rejected_clients(self):
        stub = stub_verify(self, lambda path, body: (200, '{"Allow":true}'))
        self.besiege(
            "-verify-client-url=" + stub.url, "-verify-client-url-fail-open=false"
        )
        stub.answer = lambda path, body: (200, '{"Allow":false}')
        peer = self.peer()
        self.rounds(lambda: peer.refused(self.relay, "unknown"))


class Plain(Kept, HostileScenario):
    pass


class TlsKept(Kept):
    tls = True

    def raw(self, data):
        def attack():
            with socket.create_connection((HOST, self.relay.port)) as sock:
                sock.sendall(data)
                with contextlib.suppress(OSError):  # it may be closed already
                    sock.shutdown(socket.SHUT_WR)
                    read_all(sock)

        self.rounds(attack)

    def test_garbage_instead_of_a_handshake(self):
        self.besiege()
        self.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(3000))

    def test_a_bad_record(self):
        self.besiege()

        def attack():
            sock = dial(self.relay)
            sock.sendall(UPGRADE)
            raw = socket.socket(fileno=sock.detach())
            raw.settimeout(PATIENCE)
            with raw:
                raw.sendall(b"\x17\x03\x03\x02\x00" + os.urandom(512))
                read_all(raw)

        self.rounds(attack)


class Tls(TlsKept, HostileScenario):
    pass


@ours_only
class TlsOpenssl(TlsKept, HostileScenario):
    flags = ("-tls-records=openssl",)


if __name__ == "__main__":
    unittest.main()
