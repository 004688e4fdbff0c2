"""Every frame in every wrong way, heads without end, garbage under TLS."""

import contextlib
import os
import re
import selectors
import socket
import ssl
import struct
import threading
import time
import unittest

from hostile import AT_ONCE_S, HostileScenario, scaled
from relaytest import (
    HOST,
    PATIENCE,
    UPGRADE,
    dial,
    frame,
    make_cert,
    ours_only,
    read_all,
    read_until,
    tls_context,
    wait_until,
)

SEND, NOTE, FORWARD, WATCH, CLOSE_PEER, PING = 0x04, 0x07, 0x0A, 0x10, 0x11, 0x12
INFO = 0x02
TYPES = [*range(0x00, 0x18), 0x7F, 0x80, 0xFF]
LENGTHS = [0, 1, 2, 7, 8, 9, 31, 32, 33, 51, 63, 64, 65, 999, 1000, 1001]
LENGTHS += [65567, 65568, 65569, 65600, 65601, 262144, 262145]
NEVER = 0xFFFFFFFF
HANDSHAKE_S = 30 + 5 * AT_ONCE_S  # the relay's deadline
MAC = "bad record mac"


def is_allowed(kind, length):
    """Whether an ordinary client may send it once it is logged in."""
    if kind == SEND:
        return 32 <= length <= 32 + 65536
    if kind == NOTE:
        return length == 1
    if kind == PING:
        return 8 <= length <= 1000
    return kind not in (FORWARD, WATCH, CLOSE_PEER)


class Input:
    def setUp(self):
        super().setUp()
        if self.tls:
            make_cert(self.folder, HOST, f"IP:{HOST}")

    def attack(self, *flags):
        self.besiege(*flags)
        self.mark, self.started = self.relay.log_mark(), time.monotonic()

    def asked(self):
        """A connection that has become DERP."""
        sock = dial(self.relay)
        self.addCleanup(sock.close)
        sock.sendall(UPGRADE)
        read_until(sock, b"\r\n\r\n")
        read_until(sock, b"DERP\xf0\x9f\x94\x91")
        for _ in range(32):
            sock.recv(1)
        return sock

    def ends(self, sock, what):
        """The relay ends it at once, without another byte."""
        started = time.monotonic()
        sock.settimeout(PATIENCE)
        self.assertEqual(read_all(sock), b"", what)
        self.assertLess(time.monotonic() - started, AT_ONCE_S, what)

    def test_first_frames_that_are_no_login(self):
        self.attack()
        cases = [(k, n, n) for k in TYPES if k != INFO for n in (0, 56, 70000)]
        cases += [(k, 0, NEVER) for k in TYPES]
        cases += [(INFO, n, n) for n in LENGTHS]
        for kind, length, announced in cases:
            with self.subTest(kind=kind, length=announced):
                sock = self.asked()
                with contextlib.suppress(ConnectionError, ssl.SSLError):
                    sock.sendall(frame(kind, os.urandom(length), announced))
                self.ends(sock, (kind, announced))
                sock.close()
        self.logged(
            rf"derp: {HOST}:\d+: receive client key: "
            "(bad frame type 0x|short client info|long client info|msgbox)",
            self.mark,
            self.started,
        )
        self.undisturbed()
        self.left()

    def test_unauthenticated_clients_cannot_fill_the_log(self):
        self.attack()
        count = 600
        for _ in range(count):
            with dial(self.relay) as sock:
                sock.sendall(UPGRADE + frame(SEND, bytes(40)))
                read_all(sock)
        lines = self.logged("bad frame type 0x4", self.mark, self.started)
        print(f"{count} bad logins, {len(lines)} lines")
        self.undisturbed()
        self.left()

    def test_a_client_info_of_the_largest_size_in_pieces(self):
        self.attack()
        sock = self.asked()
        body = os.urandom(262144)
        data = frame(INFO, body)
        for at in range(0, len(data), 8191):
            sock.sendall(data[at : at + 8191])
        self.ends(sock, "a long box that nobody can open")
        self.logged("cannot open len=262112", self.mark, self.started)
        sock = self.asked()
        sock.sendall(data[:-1])  # and one that is never whole
        sock.close()
        self.undisturbed()
        self.left()

    def test_every_frame_after_login(self):
        self.attack()
        peer = self.peer()
        peer.login(self.relay, "ignored")
        slowest = count = 0
        for kind in TYPES:
            for length in LENGTHS:
                if is_allowed(kind, length):
                    peer.do(f"frame ignored {kind:x} {'ab' * length or '-'}")
                    continue
                if length > 1001 and kind in (NOTE, WATCH, CLOSE_PEER):
                    continue
                count += 1
                name = f"f{kind:x}n{length}"
                peer.login(self.relay, name)
                since = time.monotonic()
                peer.do(f"frame {name} {kind:x} {'ab' * length or '-'}")
                peer.expect(f"closed {name} .*")
                slowest = max(slowest, time.monotonic() - since)
        peer.ping("ignored")
        print(f"{count} bad lengths, the slowest close took {slowest:.3f} s")
        self.assertLess(slowest, AT_ONCE_S)
        self.logged("frame of [0-9]+ bytes: (bad length|not a mesh)", self.mark, self.started)
        self.undisturbed()
        peer.do("close ignored")
        self.left()

    def test_lengths_that_never_come_true(self):
        self.attack()
        peer = self.peer()
        for kind in (SEND, NOTE, FORWARD, WATCH, CLOSE_PEER, PING):
            name = f"c{kind:x}"
            peer.login(self.relay, name)
            since = time.monotonic()
            peer.do(f"frame {name} {kind:x} - {NEVER}")
            peer.expect(f"closed {name} .*")
            self.assertLess(time.monotonic() - since, AT_ONCE_S)
        # all others are swallowed as they come, and cost nothing
        peer.login(self.relay, "glutton", "friend")
        peer.do(f"frame glutton 7f - {NEVER}")
        for _ in range(scaled(40)):
            peer.do(f"raw glutton {'12' * 1000000}")
        peer.do("send friend glutton 01")
        peer.expect("recv glutton friend 1 01")
        self.undisturbed()
        peer.do("close glutton", "close friend")
        self.left()

    def test_heads_without_end(self):
        request = b"GET /derp HTTP/1.1\r\nHost: h\r\n"
        cases = [
            (431, request + b"X: ", b"y", "one long header"),
            (431, request, b"X: y\r\n", "many headers"),
            (431, b"", b"G", "a long method"),
            (431, b"GET /", b"a", "a long path"),
            (400, b"", b"\0", "zeros"),
            (400, b"", b"\r\n", "empty lines"),
        ]
        self.attack()
        for status, start, more, what in cases:
            with self.subTest(what):
                # a little too long: the answer is there to be read
                data = start + more * (18000 // len(more))
                self.assertRegex(self.answer(data), rb"^HTTP/1\.1 %d " % status)
                # much too long, so that a reset may overtake the answer
                data = start + more * ((2 << 20) // len(more))
                answer = self.answer(data)
                if answer:
                    self.assertRegex(answer, rb"^HTTP/1\.1 %d " % status)
        self.undisturbed()
        self.left()

    def test_heads_that_are_wrong(self):
        request = b"GET /derp HTTP/1.1\r\nHost: h\r\n"
        self.attack()
        for data, status, what in (
            (request + b"A : b\r\n\r\n", 400, "a blank before the colon"),
            (request + b" folded\r\n\r\n", 400, "a folded header"),
            (b"GET /derp HTTP/9.9\r\n\r\n", 400, "a version of the future"),
            (b"GET /derp\r\n\r\n", 400, "no version"),
        ):
            with self.subTest(what):
                self.assertRegex(self.answer(data), rb"^HTTP/1\.[01] %d " % status)
        self.undisturbed()
        self.left()

    def answer(self, data):
        """What comes back until the relay ends it, which it does at once."""
        answer, started = b"", time.monotonic()
        with dial(self.relay) as sock:
            sock.settimeout(PATIENCE)
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                sock.sendall(data)
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                answer = read_all(sock)
        self.assertLess(time.monotonic() - started, AT_ONCE_S)
        return answer

    def test_requests_without_reading_the_answers(self):
        self.attack()
        requests = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 2000
        socks = []
        for _ in range(scaled(50)):
            sock = dial(self.relay)
            sock.settimeout(PATIENCE)
            self.addCleanup(sock.close)
            socks.append(sock)

        def send(sock):
            # ends only because the relay ends it
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                while True:
                    sock.sendall(requests)

        threads = [threading.Thread(target=send, args=(s,), daemon=True) for s in socks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive())
        self.undisturbed()
        for sock in socks:
            sock.close()
        self.left()

    def ping_until_answered(self, peer, name):
        """A ping that meets one whose answer is pending is not answered."""

        def answered():
            data = os.urandom(8).hex()
            peer.do(f"frame {name} 12 {data}")
            with contextlib.suppress(AssertionError):
                return peer.expect(f"pong {name} {data}", patience=1)

        wait_until(answered, f"a pong for {name}")

    def test_floods(self):
        """Pings, unknown frames, packets to nobody: read and not read."""
        self.attack("-tcp-write-timeout=1s")
        peer = self.peer()
        disco = "5453f09f92ac" + "00" * 56
        floods = {
            "ping": ("1200000008" + "ab" * 8, 60000),
            "unknown": ("7f00000000", 200000),
            "huge": ("7f0000fffb" + "cd" * 65531, 25),
            "nothere": (f"040000005e{'77' * 32}{disco}", 18000),
            "self": (None, 18000),
            "preferred": ("070000000101" + "070000000100", 130000),
        }
        for name, (unit, count) in floods.items():
            for way in ("reads", "deaf"):
                flooder = f"{name}.{way}"
                peer.login(self.relay, flooder)
                if unit is None:
                    data = f"040000005e{peer.key(flooder)}{disco}" * count
                else:
                    data = unit * count
                peer.do(f"count {flooder}")
                if way == "deaf":
                    peer.do(f"pause {flooder}")
                peer.do(*[f"raw {flooder} {data}"] * max(1, scaled(10)))
                peer.sync()
                if way == "reads":
                    self.ping_until_answered(peer, flooder)
                peer.do(f"close {flooder}")
                self.undisturbed(flooder)
        gone = [x for x in peer.untaken() if x.startswith("gone nothere")]
        pongs = [x for x in peer.untaken() if x.startswith("pong ping")]
        self.assertGreater(len(gone), 0)
        self.assertLess(len(gone), 3 + 2 * (time.monotonic() - self.started))
        self.assertGreater(len(pongs), 0)
        self.left()

    def test_those_who_leave_again_and_again(self):
        """A flood of PeerGone for whoever has heard from them."""
        self.attack()
        peer = self.peer()
        peer.login(self.relay, "victim")
        count = scaled(300)
        for i in range(count):
            peer.login(self.relay, f"v{i % 10}")
            peer.do(f"send v{i % 10} victim 01", f"close v{i % 10}")
            peer.expect(f"closed v{i % 10} here")
        for _ in range(count):
            peer.expect("recv victim v. 1 01")
            peer.expect("gone victim v. 0")
        peer.ping("victim")
        self.undisturbed()
        peer.do("close victim")
        self.left()


class Plain(Input, HostileScenario):
    pass


class TlsInput(Input):
    tls = True

    def shaken(self):
        """A socket behind its TLS handshake, where bytes go raw."""
        raw = socket.create_connection((HOST, self.relay.port), PATIENCE)
        self.addCleanup(raw.close)
        self.inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = tls_context().wrap_bio(self.inward, outward)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(outward.read())
                self.inward.write(raw.recv(65536))
        raw.sendall(outward.read())
        return raw, tls, outward

    def alert(self, raw, tls):
        """The alert with which the relay ends the connection, or None."""
        with contextlib.suppress(ConnectionError):
            while part := raw.recv(65536):
                self.inward.write(part)
        self.inward.write_eof()
        try:
            while tls.read(65536):
                pass
        except ssl.SSLError as e:
            found = re.search("alert (.*) \\(_ssl", str(e))
            return found and found.group(1)

    def record(self, tls, outward, data):
        tls.write(data)
        return outward.read()

    def test_garbage_instead_of_a_handshake(self):
        self.attack()
        hello = self.hello()
        cases = [os.urandom(n) for n in (1, 5, 100, 3000, 70000)]
        cases += [hello[:n] for n in (1, 4, 5, 6, 60, len(hello) - 1)]
        cases += [hello[:3] + struct.pack(">H", n) + hello[5:] for n in (0, 1, 65535)]
        cases += [hello[:6] + b"\xff\xff\xff" + hello[9:]]
        cases += [bytes([b & 0xFF ^ 0x80 if i == at else b for i, b in enumerate(hello)])
                  for at in range(5, len(hello), 7)]
        cases += [hello * 2, hello + os.urandom(400), b"\x17\x03\x03\x00\x00" * 5000]
        cases += [b"\x14\x03\x03\x00\x01\x01" * 5000, b"\x15\x03\x03\x00\x02\x01\x00" * 500]
        going = []
        for data in cases:
            raw = socket.create_connection((HOST, self.relay.port), PATIENCE)
            self.addCleanup(raw.close)
            with contextlib.suppress(ConnectionError):
                raw.sendall(data)
            raw.settimeout(PATIENCE)
            going.append((raw, data))
        # nobody half-closes: what may still become a handshake has its time
        lasted = self.times_to_end([raw for raw, _ in going])
        for data, s in zip(cases, lasted):
            self.assertLess(s, HANDSHAKE_S, data[:20])
        quick = sum(s < AT_ONCE_S for s in lasted)
        print(f"{quick} of {len(going)} were ended at once")
        for data, s in zip(cases[-3:], lasted[-3:]):  # hopeless
            self.assertLess(s, AT_ONCE_S, data[:20])
        self.logged("http: TLS handshake error from", self.mark, self.started)
        self.undisturbed()
        self.left()

    def times_to_end(self, socks):
        """Seconds until the relay has ended each."""
        since, lasted = time.monotonic(), {}
        with selectors.DefaultSelector() as selector:
            for sock in socks:
                selector.register(sock, selectors.EVENT_READ)
            while len(lasted) < len(socks):
                self.assertLess(time.monotonic() - since, HANDSHAKE_S)
                for key, _ in selector.select(1):
                    with contextlib.suppress(ConnectionError):
                        if key.fileobj.recv(65536):
                            continue
                    selector.unregister(key.fileobj)
                    lasted[key.fileobj] = time.monotonic() - since
        return [lasted[sock] for sock in socks]

    def hello(self):
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = tls_context().wrap_bio(inward, outward)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        return outward.read()

    def test_bad_records_after_the_handshake(self):
        self.attack()
        # a name, the bytes, the alert; OpenSSL waits for all that the first
        # five bytes seem to announce
        bad = [
            ("random body", b"\x17\x03\x03\x02\x00" + os.urandom(512), MAC),
            ("no room for a tag", b"\x17\x03\x03\x00\x10" + os.urandom(16), None),
            ("empty", b"\x17\x03\x03\x00\x00", None),
            ("oversized", b"\x17\x03\x03\x41\x01" + os.urandom(0x4101), None),
            ("oversized, announced only", b"\x17\x03\x03\x41\x01", None),
            ("64 KiB", b"\x17\x03\x03\xff\xff" + os.urandom(0xFFFF), None),
            ("plain alert", b"\x15\x03\x03\x00\x02\x02\x28", None),
            ("unknown type", b"\x63\x03\x03\x00\x20" + os.urandom(32), None),
            ("plain HTTP", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + bytes(20000), None),
            ("another hello", self.hello(), None),
            ("SSLv2", b"\x80\x2e\x01\x03\x01" + os.urandom(20000), None),
        ]
        # sealed with the keys of the connection, and then one bit is another
        for name, at in (("body", 9), ("tag", -1), ("length", 4), ("type", 0)):
            bad.append((f"flipped {name}", at, MAC if name in ("body", "tag") else None))
        for what, data, alert in bad:
            for upgraded in (False, True):
                with self.subTest(what, upgraded=upgraded):
                    self.bad_record(data, alert, upgraded)
        self.undisturbed()
        self.left()

    def bad_record(self, data, alert, upgraded):
        raw, tls, outward = self.shaken()
        if upgraded:
            raw.sendall(self.record(tls, outward, UPGRADE))
        if isinstance(data, int):
            record = bytearray(self.record(tls, outward, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"))
            record[data] ^= 1
            # the length may now be that of more
            data = bytes(record) + bytes(300)
        since = time.monotonic()
        with contextlib.suppress(ConnectionError):
            raw.sendall(data)
        got = self.alert(raw, tls)
        self.assertLess(time.monotonic() - since, AT_ONCE_S)
        if alert:
            self.assertEqual(got, alert)

    def test_truncated_and_replayed_records(self):
        self.attack()
        raw, tls, outward = self.shaken()
        good = self.record(tls, outward, UPGRADE)
        raw.sendall(good[: len(good) // 2])
        raw.shutdown(socket.SHUT_WR)  # a truncation
        with contextlib.suppress(ConnectionError):
            while raw.recv(65536):
                pass
        raw, tls, outward = self.shaken()
        good = self.record(tls, outward, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            raw.sendall(good + good)  # a replay
            while raw.recv(65536):
                pass
        raw, tls, outward = self.shaken()
        records = [self.record(tls, outward, b"x") for _ in range(2)]
        with contextlib.suppress(ConnectionError):
            raw.sendall(records[1] + records[0])  # out of order
            while raw.recv(65536):
                pass
        self.undisturbed()
        self.left()


class Tls(TlsInput, HostileScenario):
    pass


@ours_only
class TlsOpenssl(TlsInput, HostileScenario):
    flags = ("-tls-records=openssl",)


if __name__ == "__main__":
    unittest.main()
